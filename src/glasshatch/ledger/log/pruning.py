"""Pruning a prefix (C2SP tlog-tiles, "Pruning"): entries below a minimum index go, every hash stays.

The log says so itself: the pruning is an entry of it, `ledger.pruned`, under a signed checkpoint before
the first pack goes. The file `pruned` is the tlog-proof of that entry, so whoever looks at the directory can
tell, with the public key alone, packs that were pruned from packs that somebody took away.
"""

from __future__ import annotations

import msgspec

from ...errors import GlasshatchError, VerificationError
from ...events import Event, Link, decode
from .layout import PRUNED_FILE
from .proof_files import Proof
from .tiles import BUNDLE_ENTRIES

PRUNED_ACTION = "ledger.pruned"
_MINIMUM_REL, _PACKS_REL = "minimum-index", "packs-pruned"
_OWN_KIND = "glasshatch"


class Pruning(msgspec.Struct, frozen=True):
    """From which index on entries are kept, how many packs went in all, and who says so since when.

    `entry` is the index of the entry that records it, `time` its time (decimal nanoseconds, UTC).
    """

    minimum: int = 0
    packs: int = 0
    entry: int = -1
    time: str = ""


NOT_PRUNED = Pruning()


def pruning_links(minimum: int, packs: int) -> tuple[Link, ...]:
    """What the event of a pruning carries; links are kept as they are when an event is redacted."""
    return Link(rel=_MINIMUM_REL, id=str(minimum)), Link(rel=_PACKS_REL, id=str(packs))


def pruning_of(entry: bytes, index: int) -> Pruning:
    """The pruning that entry `index` of a log records.

    Raises:
        VerificationError: It records none. Feeds cannot write such an entry: its source is the log's own.
    """
    try:
        event = decode(entry)
    except (GlasshatchError, RecursionError):
        raise VerificationError("the entry is no event", where=f"entry {index}") from None
    if event.action != PRUNED_ACTION or event.source.kind != _OWN_KIND:
        raise VerificationError(
            "the entry records no pruning", where=f"entry {index}", expected=PRUNED_ACTION, found=event.action
        )
    minimum, packs = _number(event, _MINIMUM_REL), _number(event, _PACKS_REL)
    if not (0 < packs <= minimum <= index and minimum % BUNDLE_ENTRIES == 0):
        raise VerificationError("the entry records a pruning that cannot be", where=f"entry {index}")
    return Pruning(minimum, packs, index, event.time)


def decode_pruned(data: bytes) -> tuple[Pruning, Proof]:
    """What the file `pruned` says, and the proof that it is; nothing of it is believed yet.

    Raises:
        VerificationError: It is not such a file.
    """
    try:
        proof = Proof.decode(data)
        if proof.encode() != data:
            raise VerificationError("the proof has another form")
        return pruning_of(proof.entry, proof.index), proof
    except VerificationError as error:
        raise VerificationError(
            error.message, where=f"{PRUNED_FILE} at 0", expected=error.expected, found=error.found
        ) from None


def _number(event: Event, rel: str) -> int:
    found = [link.id for link in event.links if link.rel == rel]
    if len(found) != 1 or not (found[0].isascii() and found[0].isdecimal()) or len(found[0]) > 18:
        raise VerificationError(f"the entry does not say one {rel}")
    return int(found[0])
