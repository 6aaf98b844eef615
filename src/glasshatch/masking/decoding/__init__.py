"""The decoding pass: what hides behind escapes, base64, hex and compression is scanned too.

Each kind of encoding has triggers of its own that run with the detectors'. They know what encoded
*text* looks like, so that identifiers, hashes and images do not wake them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import arguments, escapes, named, octets, packed, quoted, records, runs
from .budget import Budget
from .sources import Pieces, Placed, Source

KINDS = (escapes, quoted, runs, octets, packed, records, arguments, named)
"""Every kind: `TRIGGERS`, and `sources(text, hits, budget)`, which decodes around hits of them."""

TRIGGERS: tuple[str, ...] = tuple(trigger for kind in KINDS for trigger in kind.TRIGGERS)
"""The triggers of all kinds; unlike the detectors' they tell upper from lower case."""

_KIND_OF = tuple((kind, number) for kind in KINDS for number in range(len(kind.TRIGGERS)))

__all__ = ["TRIGGERS", "Budget", "Pieces", "Placed", "Source", "sources"]


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Source]:
    """The decoded texts behind hits, given as (place in `TRIGGERS`, end), in order of their ends.

    Raises:
        OverflowError: There is more behind them than may be looked at.
    """
    by_kind: dict[int, list[tuple[int, int]]] = {}
    for number, end in hits:
        kind, own = _KIND_OF[number]
        by_kind.setdefault(KINDS.index(kind), []).append((own, end))
    for place, own_hits in by_kind.items():
        for source in KINDS[place].sources(text, own_hits, budget):
            budget.spend(len(source.text))
            yield source
