"""Searching, counting and following, as values that client and server share."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .forms import Form
from .recorded import RecordedEvent

Place = Annotated[int, msgspec.Meta(le=2**63 - 1)]
SearchLimit = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class SearchForm(Form, frozen=True):
    """What to look for, in the query language. since, until: nanoseconds, until exclusive.

    Newest first unless `oldest_first`; `before` and `after` page by ledger index, exclusive: with several
    ledgers name one in the query, or give an `after_in` by ledger. A limit of 0 asks for the count only.
    `cursor` is the `next` of the page before: with it all but the limit stays as it was.
    """

    query: str = ""
    since: str = ""
    until: str = ""
    before: Place = -1
    after: Place = -1
    after_in: dict[str, Place] = msgspec.field(default_factory=dict)
    limit: SearchLimit = 100
    oldest_first: bool = False
    cursor: str = ""


Cell = str | int | float | None


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the stages of a query made of its matches. Texts and times (nanoseconds) are texts.

    `more` says that there are more groups than the first 10,000, which are here."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    more: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a search found. `count` is of all matches, not of the page in `events`.

    The index follows the ledgers: `indexed` of `ledger_size` entries could be searched; `positions` says
    where each of several goes on. `next` is the cursor of the next page, empty on the last: what is
    recorded meanwhile is on none of them. A query with `| stats` or `| fields` has a `table` and no events.
    `notice` says that a reason would show more.
    """

    events: list[RecordedEvent]
    count: int
    indexed: int
    ledger_size: int
    positions: dict[str, int] = {}
    next: str = ""
    table: Table | None = None
    notice: str = ""


class HistogramBin(msgspec.Struct, frozen=True):
    """One bar: where it starts, how many events, how many of them failed or were refused."""

    start: str
    count: int
    failed: int = 0


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Matches over time in bars of equal width; empty bars are left out."""

    width_ns: str
    bins: list[HistogramBin]


class StatsForm(Form, frozen=True):
    """Counts of matches by the values of up to three fields, the most frequent first.

    by: field names of the query language; none gives the total only.
    """

    query: str = ""
    by: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20


class StatsRow(msgspec.Struct, frozen=True):
    """One combination of values and how often it occurs."""

    values: tuple[str, ...]
    count: int
    failed: int
    first: str
    last: str


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by value; `total` is of all matches. `notice` says that a reason would show more."""

    by: tuple[str, ...]
    rows: list[StatsRow]
    total: int
    notice: str = ""


class TailForm(Form, frozen=True):
    """Which events to follow, in the query language; all for an empty one."""

    query: str = ""


class Explored(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a search with what is shown beside it: over time, and by the values of some fields.

    Of a query whose stages make a table there are no facets."""

    found: Found
    histogram: Histogram
    facets: dict[str, list[StatsRow]]


class CompleteForm(Form, frozen=True):
    """A query that is being typed. caret: how many characters stand before the caret; all for -1."""

    query: Annotated[str, msgspec.Meta(max_length=8_192)] = ""
    caret: Annotated[int, msgspec.Meta(ge=-1)] = -1


class Suggestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text that may stand at the caret. count: how often the value is among the newest events."""

    text: str
    kind: Literal["field", "value", "operator", "stage", "function", "column"]
    count: int = 0


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """Suggestions, each for the characters `start` to `end` (from 0, exclusive); `expected`: what may stand
    at the caret, in the words of an error. Nothing is suggested behind a mistake."""

    start: int
    end: int
    items: list[Suggestion]
    expected: tuple[str, ...] = ()


class SaveForm(Form, frozen=True):
    """A search to keep, in the place of the caller's own of that name. shared: everybody finds it."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    query: Annotated[str, msgspec.Meta(max_length=8_192)]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    shared: bool = False


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A kept search. Its personal literals are tokens, but who acted. own: whether it is the caller's."""

    id: str
    name: str
    query: str
    note: str
    owner: str
    own: bool
    shared: bool
    changed: str
