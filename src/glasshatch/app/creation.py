"""What tells of a ledger's creation: the default ledger, and a mark while it lasts. No server dependency."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ..events import Event, decode

CREATED = "ledger.created"
_OURS = "glasshatch"


class Entries(Protocol):
    """A ledger, as far as it tells of others."""

    @property
    def minimum(self) -> int: ...
    def scan(self, start: int = 0, stop: int | None = None) -> Iterable[tuple[int, bytes]]: ...


def was_made(name: str, default: Entries, ledgers: Path) -> bool:
    """Whether a ledger whose directory is missing was there before, so that it must not be made anew.

    The default ledger says so. If that was pruned, it may have said so in what is gone: then only a creation
    that is known to be under way counts as one.
    """
    if creation_of(name, default.scan()) is not None:
        return True
    return default.minimum > 0 and not _mark(ledgers, name).exists()


def begin_making(ledgers: Path, name: str) -> None:
    """Note, durably, that a ledger is being made."""
    _mark(ledgers, name).touch(mode=0o600)
    _sync(ledgers)


def end_making(ledgers: Path, name: str) -> None:
    """The ledger is there."""
    _mark(ledgers, name).unlink(missing_ok=True)


def _mark(ledgers: Path, name: str) -> Path:
    return ledgers / f".{name}.making"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def creation_of(name: str, entries: Iterable[tuple[int, bytes]]) -> Event | None:
    """The event that a ledger of this name was made, out of the default ledger's entries."""
    for _, data in entries:
        if b'"ledger.created"' in data:
            event = decode(data)
            if event.action == CREATED and event.source.kind == _OURS and event.attrs.get("ledger") == name:
                return event
    return None
