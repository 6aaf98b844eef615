"""A master key that this process holds in memory, wherever it read it."""

from __future__ import annotations

import base64
import binascii
import hashlib

from ...errors import ConfigError, VerificationError
from ..envelope import KEY_BYTES, Envelope

CURE = "it must be base64 of 32 random bytes, for example from: openssl rand -base64 32"


class LocalMasterKey:
    """A master key held in this process's memory."""

    def __init__(self, key: bytes) -> None:
        self.id = hashlib.sha256(b"glasshatch/master-key-id/v1\0" + key).hexdigest()[:16]
        self._envelope = Envelope(key, self.id).derive(b"wrap")

    def __repr__(self) -> str:
        return f"LocalMasterKey(id={self.id!r})"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._envelope.seal(key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._envelope.open(wrapped, context)
        except VerificationError:
            raise VerificationError(
                f"a wrapped key does not open under master key {self.id}",
                hint="give the master key the keyring was made with, or restore the keyring from a backup",
            ) from None


def decode_key(text: bytes, where: str) -> bytes:
    """The 32 bytes in a base64 text; raises `ConfigError` naming `where`."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError("the master key is malformed", file=where, hint=CURE)
    return key
