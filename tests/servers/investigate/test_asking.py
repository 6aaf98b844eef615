"""Suggestions, sessions by filter, and a session replayed: over a real directory, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from glasshatch.api.play_values import PlayForm, SessionFilter
from glasshatch.api.search_values import CompleteForm, SearchForm
from glasshatch.app.create import create_home
from glasshatch.app.desk.coalescing import WINDOW_SECONDS, CoalescedReads
from glasshatch.app.local import open_local
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor, Data, DecisionMade, Outcome, Resource, StatementText
from glasshatch.identity import Identity

ALICE, BOB = Actor(id="u-1", name="alice"), Actor(id="u-2", name="bob builder")
SHOP = Resource(type="postgres", id="postgres/shop", name="shop")
OTHER = Resource(type="postgres", id="postgres/other", name="other")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A desk over two sessions; each call is made by the local operator."""
    folder = tmp_path_factory.mktemp("asking") / "home"
    create_home(folder)
    with open_local(folder) as (desk, caller):
        record(desk._house)
        yield Called(desk, caller)


class Called:
    def __init__(self, desk: Any, caller: Identity) -> None:
        self.desk, self.caller = desk, caller

    def __getattr__(self, name: str) -> Any:
        return lambda *args: getattr(self.desk, name)(self.caller, *args)


def record(house: Any) -> None:
    from glasshatch.events import Source

    gateway = {"source": Source(kind="gateway", name="postgres")}

    def note(action: str, session: str, actor: Actor, resource: Resource, **members: Any) -> None:
        event = house.maker.make(action, session_id=session, actor=actor, resource=resource, **members)
        house.recorder.record(msgspec.structs.replace(event, **gateway))

    ok = Outcome(status="success")
    note("session.opened", "s-1", ALICE, SHOP, outcome=ok)
    note("statement.run", "s-1", ALICE, SHOP, request_id="q-1", decision=DecisionMade(effect="allow"),
         statement=StatementText(text="SELECT note\nFROM customers"))  # fmt: skip
    note("statement.finished", "s-1", ALICE, SHOP, request_id="q-1", outcome=ok,
         data=Data(rows=3, masked=2, classes=("EMAIL",)), attrs={"duration_us": 2_500})  # fmt: skip
    note("statement.denied", "s-1", ALICE, SHOP, request_id="q-2",
         decision=DecisionMade(effect="deny", rule="no-drop", reason="tables stay"),
         statement=StatementText(text="DROP TABLE customers"), outcome=Outcome(status="failure"))  # fmt: skip
    note("session.closed", "s-1", ALICE, SHOP, outcome=ok)
    note("session.opened", "s-20", BOB, OTHER, outcome=ok)
    note("session.opened", "s-21", BOB, SHOP, outcome=ok)


def complete(desk: Any, query: str, caret: int = -1) -> dict[str, str]:
    """What the query becomes with each suggestion, and of what kind that is."""
    found = desk.complete(CompleteForm(query=query, caret=caret))
    rest = query[caret:] if caret >= 0 else ""
    return {query[: found.start] + one.text + rest: one.kind for one in found.items}


def test_what_may_stand_at_the_caret_is_suggested(desk: Any) -> None:
    begun = complete(desk, "act")
    assert list(begun)[:2] == ["action:", "actor:"], "short names come first"
    assert {"actor.name:", "actor.roles:"} <= set(begun)
    assert set(begun.values()) == {"field"}
    assert complete(desk, "actor:ali") == {"actor:alice": "value"}
    assert complete(desk, "-actor:(bob OR buil") == {'-actor:(bob OR "bob builder"': "value"}
    assert complete(desk, 'actor:"bob b') == {'actor:"bob builder"': "value"}
    assert {f"resource:{one}" for one in ("postgres/shop", "shop", "other")} <= set(
        complete(desk, "resource:")
    )
    assert {"source:gateway AND": "operator", "source:gateway |": "operator"}.items() <= complete(
        desk, "source:gateway "
    ).items()
    assert complete(desk, "a | s") == {"a | stats": "stage", "a | sort": "stage"}
    assert complete(desk, "a | stats su") == {"a | stats sum(": "function"}
    assert complete(desk, "a | stats count by bin(1") == {f"a | stats count by bin({one}": "value"
        for one in ("1m", "15m", "1h", "1d", "1w")}  # fmt: skip
    assert complete(desk, "a | stats count as n by actor | sort -") == {
        f"a | stats count as n by actor | sort -{one}": "column" for one in ("actor", "n")
    }
    assert "attrs.duration_us:" in complete(desk, "attrs.dur")
    assert complete(desk, "time>=now-1") == {"time>=now-15m": "value", "time>=now-1h": "value"}
    assert complete(desk, "actor:ali AND status:success", 9) == {"actor:alice AND status:success": "value"}


def test_behind_a_mistake_nothing_is_suggested_and_nothing_fails(desk: Any) -> None:
    for query in ("a | frob ", "( ) ", "a ))) b", "statement.text:x AND AND ", "nofield:x y", "\0", "é|"):
        found = desk.complete(CompleteForm(query=query))
        assert 0 <= found.start <= found.end <= len(query)


def test_every_suggested_query_is_understood_or_goes_on(desk: Any) -> None:
    for query in ("actor:", "actor:alice status:"):
        for whole in complete(desk, query):
            assert desk.search(SearchForm(query=whole)).count > 0, whole


def test_sessions_are_found_by_what_they_are(desk: Any) -> None:
    def ids(**wanted: Any) -> list[str]:
        return [one.id for one in desk.find_sessions(SessionFilter(**wanted))]

    assert ids() == ["s-1", "s-20", "s-21"]
    assert ids(actor="ALICE") == ["s-1"]
    assert ids(actor="u-2") == ["s-20", "s-21"]
    assert ids(actor="bob builder", resource="postgres/shop") == ["s-21"]
    assert ids(resource="postgres/sho") == []
    assert ids(refused=True) == ["s-1"]
    assert ids(state="open") == ["s-20", "s-21"]
    assert ids(state="closed", since="0", until=str(2**62)) == ["s-1"]
    assert ids(until="1") == []
    assert ids(limit=1) == ["s-21"]


def test_a_session_is_replayed_step_by_step(desk: Any) -> None:
    played = desk.play(PlayForm(session="s-1"))
    assert (played.session.statements, played.session.denied, played.session.rows) == (2, 1, 3)
    opened, first, denied, closed = played.steps
    assert (opened.action, opened.at_ms, closed.action) == ("session.opened", 0.0, "session.closed")
    assert (first.text, first.effect, first.rows, first.masked) == (
        "SELECT note\nFROM customers",
        "allow",
        3,
        2,
    )
    assert (first.took_ms, first.classes, first.status) == (2.5, ("EMAIL",), "success")
    assert (denied.effect, denied.rule, denied.reason) == ("deny", "no-drop", "tables stay")
    with pytest.raises(ConfigError, match="several sessions begin"):
        desk.play(PlayForm(session="s-2"))
    with pytest.raises(ConfigError, match="no session that you may see"):
        desk.play(PlayForm(session="nothing"))
    assert desk.play(PlayForm(session="s-20")).session.actor == "bob builder"


def test_each_of_these_is_a_recorded_read(desk: Any) -> None:
    desk.complete(CompleteForm(query="decision.rule:no"))
    desk.complete(CompleteForm(query="decision.rule:no-"))
    desk.play(PlayForm(session="s-1"))
    desk.find_sessions(SessionFilter(actor="alice"))

    def reads(what: str, more: str = "") -> list[dict[str, Any]]:
        found = desk.search(SearchForm(query=f"action:record.read attrs.what:{what} {more}"))
        return [msgspec.json.decode(one.event) for one in found.events]

    (rule,) = reads("complete", "attrs.filter.field:decision.rule")
    assert rule["data"]["rows"] == 1
    assert "times" not in rule["attrs"]
    desk.desk.reads.flush()
    again = reads("complete", "attrs.filter.field:decision.rule")
    assert [one["data"]["rows"] for one in again] == [1, 1]
    assert reads("replay")[0]["attrs"]["filter"] == {"session": "s-1"}
    assert reads("sessions", "attrs.filter.actor:alice")[0]["data"]["rows"] == 1


def test_reads_by_the_keystroke_are_recorded_together_and_none_is_forgotten() -> None:
    now, noted, refuse = [0.0], [], [False]

    def note(action: str, **members: Any) -> None:
        if refuse[0]:
            raise Unavailable("the ledger is full")
        noted.append(
            (members["attrs"]["filter"]["field"], members["attrs"].get("times", 1), members["data"].rows)
        )

    reads = CoalescedReads(note, lambda: now[0])
    caller = Identity(id="u-1", tenant="t", type="human", name="alice", roles=())
    for _ in range(4):
        reads.read(caller, "complete", {"field": "actor"}, 10)
    reads.read(caller, "complete", {"field": "verb"}, 1)
    assert noted == [("actor", 1, 10), ("verb", 1, 1)]
    now[0] = WINDOW_SECONDS + 1
    reads.read(caller, "complete", {"field": "actor"}, 2)
    assert noted[2:] == [("actor", 3, 30), ("actor", 1, 2)]
    refuse[0] = True
    with pytest.raises(Unavailable):
        reads.read(caller, "complete", {"field": "role"}, 1)
    refuse[0] = False
    reads.read(caller, "complete", {"field": "role"}, 1)
    assert noted[-1] == ("role", 1, 1), "what was not recorded is no first of its kind"
    reads.flush()
    assert sum(times for _, times, _ in noted) == 7


def test_stages_are_answered_and_recorded(desk: Any) -> None:
    found = desk.search(SearchForm(query="source:gateway | stats count, sum(rows) by actor | sort actor"))
    assert found.table is not None
    assert found.table.rows == [("alice", 5, 3), ("bob builder", 2, 0)]
    assert (found.events, found.count) == ([], 7)
    shown = desk.search(SearchForm(query="action:statement.denied | fields actor, decision.rule, ledger"))
    assert [row[1:] for row in shown.table.rows] == [("alice", "no-drop", "default")]
    newest = desk.search(SearchForm(query="attrs.what:search", limit=20)).events
    asked = [msgspec.json.decode(one.event)["attrs"]["filter"].get("query", "") for one in newest]
    assert "source.kind:gateway | stats count, sum(data.rows) by actor | sort actor" in asked
    with pytest.raises(ConfigError, match=r"at position 20\b"):
        desk.search(SearchForm(query="a | stats count by x"))
