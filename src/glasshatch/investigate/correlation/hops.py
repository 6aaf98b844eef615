"""From events to others that belong to them: by keys, and by what makes it likely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ...events import Event
from ..investigator import instant
from ..query import And, Compare, Match, Not, Or, Query
from .gathering import MAX_NAMES, any_of

SESSION_REL: Final = "session"
"""The relation under which a database's own record links to the gateway session that it belongs to."""

_NO_SUBJECT: Final = frozenset({"delivered_by", "manifest", "blob", "policy"})
"""Links that lead to no event and to no session."""

_AT_ONCE = 500

_NEAR_NS = 2 * 10**9
"""So far apart may two records of one statement be, for it to be taken for the same by its shape."""


class Hop(NamedTuple):
    """A question that leads on, and why; `linking` are the ids that what fits has to link to."""

    why: str
    query: Query
    linking: tuple[str, ...] = ()


def exact_hops(events: Sequence[Event]) -> Iterator[Hop]:
    """What names the same trace, request, grant, session or event. Each with the reason.

    An inner or outer trace is the client's claim, as is the name of an application; the reasons name them.
    """
    requests = {event.request_id for event in events}
    grants = {event.access.grant_id for event in events if event.access}
    approvals = {event.access.approval_id for event in events if event.access}
    linked = [link for event in events for link in event.links if link.rel not in _NO_SUBJECT]
    gateway = {event.session_id for event in events if event.source.kind == "gateway"}
    named = {link.id for link in linked if link.rel == SESSION_REL}
    keys = [
        ("the same trace", any_of("trace_id", {event.trace_id for event in events})),
        ("the same request", any_of("request_id", requests | approvals)),
        ("the grant it ran under", any_of("access.grant_id", grants)),
        ("it links to this", any_of("id", {link.id for link in linked if link.rel != SESSION_REL})),
        ("the gateway's session that application_name names", any_of("session_id", named)),
    ]
    yield from (Hop(why, query) for why, query in keys if query is not None)
    if ids := tuple(event.id for event in events)[:_AT_ONCE]:
        # What people did in an incident stands in the incident, and did not happen in what it is about.
        yield Hop("linked to it", Not(Match("action", "incident.*")), ids)
    yield from naming(gateway)


def naming(sessions: Iterable[str]) -> Iterator[Hop]:
    """What a database recorded of the gateway's sessions."""
    wanted = list(dict.fromkeys(name for name in sessions if name))
    for start in range(0, len(wanted), _AT_ONCE):
        why = "its application_name names the gateway's session"
        part = tuple(wanted[start : start + _AT_ONCE])
        yield Hop(why, Not(Match("source.kind", "gateway", True)), part)


def same_sessions(events: Sequence[Event]) -> Iterator[Hop]:
    """Other events of the same sessions between the first and the last of these."""
    sessions = any_of("session_id", {event.session_id for event in events})
    if sessions is not None:
        yield Hop("the same session at the same time", And((sessions, *within(events))))


def same_statements(events: Sequence[Event]) -> Iterator[Hop]:
    """Statements of the same shape, recorded by other sources at nearly the same time."""
    statements = [event for event in events if event.statement is not None and event.statement.hash]
    kinds = {event.source.kind for event in statements}
    for kind in sorted(kinds):
        own = [event for event in statements if event.source.kind == kind][:MAX_NAMES]
        near = tuple(
            And((Match("statement.hash", event.statement.hash, True), *_around(event.time_ns, event.time_ns)))
            for event in own if event.statement is not None
        )  # fmt: skip
        seconds = _NEAR_NS // 10**9
        why = f"a statement of the same shape within {seconds} s, seen by another source"
        yield Hop(why, And((Or(near), Not(Match("source.kind", kind, True)))))


def same_places(events: Sequence[Event]) -> Iterator[Hop]:
    """Sessions of other sources by the same principal from the same address, while these happened."""
    places = {
        (event.client.ip, event.actor.raw.principal, event.source.kind)
        for event in events
        if event.client and event.client.ip and event.actor and event.actor.raw
    }
    for ip, principal, kind in sorted(places)[:MAX_NAMES]:
        same = (
            Match("client.ip", ip, True), Match("actor.raw.principal", principal, True),
            Not(Match("source.kind", kind, True)),
        )  # fmt: skip
        yield Hop(f"the same principal from {ip} at the same time", And((*same, *within(events))))


def within(events: Sequence[Event], from_ns: int | None = None) -> tuple[Query, Query]:
    """Between the first and the last of them, and from an earlier moment on, if one is given."""
    times = [event.time_ns for event in events] + ([] if from_ns is None else [from_ns])
    return _around(min(times), max(times), 0)


def _around(first_ns: int, last_ns: int, by_ns: int = _NEAR_NS) -> tuple[Query, Query]:
    return (
        Compare("time", ">=", instant(str(max(0, first_ns - by_ns)))),
        Compare("time", "<=", instant(str(last_ns + by_ns))),
    )
