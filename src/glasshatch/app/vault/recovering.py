"""At the start: what a crash or an older copy of the control store left open is settled by the record."""

from __future__ import annotations

from collections.abc import Iterator

from ...control import ControlStore, Erasure
from ...errors import GlasshatchError
from ...events import DEFAULT_LEDGER, Event, decode
from ..records import Entries, Ledgers
from .keeping import VaultKeeper

ERASED = "subject.erased"
KEY_LINK = "subject_key"
SIZES = "ledgers"
"""Where such an event says how many entries each ledger had: what is erased stands before."""

_NEEDLES = (b'"sealed"', b'"subject.erased"')


def recover(control: ControlStore, vault: VaultKeeper, ledgers: Ledgers) -> None:
    """Carry out erasures that the record has, give up those it has not, drop values without a leaf.

    Reads each ledger from the vault's mark on, which moves while a server runs: so its work is bounded by
    what was recorded since. Where nothing was ever sealed, nothing is read.
    """
    pending = {erasure.id: erasure for erasure in control.erasures.pending()}
    candidates = control.vault.unmarked()
    sizes, marks = {name: entries.size for name, entries in ledgers}, control.vault.marks()
    for name, entries in ledgers if pending or not control.vault.empty else ():
        start = min([marks.get(name, 0), *(erasure.at_sizes.get(name, 0) for erasure in pending.values())])
        for index, event in _sealed_or_erased(entries, start, sizes[name]):
            candidates.discard(event.id)
            # Only the house itself erases, and it says so in the default ledger.
            if (name, event.action, event.source.kind) == (DEFAULT_LEDGER, ERASED, "glasshatch"):
                known = pending.pop(event.id) if event.id in pending else erasure_of(index, event)
                vault.finish(known)
    for erasure in pending.values():
        control.erasures.give_up(erasure)
    for erasure in control.erasures.live_again():
        vault.finish(erasure)
    if candidates:
        control.vault.drop(candidates)
    vault.mark(sizes)


def erasure_of(index: int, event: Event) -> Erasure:
    """The erasure that a `subject.erased` event tells of."""
    sizes = event.attrs.get(SIZES, {})
    return Erasure(
        id=event.id, subjects=event.data.subjects if event.data else (),
        key_ids=tuple(link.id for link in event.links if link.rel == KEY_LINK),
        erased_by=event.actor.id if event.actor else "", sealed=event.data.rows if event.data else 0,
        at_sizes={DEFAULT_LEDGER: index, **{name: int(size) for name, size in sizes.items()}},
        created_ns=event.time_ns,
    )  # fmt: skip


def _sealed_or_erased(entries: Entries, start: int, stop: int) -> Iterator[tuple[int, Event]]:
    for index, data in entries.scan(start, stop):
        if any(needle in data for needle in _NEEDLES):
            try:
                yield index, decode(data)
            except GlasshatchError:
                continue  # of a newer schema; this version neither sealed nor erased anything in it
