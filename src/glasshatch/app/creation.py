"""What the default ledger says of the creation of another one. Needs no server dependency."""

from __future__ import annotations

from collections.abc import Iterable

from ..events import Event, decode

CREATED = "ledger.created"
_OURS = "glasshatch"


def creation_of(name: str, entries: Iterable[tuple[int, bytes]]) -> Event | None:
    """The event that a ledger of this name was made, out of the default ledger's entries."""
    for _, data in entries:
        if b'"ledger.created"' in data:
            event = decode(data)
            if event.action == CREATED and event.source.kind == _OURS and event.attrs.get("ledger") == name:
                return event
    return None
