"""The master key: one interface, behind which it may lie in a file, the environment or (later) a KMS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import Protocol

from ..errors import ConfigError, VerificationError
from .envelope import KEY_BYTES, Envelope
from .files import read_secret, write_new_secret

_CURE = "it must be base64 of 32 random bytes, for example from: openssl rand -base64 32"


class MasterKey(Protocol):
    """Wraps other keys and never leaves its place."""

    id: str
    """Short, stable and not secret: names the key in the files it protects."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key; the same `context` must be given to unwrap it."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The key of `wrap`.

        Raises:
            VerificationError: Another master key, another context, or changed bytes.
        """


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


def open_master_key(reference: str) -> MasterKey:
    """The master key behind `file:/path` or `env:NAME` (base64 of 32 bytes).

    Raises:
        ConfigError: Unknown kind of reference, missing, malformed, or a file that others may read.
    """
    kind, _, place = reference.partition(":")
    if kind == "file" and place:
        return LocalMasterKey(_decode(read_secret(Path(place), "master key"), place))
    if kind == "env" and place:
        value = os.environ.get(place)
        if value is None:
            raise ConfigError(f"environment variable {place} (the master key) is not set", hint=_CURE)
        return LocalMasterKey(_decode(value.encode(), f"env:{place}"))
    raise ConfigError("a master key reference is file:/path or env:NAME", key="master_key", hint=_CURE)


def create_master_key_file(path: Path) -> MasterKey:
    """Make a random master key in `path`: mode 0600, fsynced, never over an existing file (`Conflict`)."""
    key = os.urandom(KEY_BYTES)
    write_new_secret(path, base64.b64encode(key) + b"\n")
    return LocalMasterKey(key)


def _decode(text: bytes, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError("the master key is malformed", file=where, hint=_CURE)
    return key
