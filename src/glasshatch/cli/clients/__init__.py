"""Local clients, one module for each kind of resource: how it is opened with a token that nobody else sees.

A module exposes `CLIENT`. Another kind is added by adding a module; nothing lists them a second time.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from ...errors import ConfigError
from .port import LocalClient, Prepared, private_file

__all__ = ["LocalClient", "Prepared", "client_of", "kinds", "private_file"]


def kinds() -> list[str]:
    """The kinds of resources that have a local client here."""
    return sorted(one.name for one in pkgutil.iter_modules(__path__) if one.name != "port")


def client_of(kind: str) -> LocalClient:
    """The client of a kind of resource.

    Raises:
        ConfigError: There is none.
    """
    if kind not in kinds():
        raise ConfigError(
            f"there is no local client for {kind[:40]}",
            key="RESOURCE",
            hint=f"a resource reads type/name, and there are clients for {', '.join(kinds())}:"
            " glasshatch resources lists what you may reach",
        )
    client: LocalClient = import_module(f".{kind}", __name__).CLIENT
    return client
