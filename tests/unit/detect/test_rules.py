"""Rule files: the shipped ones do what their tests say; bad ones are refused with file, key and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.detecting import rule
from glasshatch.detect import check_rules, load_rules, parse_rule, read_folder, untested
from glasshatch.detect.rulebook import SHIPPED
from glasshatch.errors import ConfigError

GOOD = (SHIPPED / "denial-burst.toml").read_text()


def test_the_shipped_rules_do_what_their_tests_say() -> None:
    rules = load_rules()
    assert {one.id for one in rules} >= {"bulk-personal-read", "denial-burst", "first-table"}
    assert not untested(rules)
    results = check_rules(rules)
    assert len(results) >= 19
    assert not [result for result in results if not result.passed]


def test_a_shipped_file_is_named_after_its_rule() -> None:
    for one in read_folder(SHIPPED):
        assert Path(one.origin).stem == one.id
        assert one.file.false_positives
        assert one.file.tags


def test_a_wrong_rule_fails_its_tests() -> None:
    wrong = parse_rule(GOOD.replace("threshold = 6", "threshold = 60").encode(), "wrong.toml")
    failed = [result for result in check_rules([wrong]) if not result.passed]
    assert {result.wanted - result.raised for result in failed} == {1}


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        (("threshold = 6", "treshold = 6"), "treshold", "unknown field"),
        (("threshold = 6", "threshold = 0"), "threshold", "needs it"),
        (("threshold = 6", "threshold = 6.5"), "threshold", "int"),
        (('window = "5m"', 'window = "5 minutes"'), "window", "duration"),
        (('window = "5m"', 'window = "401d"'), "window", "400 days"),
        (('window = "5m"', 'window = "5m"\nsum = "data.rows"'), "sum", "means nothing"),
        (('kind = "count"', 'kind = "volume"'), "sum", "needs it"),
        (('kind = "count"', 'kind = "volume"\nsum = "actor.name"'), "sum", "is no number"),
        (('kind = "count"', 'kind = "guess"'), "kind", "guess"),
        (("severity = 4", "severity = 7"), "severity", "<= 6"),
        (('group_by = ["actor.id", "actor.name"]', "group_by = []"), "group_by", "length >= 1"),
        (('group_by = ["actor.id", "actor.name"]', 'group_by = ["actor.nme"]'), "group_by", "no `nme`"),
        (('action = ["statement.denied"', 'actoin = ["statement.denied"'), "match.actoin", "no `actoin`"),
        (("{threshold} is", "{statement.text} is"), "explanation", "may not stand"),
        (("{threshold} is", "{threshold is"), "explanation", "brace"),
        (('id = "denial-burst"', 'id = "Denial Burst"'), "id", "regex"),
        (('tags = ["attack.discovery"', 'tags = ["Attack Discovery"'), "tags[0]", "regex"),
        (('at = "1m"', 'at = "soon"'), "test[1].events.at", "duration"),
        (("title = ", "title "), "", "is not TOML"),
        (('title = "Burst of denials"\n', ""), "title", "missing"),
    ],
)
def test_a_bad_rule_is_refused_with_file_key_and_reason(
    change: tuple[str, str], key: str, reason: str
) -> None:
    text = GOOD.replace(*change, 1)
    assert text != GOOD
    with pytest.raises(ConfigError) as refused:
        parse_rule(text.encode(), "rules/mine.toml")
    assert refused.value.file == "rules/mine.toml"
    assert refused.value.key == key
    assert reason in str(refused.value)


@pytest.mark.parametrize("keys", [{"learn": {"touches": -1}}, {"learn": {"minutes": 1}}, {"each": "links.x"}])
def test_bad_parts_of_a_first_seen_rule_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        rule(kind="first_seen", **keys)


def test_a_test_with_a_slip_of_the_pen_is_refused() -> None:
    slipped = parse_rule(GOOD.replace("resource = { type", "resorce = { type").encode(), "mine.toml")
    with pytest.raises(ConfigError, match="resorce") as refused:
        check_rules([slipped])
    assert refused.value.file == "mine.toml"


def test_your_rule_replaces_a_shipped_one_or_turns_it_off(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD.replace("threshold = 6", "threshold = 60"))
    mine = {one.id: one for one in load_rules([tmp_path])}
    assert mine["denial-burst"].file.threshold == 60
    assert len(mine) == len(load_rules())
    (tmp_path / "mine.toml").write_text(GOOD.replace("version = 1", "version = 1\nenabled = false"))
    assert "denial-burst" not in {one.id for one in load_rules([tmp_path])}


def test_two_of_your_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"b\.toml: id"):
        load_rules([tmp_path])


def test_a_folder_that_is_not_there_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        load_rules([tmp_path / "nowhere"])
    (tmp_path / "huge.toml").write_text("#" * 300_000)
    with pytest.raises(ConfigError, match="longer than"):
        load_rules([tmp_path])


def test_memory_is_kept_for_a_new_threshold_but_not_for_a_new_meaning() -> None:
    assert rule(threshold=3).state_key == rule(threshold=4, title="Another").state_key
    assert rule().state_key != rule(group_by=["session_id"]).state_key
    assert rule().state_key != rule('[match]\naction = "statement.run"').state_key
