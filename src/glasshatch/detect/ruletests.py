"""The tests a rule carries, in whatever form it is written: events, and how many alerts they must raise."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

Line = Annotated[str, msgspec.Meta(min_length=3, max_length=200)]
"""A line for people."""

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SECOND_NS = 1_000_000_000
_LONGEST_S = 400 * 86_400


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a rule file; an unknown key is refused."""


class RuleTestEvents(Table, frozen=True):
    """Events of a rule's test: the members of a canonical event, so many of it, one every so long."""

    event: dict[str, Any]
    at: str = "0s"
    repeat: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    every: str = "1s"


class RuleTest(Table, frozen=True):
    """A test of a rule: events, and how many alerts they must raise."""

    name: Line
    alerts: Annotated[int, msgspec.Meta(ge=0)]
    events: Annotated[tuple[RuleTestEvents, ...], msgspec.Meta(min_length=1)]


class RuleTestResult(msgspec.Struct, frozen=True):
    """One test of a rule: how many alerts were wanted, how many were raised, and what they said."""

    rule: str
    test: str
    wanted: int
    raised: int
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the rule did what its author said."""
        return self.wanted == self.raised


def duration_ns(text: str) -> int:
    """`90s`, `5m`, `1h` or `14d` in nanoseconds; raises `ValueError` for anything else."""
    found = re.fullmatch(r"(\d{1,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else -1
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError("a duration is a number and a unit, s m h or d, of at most 400 days: 90s, 5m, 14d")
    return seconds * _SECOND_NS
