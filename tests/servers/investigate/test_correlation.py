"""Timelines and graphs over a real index: what a key joins is exact, what only looks so is marked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError
from glasshatch.events import (
    Access,
    Actor,
    Client,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
    encode,
)
from glasshatch.index import Index
from glasshatch.investigate import (
    Alias,
    Aliases,
    Entry,
    Everything,
    History,
    Investigator,
    Match,
    PinnedEvent,
    Query,
    Visibility,
    graph,
    timeline,
    timeline_of,
)

SECOND = 10**9
NOON = 1_800_000_000 * SECOND
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GATEWAY = Source(kind="gateway", name="postgres")
DATABASE = Source(kind="pgaudit", name="shop")
WEB = Source(kind="sdk", name="web")
ALICE = Actor(id="id-alice", name="alice", type="human")
APP = Actor(id="app", name="app", raw=RawPrincipal(namespace="postgres", principal="app"))


class Record:
    """Events with numbers for ids and whole seconds for times, as they are written down here."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def add(self, at: float, action: str, source: Source, **members: Any) -> str:
        id = f"e{len(self.events)}"
        event = Event(
            id=id, time=str(NOON + int(at * SECOND)), observed_time=str(NOON + int(at * SECOND)),
            action=action, source=source, **members,
        )  # fmt: skip
        self.events.append(encode(event))
        return id


def statement(hash: str, shape: str = "SELECT $1") -> StatementText:
    return StatementText(text=shape, shape=shape, hash=hash)


def written(record: Record) -> None:
    """Alice's session with a trace, what the database and a service say of it, and things nearby."""
    add = record.add
    granted = Access(grant_id="g1")
    mine: dict[str, Any] = {
        "session_id": "s1",
        "actor": ALICE,
        "resource": Resource(type="postgres", id="postgres/shop"),
    }
    add(0, "session.opened", GATEWAY, **mine)
    add(
        1,
        "statement.run",
        GATEWAY,
        **mine,
        statement=statement("h1"),
        trace_id=TRACE,
        span_id="00f067aa0ba902b7",
    )
    add(2, "statement.run", GATEWAY, **mine, statement=statement("h2"), access=granted)
    add(3, "statement.run", GATEWAY, **mine, statement=statement("h3"))
    add(4, "session.closed", GATEWAY, **mine)
    theirs: dict[str, Any] = {"session_id": "6a.7", "actor": APP, "links": (Link(rel="session", id="s1"),)}
    # The database's clock is 0.2 s ahead.
    add(1.2, "statement.read", DATABASE, **theirs, statement=statement("h1"))
    add(2.2, "statement.read", DATABASE, **theirs, statement=statement("h2"))
    # Without a name of the gateway's: only its shape and time speak for it.
    add(3.2, "statement.read", DATABASE, session_id="6b.8", actor=APP, statement=statement("h3"))
    add(9.5, "statement.read", DATABASE, session_id="6c.9", actor=APP, statement=statement("h3"))
    add(0.5, "checkout.started", WEB, trace_id=TRACE)
    add(-60, "grant.issued", Source(kind="glasshatch"), access=granted, request_id="r1")
    add(-70, "request.created", Source(kind="glasshatch"), request_id="r1")
    gap = Outcome(status="failure", reason="2 events did not arrive")
    add(2.5, "recording.gap", GATEWAY, session_id="s1", outcome=gap)
    add(2.6, "recording.gap", GATEWAY, session_id="other", outcome=gap)
    feed = Resource(type="source", id="pgaudit/shop", name="shop")
    add(2.7, "source.silent", Source(kind="glasshatch"), resource=feed, outcome=Outcome(reason="for 90 s"))
    raw = RawPrincipal(namespace="kubernetes", principal="alice@example.com")
    add(30, "pods.get", Source(kind="kubernetes", name="c1"), request_id="audit-1",
        actor=Actor(id="alice@example.com", name="alice@example.com", raw=raw),
        client=Client(ip="192.0.2.7"))  # fmt: skip
    add(31, "pods.get", Source(kind="kubernetes", name="c1"), request_id="audit-1", actor=APP)
    add(40, "incident.pinned", Source(kind="glasshatch"), links=(Link(rel="pin", id="e1"),))


@pytest.fixture(scope="module")
def asks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Investigator]:
    record = Record()
    written(record)
    index = Index.open(tmp_path_factory.mktemp("correlation") / "index", "default")
    index.apply_all([("default", number, data) for number, data in enumerate(record.events)])
    yield Investigator(index, lambda text: text, SystemClock())
    index.close()


ALL = Visibility(Everything())
ALIAS = Alias(
    id="a1", namespace="kubernetes", principal="alice@example.com", actor="alice", actor_id="id-alice",
    asserted="admin",
)  # fmt: skip


def by_index(history: History) -> dict[int, Entry]:
    return {entry.index: entry for entry in history.entries}


def test_a_trace_leads_to_its_events_their_session_and_the_databases_record(asks: Investigator) -> None:
    found = by_index(timeline(asks, f"trace:{TRACE}", ALL, 100))
    assert (found[1].link, found[1].why) == ("exact", "names the trace")
    assert found[9].link == "exact"
    assert (found[5].link, found[5].same_as) == ("exact", "1")
    assert found[5].why == "the same statement, by its session, shape and turn"
    assert 17 not in found, "what was done in an incident is taken for what it is about"


def test_what_only_looks_alike_is_inferred_and_says_why(asks: Investigator) -> None:
    found = by_index(timeline(asks, "session:s1", ALL, 100))
    assert found[7].link == "inferred"
    assert found[7].why == "a statement of the same shape within 2 s, seen by another source"
    assert 8 not in found, "six seconds are not near"
    assert {found[place].link for place in (5, 6)} == {"exact"}
    assert (found[10].why, found[11].why) == ("the grant it ran under", "the same request")


def test_gaps_stand_in_their_place_and_others_gaps_do_not(asks: Investigator) -> None:
    history = timeline(asks, "session:s1", ALL, 100)
    found = by_index(history)
    assert (found[12].link, found[12].why) == ("gap", "something is missing here: 2 events did not arrive")
    assert (found[14].link, found[14].why) == ("gap", "nothing came of this source: for 90 s")
    assert 13 not in found
    times = [msgspec.json.decode(entry.event, type=Event).time_ns for entry in history.entries]
    assert times == sorted(times)


def test_a_clock_is_told_by_pairs_before_anything_else(asks: Investigator) -> None:
    skew = {one.source: one for one in timeline(asks, "session:s1", ALL, 100).skew}
    assert (skew["pgaudit/shop"].by, skew["pgaudit/shop"].of) == ("pairs", 2)
    assert int(skew["pgaudit/shop"].ahead_ns) == pytest.approx(0.2 * SECOND)
    assert skew["gateway/postgres"].by == "observed"


def test_an_actor_is_known_by_aliases_and_by_sessions(asks: Investigator) -> None:
    plain = by_index(timeline(asks, "actor:alice", ALL, 100))
    assert {0, 1, 2, 3, 4, 5, 6} <= set(plain)
    assert 15 not in plain
    known = msgspec.structs.replace(ALL, known=Aliases([ALIAS]))
    found = by_index(timeline(asks, "actor:alice", known, 100))
    assert found[15].why == "kubernetes:alice@example.com is alice (admin)"
    assert found[15].known == ALIAS
    assert [found[5].known.actor, found[5].known.asserted] == ["alice", "gateway"]  # type: ignore[union-attr]
    assert 16 not in found, "another principal was taken for alice"


def test_an_audit_id_joins_what_a_cluster_says_of_one_request(asks: Investigator) -> None:
    assert set(by_index(timeline(asks, "request:audit-1", ALL, 100))) == {15, 16}


def test_an_incident_has_its_pins_by_their_own_reasons(asks: Investigator) -> None:
    pins = [PinnedEvent("e5", "it read people"), PinnedEvent("nobody", "gone")]
    found = by_index(timeline_of(asks, "incident:1", ["trace:" + TRACE], pins, ALL, 100))
    assert found[5].why == "pinned: it read people"
    assert found[1].same_as == "5"


@pytest.mark.parametrize(
    ("within", "hidden"),
    [(Match("source.kind", "gateway", True), 5), (Match("actor.id", "id-alice", True), 7)],
)
def test_no_link_leads_out_of_what_somebody_may_see(asks: Investigator, within: Query, hidden: int) -> None:
    eyes = Visibility(within)
    for subject in ("session:s1", "actor:alice", f"trace:{TRACE}"):
        assert hidden not in by_index(timeline(asks, subject, eyes, 100))
    names = {node.id for node in graph(asks, "s1", eyes, hops=2, limit=50).nodes}
    assert names == {"s1"}


def test_a_graph_has_what_belongs_together_and_ends_at_its_limit(asks: Investigator) -> None:
    found = graph(asks, "s1", ALL, hops=2, limit=50)
    links = {(edge.one, edge.other): edge.link for edge in found.edges}
    assert links["6a.7", "s1"] == "exact"
    assert links["6b.8", "s1"] == "inferred"
    assert "6c.9" not in {node.id for node in found.nodes}
    assert f"sdk/web#{TRACE}" in {node.id for node in found.nodes}
    assert (found.nodes[0].id, found.nodes[0].hops, found.nodes[0].events) == ("s1", 0, 6)
    small = graph(asks, "s1", ALL, hops=1, limit=2)
    assert (len(small.nodes), small.truncated) == (2, True)


@pytest.mark.parametrize("asked", ["moon:full", "session:", "session"])
def test_a_subject_of_no_kind_is_refused(asks: Investigator, asked: str) -> None:
    with pytest.raises(ConfigError, match="no subject"):
        timeline(asks, asked, ALL, 10)
    with pytest.raises(ConfigError, match="no session"):
        graph(asks, "nothing", ALL, hops=1, limit=5)


def test_a_limit_cuts_and_says_so(asks: Investigator) -> None:
    history = timeline(asks, "session:s1", ALL, 3)
    assert (len(history.entries), history.truncated) == (3, True)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("subject", ["session:s1", f"trace:{TRACE}", "actor:alice", "resource:postgres/shop"])
def test_pages_are_the_whole_each_event_once_and_in_order(
    asks: Investigator, subject: str, size: int
) -> None:
    known = msgspec.structs.replace(ALL, known=Aliases([ALIAS]))
    whole = timeline(asks, subject, known, 100)
    assert whole.next == ""
    found: list[Entry] = []
    page = timeline(asks, subject, known, size)
    while True:
        found += page.entries
        assert len(page.entries) == size or not page.next
        if not page.next:
            break
        page = timeline(asks, subject, known, size, page.next)
    assert [entry.index for entry in found] == [entry.index for entry in whole.entries]


def test_pages_go_on_behind_what_is_looked_through_as_a_whole(
    asks: Investigator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By its name in the list: the package has a function of the module's name.
    monkeypatch.setattr(sys.modules["glasshatch.investigate.correlation.timeline"], "_WHOLE", 3)
    whole = timeline(asks, "session:s1", ALL, 3)
    found, page = list(whole.entries), whole
    while page.next:
        page = timeline(asks, "session:s1", ALL, 2, page.next)
        found += page.entries
    places = [entry.index for entry in found]
    assert len(places) == len(set(places))
    assert {0, 1, 2, 3, 4, 5, 6, 12} <= set(places), "an event of the session, or its gap, is on no page"


def test_a_cursor_is_of_its_own_timeline_only(asks: Investigator) -> None:
    page = timeline(asks, "session:s1", ALL, 2)
    for cursor in (page.next, "nonsense", page.next[:-3]):
        with pytest.raises(ConfigError, match="cursor"):
            timeline(asks, "session:s2", ALL, 2, cursor)


def test_a_cursor_shows_no_more_than_may_be_seen(asks: Investigator) -> None:
    page = timeline(asks, "session:s1", ALL, 2)
    eyes = Visibility(Match("source.kind", "gateway", True))
    after = timeline(asks, "session:s1", eyes, 100, page.next)
    assert after.entries
    assert {msgspec.json.decode(one.event, type=Event).source.kind for one in after.entries} == {"gateway"}
