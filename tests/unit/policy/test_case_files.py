"""Files of cases: read with line and cure, and run against a policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import glasshatch.policy as policy
from glasshatch.errors import ConfigError
from glasshatch.policy import PolicySet, Result, read_cases, run_cases
from glasshatch.policy.vocabulary import RISKS
from glasshatch.statements import analyze

ASSETS = Path(__file__).parent.parent.parent / "assets"
SHIPPED = Path(policy.__file__).parent / "sets" / "production.cases.toml"
PRODUCTION = PolicySet.load("production")


def results(file: Path) -> list[Result]:
    return list(run_cases(read_cases(file), PRODUCTION))


def failed(file: Path) -> list[Result]:
    return [result for result in results(file) if not result.passed]


def test_the_cases_that_ship_with_production_pass_and_name_every_rule_that_denies() -> None:
    assert failed(SHIPPED) == []
    named = {case.rule for _, case in read_cases(SHIPPED).cases}
    assert {"production.no-bulk-read", "production.masked-guess", "production.unknown"} <= named


def test_the_given_dangerous_statements_of_every_kind_come_out_right() -> None:
    found = results(ASSETS / "dangerous-statements.jsonl")
    assert len(found) == 48
    assert [result for result in found if not result.passed] == []


def test_everyday_statements_of_every_language_pass_and_their_dangerous_lookalikes_do_not() -> None:
    file = ASSETS / "lookalikes.jsonl"
    assert failed(file) == []
    kinds = [(case.kind, case.expect) for _, case in read_cases(file).cases]
    for kind in ("sql", "mysql", "redis", "shell", "kubectl", "mcp"):
        assert min(kinds.count((kind, "allow")), kinds.count((kind, "stop"))) > 10, kind


def test_every_risk_that_a_statement_can_have_is_a_word_that_policies_may_use() -> None:
    for name in ("dangerous-statements.jsonl", "lookalikes.jsonl", "sql-cases.jsonl"):
        for _, case in read_cases(ASSETS / name).cases:
            assert frozenset(analyze(case.kind, case.statement).risks) <= RISKS, case.statement


def test_a_case_that_comes_out_otherwise_says_what_was_decided(tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(
        '[[case]]\nstatement = "SELECT 1"\nexpect = "allow"\n\n'
        '[[case]]\nstatement = "DROP TABLE t"\nexpect = "allow"\n'
        '[[case]]\nstatement = "DROP TABLE t"\nexpect = "stop"\nrule = "production.unknown"\n'
    )
    first, second, third = results(file)
    assert first.passed
    assert (second.line, second.effect, second.rule) == (5, "deny", "production.no-destruction")
    assert (third.line, third.passed, third.expect) == (8, False, "stop by production.unknown")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ('[[case]]\nstatement = "x"\nexpect = "maybe"\n', ":1", "maybe"),
        ('[[case]]\nstatement = "x"\nexpect = "deny"\n\n[[case]]\nexpect = "deny"\n', ":5", "statement"),
        ('[[case]]\nstatement = "x"\nexpect = "deny"\nrool = "x"\n', ":1", "rool"),
        ('[[case]]\nstatement = "x"\nexpect = "deny"\nkind = "cobol"\n', ":1", "cobol"),
        (
            '[actors.erin]\nroles = []\n[[case]]\nstatement = "x"\nexpect = "deny"\nactor = "eirn"\n',
            ":3",
            "eirn",
        ),
        ("policy = production\n", "", "TOML"),
    ],
)
def test_a_broken_file_names_the_line_and_the_cure(tmp_path: Path, text: str, where: str, said: str) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_cases(file)
    assert caught.value.file == f"{file}{where}"
    assert caught.value.hint


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"statement": "x"}', '{"statement": 1, "expect": "deny"}', '{"kind": "cobol"}']
)
def test_a_broken_line_names_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps({"statement": "SELECT 1", "expect": "allow"}) + "\n\n" + line + "\n")
    with pytest.raises(ConfigError) as caught:
        read_cases(file)
    assert caught.value.file == f"{file}:3"


def test_a_policy_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text('policy = "own.cedar"\n[[case]]\nstatement = "SELECT 1"\nexpect = "deny"\n')
    (tmp_path / "own.cedar").write_text('@id("a") @reason("r") forbid(principal, action, resource);')
    found = read_cases(file)
    assert found.policy == str(tmp_path / "own.cedar")
    (result,) = run_cases(found, PolicySet.load(found.policy))
    assert result.passed
