"""A recorded decision is asked again with what was known then, and says what was not."""

from __future__ import annotations

from typing import Any

import msgspec

from glasshatch.app.policies.remembered import Remembered, is_decision, remember
from glasshatch.events import Actor, DecisionMade, Event, Resource, Source, StatementText
from glasshatch.policy import Grant
from glasshatch.statements import analyze

GRANT = Grant(
    id="g1", tenant="default", request_id="r1", actor_id="u1", resource="postgres/shop", verbs=("update",),
    approvers=(), reason="", starts_ns=100, expires_ns=900, revoked_ns=600,
)  # fmt: skip


def event(text: str, *, time: int = 500, shape: str | None = None, rule: str = "r", **more: Any) -> Event:
    statement = analyze("sql", text)
    base = Event(
        id="e1", time=str(time), action="statement.run", source=Source(kind="gateway", name="postgres"),
        actor=Actor(id="u1", type="human", name="alice", roles=("engineer",)),
        resource=Resource(type="postgres", id="postgres/shop", name="shop", env="production"),
        resources=tuple(Resource(type="table", name=name) for name in statement.resources),
        statement=StatementText(shape=statement.shape if shape is None else shape),
        decision=DecisionMade(effect="allow", rule=rule),
        attrs={"verbs": list(statement.verbs), "risks": list(statement.risks)},
    )  # fmt: skip
    return msgspec.structs.replace(base, **more)


def remembered(made: Event) -> Remembered:
    found = remember(made, [GRANT])
    assert isinstance(found, Remembered)
    return found


def test_what_hangs_on_names_is_read_anew_and_what_hangs_on_values_is_as_it_was() -> None:
    for text in (
        "SELECT name, email AS e FROM customers WHERE id = 7 AND email LIKE 'a%' ORDER BY city LIMIT 10",
        "UPDATE orders SET cents = 5 WHERE true",
        "INSERT INTO log (at, what) VALUES (now(), 'x'), (now(), 'y')",
        "SELECT interval '1 day', 'a' || name FROM people WHERE born > date '1990-01-01'",
    ):
        whole, again = analyze("sql", text), remembered(event(text))
        assert again.ask
        asked = again.ask.statement
        for name in ("verbs", "risks", "resources", "columns", "guesses", "lookups", "outputs", "commands"):
            assert getattr(asked, name) == getattr(whole, name), (text, name)
        assert (again.doubts, again.gaps) == ((), ())


def test_a_shape_that_cannot_be_read_leaves_gaps_that_are_named() -> None:
    for shape in ("", "SELECT something [shortened]", "SELECT ?? ?", "DELETE FROM t"):
        found = remembered(event("SELECT name FROM customers WHERE id = 1", shape=shape))
        assert found.ask
        assert found.ask.statement.columns == ()
        assert "columns" in found.gaps


def test_grants_count_as_they_were_at_that_time() -> None:
    for time, active in ((500, True), (700, False), (50, False)):
        found = remembered(event("UPDATE orders SET cents = 1 WHERE id = 1", time=time))
        assert found.ask
        covers = found.ask.grants[0].covers("u1", "postgres/shop", ("update",), found.ask.now_ns)
        assert covers is active


def test_what_no_policy_decided_is_not_judged() -> None:
    assert "gateway" in str(remember(event("SELECT 1", rule="gateway/copy-of-masked"), []))
    assert "nobody" in str(remember(event("SELECT 1", actor=None), []))
    assert not is_decision(event("SELECT 1", source=Source(kind="json")))
    assert not is_decision(event("SELECT 1", action="statement.finished"))
    assert is_decision(event("SELECT 1", action="session.refused"))
    assert not is_decision(event("SELECT 1", action="session.refused", decision=None))


def test_doubts_are_said() -> None:
    assert remembered(event("EXECUTE p(1)")).doubts
    many = tuple(Resource(type="table", name=f"t{n}") for n in range(48))
    assert remembered(event("SELECT 1", resources=many)).doubts
