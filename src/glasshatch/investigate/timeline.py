"""All that happened about one subject, of all sources, in one order; inferred links are marked."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from ..errors import ConfigError
from ..events import Event, clipped
from .investigator import Investigator, hits, instant
from .query import And, Compare, Match, Or, Query, compile_sql
from .views import Entry, History, Hit, SourceSkew
from .visibility import Visibility

SUBJECTS = {
    "trace": ("trace_id",),
    "session": ("session_id",),
    "actor": ("actor", "actor.on_behalf_of"),
    "resource": ("resource",),
    "request": ("request_id", "access.approval_id"),
}
"""What a timeline can be about, and the fields that name it."""

_MAX_HOPS = 50


def timeline(investigator: Investigator, subject: str, visible: Visibility, limit: int) -> History:
    """The events about a subject, by time and then by ledger and index.

    Exact are events that name the subject, and those that share a request, a grant or a link with one
    that does. Inferred are events of the same session within the time of a trace.

    Raises:
        ConfigError: The subject is of no known kind.
    """
    kind, _, name = subject.partition(":")
    if kind not in SUBJECTS or not name:
        raise ConfigError(
            f"{kind[:40]!r} is no subject of a timeline",
            key="subject",
            hint="write trace:ID, session:ID, actor:NAME, resource:ID or request:ID",
        )
    asked = _Asked(investigator, visible, limit + 1)
    found = asked.hits(Or(tuple(_names(field, name) for field in SUBJECTS[kind])))
    entries = {_place(hit): _entry(hit, "exact", f"names the {kind}") for hit in found}
    events = [msgspec.json.decode(hit.event, type=Event) for hit in found]
    if kind != "actor":
        for why, query in _hops(events):
            for hit in asked.hits(query):
                entries.setdefault(_place(hit), _entry(hit, "exact", why))
    if kind == "trace" and events:
        for hit in asked.hits(_same_sessions(events)):
            entries.setdefault(_place(hit), _entry(hit, "inferred", "the same session at the same time"))
    ordered = sorted(entries.values(), key=_order)
    return History(subject, ordered[:limit], _skew(ordered[:limit]), len(ordered) > limit)


class _Asked:
    """Questions of one asker."""

    def __init__(self, investigator: Investigator, visible: Visibility, limit: int) -> None:
        self._investigator = investigator
        self._visible = visible
        self._limit = limit

    def hits(self, query: Query) -> list[Hit]:
        where, bound = compile_sql(And((self._visible.query(), query)), 0)
        return hits(self._investigator.index, where, bound, self._limit, True)


def _place(hit: Hit) -> tuple[str, int]:
    return hit.ledger, hit.index


def _entry(hit: Hit, link: Literal["exact", "inferred"], why: str) -> Entry:
    return Entry(hit.index, hit.event, link, why, hit.ledger)


def _names(field: str, name: str) -> Query:
    if field == "resource":
        return Or((Match("resources", name, True), Match("resources", f"{name}/*")))
    return Match(field, name, True)


def _hops(events: list[Event]) -> Iterable[tuple[str, Query]]:
    """What else belongs to the same requests, grants and links."""
    requests = {event.request_id for event in events}
    grants = {event.access.grant_id for event in events if event.access}
    approvals = {event.access.approval_id for event in events if event.access}
    ids = {event.id for event in events}
    yield from _hop("the same request", "request_id", requests | approvals)
    yield from _hop("the grant it ran under", "access.grant_id", grants)
    yield from _hop("linked to it", "links.id", ids)


def _hop(why: str, field: str, names: set[str]) -> Iterable[tuple[str, Query]]:
    wanted = sorted(name for name in names if name)[:_MAX_HOPS]
    if wanted:
        yield why, Or(tuple(Match(field, name, True) for name in wanted))


def _same_sessions(events: list[Event]) -> Query:
    times = [event.time_ns for event in events]
    sessions = sorted({event.session_id for event in events if event.session_id})[:_MAX_HOPS]
    span = (
        Compare("time", ">=", instant(clipped(str(min(times))))),
        Compare("time", "<=", instant(clipped(str(max(times))))),
    )
    return And((Or(tuple(Match("session_id", name, True) for name in sessions)), *span))


def _order(entry: Entry) -> tuple[int, str, int]:
    time_ns = msgspec.json.decode(entry.event, type=Event).time_ns
    return time_ns, entry.ledger, entry.index


def _skew(entries: list[Entry]) -> list[SourceSkew]:
    """Median of the source's time minus the time we saw it, where both are known."""
    ahead: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        event = msgspec.json.decode(entry.event, type=Event)
        if event.observed_time:
            ahead[event.source.name or event.source.kind].append(event.time_ns - int(event.observed_time))
    return [SourceSkew(name, str(int(statistics.median(times)))) for name, times in sorted(ahead.items())]
