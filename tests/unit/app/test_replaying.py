"""A replay in steps adds up to a replay in one, and counts what it could not judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glasshatch.api.policy_values import Replayed
from glasshatch.app.policies import Replay
from glasshatch.cli.policychanges import add_up
from glasshatch.events import Actor, DecisionMade, Event, Resource, Source, StatementText, encode
from glasshatch.policy import PolicySet
from glasshatch.statements import analyze

TEXTS = (
    "SELECT id FROM orders WHERE id = 1", "SELECT city FROM customers WHERE id = 1", "DELETE FROM orders",
    "SELECT unheard_of(1)", "SELECT ?? FROM",
)  # fmt: skip
STRICT = """
@id("own.no-cities") @reason("r")
forbid(principal, action == Action::"statement.run", resource)
when { context.columns.contains("customers.city") };
"""
PRODUCTION = PolicySet.load("production")


class Ledger:
    """Entries in memory."""

    def __init__(self, events: list[Event]) -> None:
        self._entries = [encode(event) for event in events]

    @property
    def size(self) -> int:
        return len(self._entries)

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        yield from list(enumerate(self._entries))[start:stop]


def decided(number: int, text: str, actor: str = "alice") -> Event:
    """A statement as production decided it and a session recorded it."""
    statement = analyze("sql", text)
    effect = {"allow": "statement.run", "deny": "statement.denied", "review": "statement.held"}
    from glasshatch.policy import suppose_actor, suppose_ask, suppose_resource

    who = suppose_actor(actor, ("engineer",))
    made = PRODUCTION.decide(suppose_ask(statement, who, suppose_resource("postgres/shop")))
    return Event(
        id=f"e{number}", time=str(1000 + number), action=effect[made.effect],
        source=Source(kind="gateway", name="postgres"),
        actor=Actor(id=actor, type="human", name=actor, roles=("engineer",)),
        resource=Resource(type="postgres", id="postgres/shop", name="shop", env="production"),
        resources=tuple(Resource(type="table", name=name) for name in statement.resources),
        statement=StatementText(shape=statement.shape),
        decision=DecisionMade(effect=made.effect, rule=made.rule),
        attrs={"verbs": list(statement.verbs), "risks": list(statement.risks)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def day() -> tuple[Ledger, Ledger]:
    events = [decided(number, TEXTS[number % 5], "bob" if number % 3 else "alice") for number in range(60)]
    noise = Event(id="n", time="1001", action="record.read", source=Source(kind="glasshatch"))
    return Ledger([noise, *events[:40]]), Ledger(events[40:])


def replayed(day: tuple[Ledger, Ledger], policy: PolicySet, text: str, step: int) -> Replayed:
    ledgers = [("default", day[0], 0), ("orders", day[1], 5)]
    total: Replayed | None = None
    while total is None or total.more:
        positions = total.positions if total else {}
        found = Replay(policy, text, lambda _: ()).run(ledgers, positions, step=step)
        total = add_up(total, found) if total else found
    return total


def test_the_same_policy_decides_the_same(day: tuple[Ledger, Ledger]) -> None:
    found = replayed(day, PRODUCTION, "context.columns", 1000)
    assert found.differences == ()
    assert found.judged == 55, "five of the second ledger are pruned"
    assert sum(found.uncertain.values()) == 11, "the shape of what was not understood says nothing"
    assert (found.done, found.total) == (61, 61)


@pytest.mark.parametrize("step", [1, 7, 60])
def test_steps_add_up(day: tuple[Ledger, Ledger], tmp_path: Path, step: int) -> None:
    file = tmp_path / "own.cedar"
    base = Path(__file__).parents[3] / "src/glasshatch/policy/sets/production.cedar"
    file.write_text(base.read_text() + STRICT)
    strict = PolicySet.load(file)
    whole = replayed(day, strict, STRICT, 1000)
    steps = replayed(day, strict, STRICT, step)
    assert {one.actor: one.count for one in steps.differences} == {
        one.actor: one.count for one in whole.differences
    }
    assert sum(one.count for one in whole.differences) == 11
    assert {(one.was_effect, one.effect, one.rule) for one in whole.differences} == {
        ("allow", "deny", "own.no-cities")
    }
    plain = msgspec.structs.replace(whole, differences=())
    assert msgspec.structs.replace(steps, differences=()) == plain
    assert all(len(one.events) <= 5 for one in steps.differences)


def test_times_bound_what_is_judged(day: tuple[Ledger, Ledger]) -> None:
    ledgers = [("default", day[0], 0)]
    found = Replay(PRODUCTION, "", lambda _: ()).run(ledgers, {}, 1010, 1020)
    assert found.judged == 10
