"""`env:NAME`: base64 of 32 bytes in an environment variable."""

from __future__ import annotations

import os

from ...errors import ConfigError
from .local import CURE, LocalMasterKey, decode_key
from .port import MasterKey, MasterKind


def _open(place: str) -> MasterKey:
    value = os.environ.get(place)
    if value is None:
        raise ConfigError(f"environment variable {place} (the master key) is not set", hint=CURE)
    return LocalMasterKey(decode_key(value.encode(), f"env:{place}"))


MASTER = MasterKind("env:NAME", _open)
