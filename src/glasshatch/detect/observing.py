"""What every kind of rule is built on: observations go in, findings come out, and state is kept as rows.

A kind decides from the entries in their order alone: no clock, no chance. So the same entries lead to
the same findings and the same rows however they were split into batches, and however often a process
was killed between two of them. Between several ledgers the order is that in which they were applied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from ..events import DEFAULT_LEDGER, Event
from .matching import reader_of
from .rule import Rule

MAX_EVIDENCE = 50
"""So many events an alert names at most, the newest ones."""


class Place(msgspec.Struct, frozen=True):
    """Where an entry stands: its ledger, its index there, and how many entries were applied before it."""

    ledger: str
    index: int
    number: int


class Observation(msgspec.Struct, frozen=True):
    """An event that matched, the items of `each` that did ((None,) without `each`), and its place.

    time_ns: when it happened, as far as that is believed.
    """

    event: Event
    items: tuple[Any, ...]
    place: Place
    time_ns: int


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """One event behind a finding: what it added, when, and where it stands."""

    time_ns: int
    value: int
    event_id: str
    index: int
    ledger: str = ""
    """Empty for the default one."""


def evidence_of(seen: Observation, value: int) -> Evidence:
    """The observed event as evidence."""
    ledger = "" if seen.place.ledger == DEFAULT_LEDGER else seen.place.ledger
    return Evidence(seen.time_ns, value, seen.event.id, seen.place.index, ledger)


class Finding(msgspec.Struct, frozen=True):
    """A rule is met: by which group (as a digest), for which item, from which events, measuring what."""

    group: bytes
    item: Any
    evidence: tuple[Evidence, ...]
    measured: dict[str, str]


class Counters(msgspec.Struct):
    """What a rule has left out, for all to see: evicted groups, too late events, findings kept quiet."""

    evicted: int = 0
    late: int = 0
    quiet: int = 0


class Row(msgspec.Struct, frozen=True):
    """A piece of a rule's memory as it is stored. touched: the number of the last entry it was used at."""

    key: bytes
    touched: int
    data: bytes


class Changes(msgspec.Struct):
    """What became different in a rule's memory since it was last asked."""

    put: list[Row] = []
    drop: list[bytes] = []


class Memory(Protocol):
    """What a rule remembers."""

    counters: Counters

    def restore(self, rows: Iterable[Row]) -> None:
        """Begin with what was stored."""

    def changes(self) -> Changes:
        """What to store; asked once at the end of each batch."""

    @property
    def groups(self) -> int:
        """How many groups it remembers."""


class Kind(Memory, Protocol):
    """One rule at work."""

    def observe(self, seen: Observation) -> list[Finding]:
        """Take one matching event in."""


class Grouping:
    """To which group an observation belongs, as a digest: no name is kept in a rule's memory."""

    def __init__(self, rule: Rule) -> None:
        self._readers = [reader_of(path, rule.file.each) for path in rule.file.group_by]

    def of(self, event: Event, item: Any) -> bytes | None:
        """The group's digest; None if the event has none of the fields."""
        values = [read(event, item) for read in self._readers]
        return digest(values) if any(value not in (None, "", ()) for value in values) else None


def digest(values: Any) -> bytes:
    """16 bytes that stand for a tuple of an event's values."""
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=16).digest()


def believed_time_ns(event: Event) -> int:
    """When an event happened: its own word, but never after the moment it was received.

    A foreign clock a year ahead would otherwise make all that follows in its group look late. Past
    times are believed: an archive that is taken in today tells of its own day.
    """
    time_ns = int(event.time)
    return min(time_ns, int(event.observed_time)) if event.observed_time else time_ns
