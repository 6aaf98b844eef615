"""The rules that come with the program: each is tested both ways, and says what it may be wrong about."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from glasshatch.detect.sigma import (
    SHIPPED_SIGMA,
    RuleSet,
    SigmaFolder,
    load_folder,
    run_tests,
    sources_of,
    untested_rules,
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> SigmaFolder:
    return load_folder(SHIPPED_SIGMA, tmp_path_factory.mktemp("cache"))


def test_every_rule_can_be_read(shipped: SigmaFolder) -> None:
    assert shipped.problems == []
    assert len(list(shipped.every_rule())) >= 100


def test_every_test_holds(shipped: SigmaFolder) -> None:
    results = list(run_tests(shipped))
    assert len(results) >= 200
    assert [one for one in results if not one.passed] == []


def test_every_rule_is_tested_both_ways(shipped: SigmaFolder) -> None:
    assert untested_rules(shipped) == []


def test_every_rule_says_what_people_need(shipped: SigmaFolder) -> None:
    for rule in shipped.every_rule():
        assert rule.level, rule.title
        assert rule.false_positives, rule.title
        assert len(rule.description) > 20, rule.title


def test_every_group_has_some() -> None:
    groups = {file.parent.name for file in Path(SHIPPED_SIGMA).rglob("*.yml")}
    assert groups == {"application", "cloud", "gateway", "identity", "kubernetes", "record"}


def test_what_is_passed_over_unread_matches_nothing(shipped: SigmaFolder) -> None:
    """Every record of every test, as a feed of JSON would bring it."""
    rules = RuleSet(shipped.rules)
    passed = 0
    for rule in shipped.every_rule():
        for test in rule.tests:
            for one in test.events:
                event = {"action": "x", "native": one.event, **one.event}
                data = msgspec.json.encode(event)
                if not rules.may_match(data, "json"):
                    passed += 1
                    record = rules.read(event)
                    assert rules.match(record, sources_of(record, "json")) == []
    assert passed > 100
    assert rules.may_match(b"{}", "cloudtrail"), "of these kinds every record is looked at"
    assert rules.may_match(b'{"outcome":{"status":"FAILURE"}}', "json")
    assert not rules.may_match(b'{"action":"order.paid"}', "json")
    assert rules.may_match('{"action":"intake.quaran\u212aed"}'.encode(), "json"), "not judged by bytes"
