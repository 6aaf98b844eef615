"""`glasshatch policy explain|check|test` without a server: what is printed, and with which exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from glasshatch.cli import main

ASSETS = Path(__file__).parent.parent.parent / "assets"


class Said:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, error: str) -> None:
        self.code, self.out, self.error = code, out, error


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Any:
    for name in ("GLASSHATCH_DATA", "GLASSHATCH_SERVER", "GLASSHATCH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str, typed: bytes = b"") -> Said:
        file = tmp_path / "typed"
        file.write_bytes(typed)
        monkeypatch.setattr(sys, "argv", ["glasshatch", "policy", *arguments])
        with file.open("rb") as opened:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(opened))
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        out, error = capfdbinary.readouterr()
        return Said(code, out.decode(), error.decode())

    return run


def test_a_statement_is_judged_without_a_server(policy: Any) -> None:
    said = policy("explain", "--policy", "production", "--kind", "sql", "DELETE FROM customers")
    assert said.code == 0
    assert said.out.startswith("deny  production.no-unbounded-write\n")
    assert "needs a condition" in said.out
    found = json.loads(policy("explain", "--json", "SELECT name, email FROM customers").out)
    assert (found["effect"], found["rule"]) == ("allow", "production.everyday")


def test_a_statement_may_begin_with_a_minus(policy: Any) -> None:
    said = policy("explain", "-- fix\nDELETE FROM customers", "--json")
    assert json.loads(said.out)["rule"] == "production.no-unbounded-write"


def test_a_statement_on_standard_input_is_on_no_command_line(policy: Any) -> None:
    said = policy("explain", "--json", "--fail", typed=b"UPDATE users\nSET admin = true\n")
    assert json.loads(said.out)["effect"] == "deny"
    assert said.code == 3


def test_the_usual_actor_may_do_everyday_work_and_others_less(policy: Any) -> None:
    update = "UPDATE orders SET a = 1 WHERE id = 7"
    assert policy("explain", update).out.startswith("allow")
    assert policy("explain", update, "--role", "engineer").out.startswith("deny")
    assert policy("explain", update, "--role", "engineer", "--grant", "write").out.startswith("allow")
    assert policy("explain", update, "--type", "agent").out.startswith("deny")


def test_json_lines_are_answered_one_for_one_and_in_order(policy: Any) -> None:
    given = (ASSETS / "dangerous-statements.jsonl").read_bytes()
    said = policy("explain", "--policy", "production", "-", typed=given)
    answers = [json.loads(line) for line in said.out.splitlines()]
    cases = [json.loads(line) for line in given.splitlines()]
    assert said.code == 0
    assert [set(answer) for answer in answers] == [{"effect", "rule", "reason"}] * len(cases)
    wrong = [
        case for case, answer in zip(cases, answers, strict=True)
        if (answer["effect"] != "allow") is not case["danger"]
    ]  # fmt: skip
    assert wrong == []


def test_a_line_that_cannot_be_read_is_denied_and_named_and_stops_nothing(policy: Any) -> None:
    secret = b"s3cr3t-hunter2"
    lines = [
        b'{"kind": "sql", "statement": "SELECT 1"}',
        b'{"kind": "sql", "statement": "SELECT \'' + secret + b'"',
        b"",
        b'{"kind": "cobol", "statement": "' + secret + b'"}',
        b'{"kind": "sql", "statement": 7, "x": "' + secret + b'"}',
        b'["' + secret + b'"]',
        b'\xff{"kind": "sql"}',
        b'{"kind": "sql", "statement": "\\ud800"}',
        b'{"kind": "k8s", "statement": "kubectl delete ns prod"}',
    ]
    said = policy("explain", "-", typed=b"\n".join(lines))
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 7
    assert [answer["effect"] for answer in answers] == ["allow", *["deny"] * 6, answers[-1]["effect"]]
    assert answers[-1]["effect"] != "allow"
    assert [answer["reason"].split()[1].strip(":") for answer in answers[1:7]] == list("245678")
    assert all("one object a line" in answers[n]["reason"] for n in (1, 3, 4, 5))
    assert secret.decode() not in said.out + said.error


def test_what_is_explained_shows_no_value(policy: Any) -> None:
    said = policy("explain", "SELECT * FROM customers WHERE email = 'anna.canary@example.com'")
    assert "canary" not in said.out + said.error


def test_a_broken_policy_or_option_says_what_and_how(policy: Any, tmp_path: Path) -> None:
    file = tmp_path / "own.cedar"
    file.write_text("permit(principal, axtion, resource);")
    said = policy("explain", "--policy", str(file), "SELECT 1")
    assert said.code == 2
    assert "own.cedar:1" in said.error
    assert policy("explain", "--policy", "productoin", "SELECT 1").code == 2
    assert policy("explain", "--kind", "cobol", "SELECT 1").code == 2


def test_an_exported_server_is_not_asked_about_nobody(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_DATA", "/nowhere")
    assert policy("explain", "--policy", "production", "SELECT 1").code == 0
    assert policy("explain", "--actor", "alice", "SELECT 1").code == 2


def test_check_prints_file_line_and_cure(policy: Any, tmp_path: Path) -> None:
    assert policy("check", "production").code == 0
    file = tmp_path / "own.cedar"
    file.write_text('@id("x")\npermit(principal, action, resource);\n')
    said = policy("check", str(file))
    assert said.code == 2
    assert said.out.splitlines()[0] == "own.cedar:1: error a policy needs @id and @reason"
    assert "cure:" in said.out
    (problem,) = map(json.loads, policy("check", str(file), "--format", "jsonl").out.splitlines())
    assert (problem["line"], problem["level"]) == (1, "error")


def test_cases_run_as_tests(policy: Any, tmp_path: Path) -> None:
    said = policy("test", str(ASSETS / "dangerous-statements.jsonl"))
    assert said.code == 0
    assert "48 of 48 cases pass" in said.error
    file = tmp_path / "cases.toml"
    file.write_text('[[case]]\nstatement = "DROP TABLE t"\nexpect = "allow"\n')
    said = policy("test", str(file))
    assert said.code == 3
    assert "cases.toml:1" in said.out
    assert "production.no-destruction" in said.out
    file.write_text("")
    assert policy("test", str(file)).code == 2
