"""Every SQL case is judged as an engineer on a production PostgreSQL without a grant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glasshatch.identity import Identity
from glasshatch.policy import Ask, Grant, PolicySet, ResourceFacts
from glasshatch.statements import analyze_sql

ASSETS = Path(__file__).parent.parent.parent / "assets"
ENGINEER = Identity(id="u1", tenant="default", type="human", name="erin", roles=("engineer",))
ORDERS = ResourceFacts(type="postgres", name="orders", env="production")
PRODUCTION = PolicySet.load("production")


def cases(file: str) -> list[dict[str, object]]:
    lines = (ASSETS / file).read_text().splitlines()
    return [case for case in map(json.loads, lines) if case["kind"] == "sql"]


GIVEN = cases("dangerous-statements.jsonl")
OWN = cases("sql-cases.jsonl")


@pytest.mark.parametrize("case", GIVEN + OWN, ids=lambda case: str(case["statement"])[:60])
def test_a_dangerous_statement_is_stopped_and_an_everyday_one_passes(case: dict[str, object]) -> None:
    ask = Ask(actor=ENGINEER, resource=ORDERS, statement=analyze_sql(str(case["statement"])))
    decision = PRODUCTION.decide(ask)
    assert (decision.effect != "allow") is case["danger"], decision
    assert decision.rule.startswith("production.")
    assert decision.reason


@pytest.mark.parametrize("case", GIVEN, ids=lambda case: str(case["statement"])[:60])
def test_the_given_cases_hold_under_a_grant_of_every_verb_too(case: dict[str, object]) -> None:
    statement = analyze_sql(str(case["statement"]))
    grant = Grant(
        id="g",
        tenant="default",
        request_id="r",
        actor_id=ENGINEER.id,
        resource=ORDERS.id,
        verbs=statement.verbs,
        approvers=("u2",),
        reason="all of it",
        starts_ns=0,
        expires_ns=10,
    )
    decision = PRODUCTION.decide(
        Ask(actor=ENGINEER, resource=ORDERS, statement=statement, grants=(grant,), now_ns=5)
    )
    assert (decision.effect != "allow") is case["danger"], decision


def test_the_suite_holds_both_kinds_in_number() -> None:
    assert len(GIVEN) == 27
    assert sum(bool(case["danger"]) for case in OWN) >= 100
    assert sum(not case["danger"] for case in OWN) >= 100
