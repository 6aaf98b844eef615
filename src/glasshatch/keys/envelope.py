"""Authenticated encryption of data at rest: AES-256-GCM under one key that has a public id."""

from __future__ import annotations

import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import VerificationError

CIPHER = "A256GCM"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
"""How much longer a sealed value is than its plaintext."""


class _Nonces:
    """Random nonces, drawn many at a time: each draw is a system call that gives up the interpreter."""

    _AT_ONCE = 256

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._waiting: list[bytes] = []
        self._process = os.getpid()

    def next(self) -> bytes:
        # A forked child must not use what its parent will use: it draws its own.
        if self._process != os.getpid():
            self._waiting, self._process = [], os.getpid()
        try:
            # list.pop is atomic: two threads never get the same one.
            return self._waiting.pop()
        except IndexError:
            drawn = self._random(NONCE_BYTES * self._AT_ONCE)
            nonces = [drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES)]
            first = nonces.pop()
            self._waiting = nonces
            return first


class Envelope:
    """Seals and opens values under one data key; thread-safe.

    Nonces are random, so one key should seal fewer than 2^32 values (NIST SP 800-38D §8.3):
    files that hold many values use `derive` to give each file its own key.
    """

    def __init__(self, key: bytes, key_id: str, random: Callable[[int], bytes] = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("an envelope key has 32 bytes")
        self.id = key_id
        self._key = key
        self._random = random
        self._cipher = AESGCM(key)
        self._nonces = _Nonces(random)

    def __repr__(self) -> str:
        return f"Envelope(id={self.id!r})"

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt and authenticate: `nonce (12) || ciphertext || tag (16)`; opens with the same `aad`."""
        nonce = self._nonces.next()
        return nonce + self._cipher.encrypt(nonce, plaintext, aad)

    def seal_into(self, target: memoryview, plaintext: bytes, aad: bytes) -> None:
        """As `seal`, written where it is to stand: `target` is `OVERHEAD_BYTES` longer than the plaintext."""
        nonce = self._nonces.next()
        target[:NONCE_BYTES] = nonce
        self._cipher.encrypt_into(nonce, plaintext, aad, target[NONCE_BYTES:])

    def open(self, sealed: bytes | memoryview, aad: bytes) -> bytes:
        """The plaintext of `seal`.

        Raises:
            VerificationError: Another key, other `aad`, or changed bytes; they cannot be told apart.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise VerificationError(
                "sealed value is too short", expected=">= 28 bytes", found=str(len(sealed))
            )
        try:
            return self._cipher.decrypt(bytes(sealed[:NONCE_BYTES]), sealed[NONCE_BYTES:], aad)
        except InvalidTag:
            raise VerificationError(
                f"sealed value does not open under key {self.id}",
                hint="the bytes were changed, or belong to another key or place",
            ) from None

    def derive(self, context: bytes) -> Envelope:
        """An independent envelope for one file or purpose (HKDF-SHA-256, RFC 5869); keeps the key's id."""
        key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"glasshatch/envelope/v1\0" + context).derive(
            self._key
        )
        return Envelope(key, self.id, self._random)
