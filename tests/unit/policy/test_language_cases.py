"""Every case of the other languages is judged as an operator of production without a grant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glasshatch.identity import Identity
from glasshatch.policy import Ask, PolicySet, ResourceFacts
from glasshatch.statements import analyze, kind_of

ASSETS = Path(__file__).parent.parent.parent / "assets"
LANGUAGES = ("kubectl", "mcp", "mysql", "redis", "shell")
OPERATOR = Identity(id="u1", tenant="default", type="human", name="erin", roles=("engineer", "dba"))
PRODUCTION = PolicySet.load("production")


def cases(file: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (ASSETS / file).read_text().splitlines()]


GIVEN = cases("dangerous-statements.jsonl")
OWN = {language: cases(f"{language}-cases.jsonl") for language in LANGUAGES}
SQL = cases("sql-operator-cases.jsonl")
EVERY = [*GIVEN, *SQL, *(case for found in OWN.values() for case in found)]


@pytest.mark.parametrize("case", EVERY, ids=lambda case: f"{case['kind']}: {case['statement']}"[:70])
def test_a_dangerous_statement_is_stopped_and_an_everyday_one_passes(case: dict[str, object]) -> None:
    statement = analyze(str(case["kind"]), str(case["statement"]))
    place = ResourceFacts(type=statement.kind, name="shop", env="production")
    decision = PRODUCTION.decide(Ask(actor=OPERATOR, resource=place, statement=statement))
    assert (decision.effect != "allow") is case["danger"], (decision, statement)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_both_kinds_in_number(language: str) -> None:
    dangers = [bool(case["danger"]) for case in OWN[language]]
    assert {kind_of(str(case["kind"])) for case in OWN[language]} == {language}
    assert dangers.count(True) >= 50
    assert dangers.count(False) >= 50
