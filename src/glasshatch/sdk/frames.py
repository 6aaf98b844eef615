"""What the SDK keeps on the disk: encrypted frames, and files that are whole or not there.

A frame is a length, a CRC-32, a nonce and AES-256-GCM ciphertext. A crash may leave a torn one at the end
of what was written; the CRC tells it from one that another key wrote.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import ConfigError
from ..wholefiles import write_whole

MAGIC = b"GHSPOOL1"
_HEAD = struct.Struct(">II12s")
_KEY_BYTES = 32
_TAG_BYTES = 16
_DRAWN = 256


class Frames:
    """Seals events and opens them again. Whoever calls `seal` holds a lock."""

    def __init__(self, key: bytes, directory: Path) -> None:
        """As `directory/key` says, made if it is missing, unless a key of 32 bytes is handed in."""
        self._cipher = AESGCM(key or _key_file(directory / "key"))
        self._directory = directory
        self._nonces: list[bytes] = []

    def seal(self, event: bytes) -> bytes:
        """The frame of an event."""
        if not self._nonces:
            # Random ones of 96 bits, many from one call to the system, which is half of sealing else.
            drawn = os.urandom(12 * _DRAWN)
            self._nonces = [drawn[at : at + 12] for at in range(0, 12 * _DRAWN, 12)]
        nonce = self._nonces.pop()
        sealed = self._cipher.encrypt(nonce, event, MAGIC)
        return _HEAD.pack(len(sealed), zlib.crc32(sealed), nonce) + sealed

    def opened(self, data: bytes, at: int = 0) -> Iterator[tuple[bytes, int]]:
        """Events and the offset behind each, up to the first frame that is not whole.

        Raises:
            ConfigError: A whole frame was sealed with another key.
        """
        for nonce, sealed, end in _whole(data, at):
            try:
                yield self._cipher.decrypt(nonce, sealed, MAGIC), end
            except InvalidTag:
                raise ConfigError(
                    "the key does not open the spool",
                    file=str(self._directory),
                    hint="give the key it was made with",
                ) from None


def ends_of(data: bytes, at: int) -> list[int]:
    """The offset behind each whole frame, without opening any."""
    return [end for _, _, end in _whole(data, at)]


def _whole(data: bytes, at: int) -> Iterator[tuple[bytes, bytes, int]]:
    while at + _HEAD.size <= len(data):
        length, code, nonce = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size
        sealed = data[begin : begin + length]
        if length < _TAG_BYTES or len(sealed) < length or zlib.crc32(sealed) != code:
            return
        at = begin + length
        yield nonce, sealed, at


def _key_file(path: Path) -> bytes:
    if not path.exists():
        write_whole(path, os.urandom(_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            "is no spool key", file=str(path), hint="32 bytes, made when the spool is first used"
        )
    return key
