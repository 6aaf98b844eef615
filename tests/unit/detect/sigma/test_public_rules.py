"""Public rules and the events that must fire them (SigmaHQ's regression data)."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.detect.sigma import RuleSet, SigmaRule, load_folder, sources_of
from glasshatch.detect.sigma.matching import compile_form

ARCHIVE = Path(__file__).resolve().parents[3] / "assets" / "sigma" / "regression.tar.xz"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sigma")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def rules(public: Path) -> list[SigmaRule]:
    found = load_folder(public / "rules", public)
    assert not found.problems
    return found.rules


def events(public: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The id of the rule that must fire, and the record."""
    for file in sorted((public / "events").iterdir()):
        text, start = file.read_text(), 0
        while text[start:].strip():
            while text[start].isspace():
                start += 1
            value, start = json.JSONDecoder().raw_decode(text, start)
            for one in value if isinstance(value, list) else [value]:
                yield file.name.split(".")[0], one


def test_every_event_fires_its_rule(public: Path, rules: list[SigmaRule]) -> None:
    asked = RuleSet(rules)
    fired: dict[str, bool] = {}
    for wanted, event in events(public):
        record = asked.read(event)
        found = {one.rule for one in asked.match(record, sources_of(record))}
        fired[wanted] = fired.get(wanted, False) or wanted in found
    assert len(fired) >= 80
    assert [rule for rule, did in fired.items() if not did] == []


def test_what_finds_rules_leaves_none_out(public: Path, rules: list[SigmaRule]) -> None:
    """Every rule asked of every event, by itself, says the same."""
    asked = RuleSet(rules)
    alone = {rule.rule: compile_form(rule.form) for rule in rules}
    for _, event in events(public):
        record = asked.read(event)
        quick = {one.rule for one in asked.match(record, frozenset())}
        assert quick == {name for name, test in alone.items() if test(record)}


def test_what_was_read_once_is_kept(
    public: Path, rules: list[SigmaRule], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("glasshatch.detect.sigma.folder._made", refuse)
    assert load_folder(public / "rules", public).rules == rules
