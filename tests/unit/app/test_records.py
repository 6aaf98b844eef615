"""Filters find what they say, newest kept, and nobody sees what is not theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from glasshatch.api.values import EventFilter
from glasshatch.app.access import ROLES, Entitlements, sees, sight_in
from glasshatch.app.records import find_event, find_events, find_sessions
from glasshatch.errors import ConfigError
from glasshatch.events import Actor, Data, Event, Resource, Source, decode, encode, uuid7
from glasshatch.identity import Identity
from glasshatch.policy import Source as PolicySource
from glasshatch.policy.access import AccessRules

RULES = AccessRules.load("roles")
ENTITLED = Entitlements(lambda: RULES, ROLES)


def sight(caller: Identity) -> Callable[[Event, str], bool]:
    within = sight_in(ENTITLED.view(caller))
    return lambda seen, ledger: sees(within, seen, ledger, 10**18)


class Pages:
    """Entries in memory: what any ledger gives to a reader."""

    def __init__(self, events: list[Event]) -> None:
        self._entries = [encode(event) for event in events]

    @property
    def size(self) -> int:
        return len(self._entries)

    def read(self, index: int) -> bytes:
        return self._entries[index]

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        yield from list(enumerate(self._entries))[start:stop]


def event(number: int, action: str, actor: str = "a1", session: str = "s1", **members: object) -> Event:
    return Event(
        id=uuid7(number * 10**9, bytes(9) + bytes([number])),
        time=str(number * 10**9),
        action=action,
        source=Source(kind="gateway"),
        actor=Actor(id=actor, name={"a1": "alice", "b1": "bob"}[actor], type="human"),
        session_id=session,
        resource=Resource(type="postgres", id="postgres/shop"),
        **members,  # type: ignore[arg-type]
    )


EVENTS = [
    event(1, "session.opened"),
    event(2, "statement.run"),
    event(3, "statement.finished", data=Data(rows=7, masked=14)),
    event(4, "statement.denied"),
    event(5, "session.closed"),
    event(6, "session.opened", "b1", "s2"),
    event(7, "request.created", "b1", ""),
]


def identity(id: str, *roles: str) -> Identity:
    return Identity(id=id, tenant="default", type="human", name=id, roles=roles)


def everything(_: Event, __: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), [1, 2, 3, 4, 5, 6, 7]),
        (EventFilter(limit=2), [6, 7]),
        (EventFilter(actor="alice"), [1, 2, 3, 4, 5]),
        (EventFilter(actor="b1"), [6, 7]),
        (EventFilter(action="statement.*"), [2, 3, 4]),
        (EventFilter(action="session.opened", actor="bob"), [6]),
        (EventFilter(session="s2"), [6]),
        (EventFilter(since=str(3 * 10**9), until=str(5 * 10**9)), [3, 4]),
        (EventFilter(after=4), [6, 7]),
        (EventFilter(resource="postgres/other"), []),
    ],
)
def test_filters(wanted: EventFilter, found: list[int]) -> None:
    times = [
        decode(bytes(item.event)).time_ns // 10**9
        for item in find_events([("default", Pages(EVENTS))], wanted, everything)
    ]
    assert times == found


def test_an_event_is_found_by_id_and_by_index() -> None:
    pages = Pages(EVENTS)
    assert find_event([("default", pages)], EVENTS[3].id, everything).index == 3
    assert bytes(find_event([("default", pages)], "3", everything).event) == pages.read(3)
    for missing in ("99", "no-such-id"):
        with pytest.raises(ConfigError, match="no event"):
            find_event([("default", pages)], missing, everything)


def test_sessions_are_summed_up() -> None:
    first, second = find_sessions([("default", Pages(EVENTS))], 10, everything)
    assert (first.actor, first.state, first.statements, first.denied, first.rows, first.masked) == (
        "alice", "closed", 2, 1, 7, 14,
    )  # fmt: skip
    assert (second.actor, second.state) == ("bob", "open")


@pytest.mark.parametrize(
    ("caller", "count"),
    [
        (identity("c1", "auditor"), 7),
        (identity("a1", "engineer"), 5),
        (identity("c1", "engineer"), 0),
        (identity("c1", "admin"), 1),
        (identity("c1", "approver"), 0),
    ],
)
def test_everybody_sees_their_own_and_auditors_all(caller: Identity, count: int) -> None:
    assert len(find_events([("default", Pages(EVENTS))], EventFilter(), sight(caller))) == count


def test_what_may_not_be_seen_reads_like_what_is_not_there() -> None:
    nobody = identity("c1")
    with pytest.raises(ConfigError, match="no event"):
        find_event([("default", Pages(EVENTS))], EVENTS[0].id, sight(nobody))


def test_a_rule_about_a_ledger_holds_for_every_way_of_reading_it() -> None:
    rules = AccessRules("own", (PolicySource("own.cedar", LEDGERS),))
    within = sight_in(Entitlements(lambda: rules, ROLES).view(identity("c1", "auditor")))
    pages = [("default", Pages(EVENTS)), ("hr", Pages(EVENTS))]

    def seen(event: Event, ledger: str) -> bool:
        return sees(within, event, ledger, 10**18)

    assert {one.ledger for one in find_events(pages, EventFilter(), seen)} == {"default"}
    assert find_event(pages, "3", seen).ledger == "default"
    with pytest.raises(ConfigError, match="no event"):
        find_event(pages, "hr/3", seen)


LEDGERS = """
@id("own.read") @reason("r") permit(principal in Role::"auditor", action, resource);
@id("own.hr") @reason("r") forbid(principal, action == Action::"record.read", resource)
when { resource.ledger == "hr" };
"""
