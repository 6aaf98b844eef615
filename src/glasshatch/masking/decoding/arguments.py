"""Command lines that are written as lists: auditd's `a0="mysql" a1="-px"`, JSON, a query's `command=`.

Each is read again as somebody would type it, so that what tells a secret on a command line tells it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .budget import Budget
from .sources import Pieces

TRIGGERS = (
    r"[\"' ] {0,1}a1=",
    r"[\"'], ?[\"']-{1,2}[A-Za-z]",
    r"&command=",
)
_JOINTS = (
    re.compile(r"[\"']? a\d{1,3}=[\"']?"),
    re.compile(r"[\"'],\s{0,2}[\"']"),
    re.compile(r"&command="),
)
_BEFORE, _AFTER = 300, 1500


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Pieces]:
    """The line around each hit, with a space between its arguments."""
    done = dict.fromkeys(range(len(_JOINTS)), 0)
    for kind, end in hits:
        if end <= done[kind]:
            continue
        low, high = _line(text, end)
        pieces = Pieces(low)
        for joint in _JOINTS[kind].finditer(text, low, high):
            pieces.keep(text, joint.start())
            pieces.replace(joint.end(), " ")
        done[kind] = high
        budget.spend(high - low)
        yield pieces.finish(text, high)


def _line(text: str, end: int) -> tuple[int, int]:
    """Where the line of a place begins and ends, as far as a command line is long."""
    low = max(end - _BEFORE, text.rfind("\n", 0, end) + 1, text.rfind("\0", 0, end) + 1)
    limit = min(len(text), end + _AFTER)
    ends = (text.find(letter, end, limit) for letter in "\n\0")
    return low, min((place for place in ends if place >= 0), default=limit)
