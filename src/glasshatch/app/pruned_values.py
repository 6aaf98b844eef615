"""The vault's part of a pruning: sealed values of events that are gone go too."""

from __future__ import annotations

import msgspec

from ..control import ControlStore
from ..ledger import Ledger

_LATE_ENTRIES = 262_144
"""More than the ledger's queue holds: no entry comes so far behind what was stored for it."""

_SEALED = b'"sealed"'


class _Named(msgspec.Struct):
    """An entry's own id."""

    id: str = ""


_named = msgspec.json.Decoder(_Named).decode


def drop_pruned_values(name: str, ledger: Ledger, control: ControlStore) -> int:
    """Drop the sealed values of a ledger's pruned events; answers of how many events.

    A value is stored a moment before its event, so one from before the minimum may belong to an event just
    behind it: those are looked for. After a crash the next start does this again.
    """
    minimum = ledger.minimum
    gone = control.vault.stored_before(name, minimum) if minimum else set()
    if not gone:
        return 0
    for _, entry in ledger.scan(minimum, minimum + _LATE_ENTRIES):
        if _SEALED in entry:
            gone.discard(_id_of(entry))
    control.vault.drop_pruned(gone)
    return len(gone)


def _id_of(entry: bytes) -> str:
    try:
        return _named(entry).id
    except (msgspec.DecodeError, RecursionError):
        return ""
