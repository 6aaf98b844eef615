"""Where a master key may lie. Every module of this folder that has a `MASTER` is a kind of reference.

A new kind, as of a KMS, is a new module and needs no other edit; `port` says what it promises.
"""

from __future__ import annotations

import importlib
import pkgutil

from ...errors import ConfigError
from .file import create_master_key_file
from .local import CURE
from .port import MasterKey, MasterKind

MASTERS: dict[str, MasterKind] = {
    module.name: importlib.import_module(f"{__name__}.{module.name}").MASTER
    for module in pkgutil.iter_modules(__path__)
    if module.name not in ("port", "local")
}
"""The kinds there are, by what stands before the colon of a reference."""

__all__ = ["MASTERS", "MasterKey", "MasterKind", "create_master_key_file", "open_master_key"]


def open_master_key(reference: str) -> MasterKey:
    """The master key behind a reference such as `file:/path`, `env:NAME` or `exec:/path/to/program`.

    Raises:
        ConfigError: Unknown kind of reference, missing, malformed, or a file that others may read.
        Unavailable: Its place cannot be reached.
    """
    kind, _, place = reference.partition(":")
    if kind not in MASTERS or not place:
        forms = ", ".join(one.form for one in MASTERS.values())
        raise ConfigError(f"a master key reference is one of {forms}", key="master_key", hint=CURE)
    return MASTERS[kind].open(place)
