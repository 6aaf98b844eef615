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
FILES = {"given": GIVEN, "sql": SQL, **OWN}


def is_stopped(case: dict[str, object]) -> bool:
    statement = analyze(str(case["kind"]), str(case["statement"]))
    place = ResourceFacts(type=statement.kind, name="shop", env="production")
    decision = PRODUCTION.decide(Ask(actor=OPERATOR, resource=place, statement=statement))
    assert decision.rule.startswith("production."), case
    return decision.effect != "allow"


@pytest.mark.parametrize("file", FILES)
def test_dangerous_statements_are_stopped_and_everyday_ones_pass(file: str) -> None:
    wrong = [case for case in FILES[file] if is_stopped(case) is not case["danger"]]
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_both_kinds_in_number(language: str) -> None:
    dangers = [bool(case["danger"]) for case in OWN[language]]
    assert {kind_of(str(case["kind"])) for case in OWN[language]} == {language}
    assert dangers.count(True) >= 50
    assert dangers.count(False) >= 50
