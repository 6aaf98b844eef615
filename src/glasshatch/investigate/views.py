"""What an investigation answers; the stored bytes of events are passed on as they are."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..events import DEFAULT_LEDGER, Event
from .aliases import Alias


class Hit(msgspec.Struct, frozen=True):
    """An event with its place in its ledger; `event` is the stored bytes."""

    index: int
    event: msgspec.Raw
    ledger: str = DEFAULT_LEDGER


Cell = str | int | float | None


class Table(msgspec.Struct, frozen=True):
    """What the stages of a query made of its matches; `more` says that there are more rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    more: bool = False


class Page(msgspec.Struct, frozen=True):
    """A page of matches, how many there are in all, and the query as it may be recorded.

    next: the cursor of the next page; empty on the last one. table: what `stats` made of the matches, in
    their place. fields: those that are to be shown of the events.
    """

    events: list[Hit]
    count: int
    query: str
    next: str = ""
    table: Table | None = None
    fields: tuple[str, ...] = ()


class Bin(msgspec.Struct, frozen=True):
    """A bar of a histogram."""

    start: str
    count: int
    failed: int


class Bins(msgspec.Struct, frozen=True):
    """A histogram; empty bars are left out."""

    width_ns: str
    bins: list[Bin]
    query: str


class CountRow(msgspec.Struct, frozen=True):
    """A combination of values and how often it occurs."""

    values: tuple[str, ...]
    count: int
    failed: int
    first: str
    last: str


class Counts(msgspec.Struct, frozen=True):
    """Counts by value."""

    by: tuple[str, ...]
    rows: list[CountRow]
    total: int
    query: str


class Entry(msgspec.Struct, frozen=True):
    """An event of a timeline, and why it stands there. same_as: the place of another source's record of the
    same statement. known: the alias by which its principal is known."""

    index: int
    event: msgspec.Raw
    link: Literal["exact", "inferred", "gap"]
    why: str
    ledger: str = DEFAULT_LEDGER
    same_as: str = ""
    known: Alias | None = None


class SourceSkew(msgspec.Struct, frozen=True):
    """How far a source's clock stood from ours: the median over so many pairs, or times of being observed."""

    source: str
    ahead_ns: str
    by: Literal["pairs", "observed"]
    of: int


class Node(msgspec.Struct, frozen=True):
    """A session, or what a service did within a trace; `hops` from the one that was asked for."""

    id: str
    kind: Literal["session", "service"]
    source: str
    actor: str
    resource: str
    first: str
    last: str
    events: int
    hops: int


class Edge(msgspec.Struct, frozen=True):
    """Two that belong together, and why."""

    one: str
    other: str
    link: Literal["exact", "inferred"]
    why: str


class SessionGraph(msgspec.Struct, frozen=True):
    """Sessions that belong together."""

    session: str
    nodes: list[Node]
    edges: list[Edge]
    truncated: bool


class History(msgspec.Struct, frozen=True):
    """A page of a timeline; `next` is the cursor of the following one, empty on the last."""

    subject: str
    entries: list[Entry]
    skew: list[SourceSkew]
    truncated: bool
    next: str = ""


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session, summed up from its events."""

    id: str
    actor: str
    resource: str
    opened: str
    closed: str
    state: Literal["open", "closed", "refused", "aborted"]
    statements: int
    denied: int
    rows: int
    masked: int


How = Literal["", "shown", "named", "possible"]
"""How surely an answer is about a data subject; empty where none was asked for."""


class Exposed(msgspec.Struct, frozen=True):
    """An answer with personal data, and how surely it is about the data subject that was asked for."""

    hit: Hit
    event: Event
    how: How


class Seen(msgspec.Struct, frozen=True):
    """All answers of one actor out of one resource, summed up. subjects: how many were recorded."""

    actor: str
    resource: str
    answers: int
    rows: int
    masked: int
    clear: int
    subjects: int
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    first: str
    last: str


class Exposures(msgspec.Struct, frozen=True):
    """The newest exposures, oldest first; who saw what in all of them; how many there are."""

    entries: list[Exposed]
    seen: list[Seen]
    count: int
