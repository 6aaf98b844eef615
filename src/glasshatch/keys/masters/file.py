"""`file:/path`: base64 of 32 bytes in a file of mode 0600."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from ..envelope import KEY_BYTES
from ..files import read_secret, write_new_secret
from .local import LocalMasterKey, decode_key
from .port import MasterKey, MasterKind


def _open(place: str) -> MasterKey:
    return LocalMasterKey(decode_key(read_secret(Path(place), "master key"), place))


def create_master_key_file(path: Path) -> MasterKey:
    """Make a random master key in `path`: mode 0600, fsynced, never over an existing file (`Conflict`)."""
    key = os.urandom(KEY_BYTES)
    write_new_secret(path, base64.b64encode(key) + b"\n")
    return LocalMasterKey(key)


MASTER = MasterKind("file:/path", _open)
