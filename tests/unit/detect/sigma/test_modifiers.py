"""What a rule says, asked about records: every modifier, every kind of value, every form of a condition."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.detect.sigma import RuleSet, SigmaRule, sources_of
from glasshatch.detect.sigma.forms import Wanting, leaves
from glasshatch.detect.sigma.reading import read_rules

RULE = """
title: A rule of a test
id: 5013198b-3a1c-4c3a-8e3d-4f3f8c1c6a11
status: test
logsource:
    product: test
detection:
{detection}
level: high
"""


def rule(detection: str, condition: str = "selection") -> SigmaRule:
    """A rule with this detection, whose lines are indented by four blanks here."""
    text = RULE.replace("{detection}", f"{detection}\n    condition: {condition}")
    rules, problems = read_rules(text, "rule.yml")
    assert not problems, problems
    return rules[0]


def matches(asked: SigmaRule, record: dict[str, Any], lists: dict[str, list[str]] | None = None) -> bool:
    rules = RuleSet([asked], lists)
    read = rules.read(record)
    return bool(rules.match(read, sources_of(read)))


def of_field(key: str, value: str) -> SigmaRule:
    return rule(f"    selection:\n        {key}: {value}")


@pytest.mark.parametrize(
    ("key", "value", "holds", "lacks"),
    [
        ("name", "Alice", {"name": "aLiCe"}, {"name": "alice2"}),
        ("name", "Ali*e", {"name": "alixxe"}, {"name": "alixxf"}),
        ("name", "'*'", {"name": "x"}, {"other": "x"}),
        ("name", "Al?ce", {"name": "ALICE"}, {"name": "alce"}),
        ("name", r"'a\*b'", {"name": "a*b"}, {"name": "axb"}),
        ("name", "''", {"name": ""}, {"name": "x"}),
        ("name|contains", "lic", {"name": "Alice"}, {"name": "alc"}),
        ("name|contains", "[a, li]", {"name": "oli"}, {"name": "bob"}),
        ("name|contains|all", "[al, ce]", {"name": "alice"}, {"name": "alba"}),
        ("name|contains|all", "[one, two]", {"name": ["has one", "has two"]}, {"name": ["has one"]}),
        ("name|startswith", "al", {"name": "Alice"}, {"name": "pal"}),
        ("name|endswith", r"'\cmd.exe'", {"name": r"C:\Windows\CMD.exe"}, {"name": r"C:\xcmd.exe"}),
        ("name|cased", "Alice", {"name": "Alice"}, {"name": "alice"}),
        ("name|contains|cased", "Lic", {"name": "ALice"[:1] + "Lice"}, {"name": "alice"}),
        ("name|re", "'a[0-9]+z'", {"name": "-a12z-"}, {"name": "A12z"}),
        ("name|re|i", "'a[0-9]+z'", {"name": "A12Z"}, {"name": "az"}),
        ("name|re", "'^a.c$'", {"name": "abc"}, {"name": "abcd"}),
        ("name|re|s", "'a.c'", {"name": "a\nc"}, {"name": "ac"}),
        ("name|windash|contains", "' -enc '", {"name": "x /enc y"}, {"name": "xencz"}),
        ("name|base64", "secret", {"name": "c2VjcmV0"}, {"name": "secret"}),
        ("name|base64offset|contains", "secret", {"name": "xxc2VjcmV0yy"}, {"name": "secret"}),
        ("name|wide|base64offset|contains", "ab", {"name": "YQBiA"}, {"name": "ab"}),
        ("ip|cidr", "10.0.0.0/8", {"ip": "10.1.2.3"}, {"ip": "11.1.2.3"}),
        ("ip|cidr", "10.0.0.0/8", {"ip": "::ffff:10.1.2.3"}, {"ip": "not an address"}),
        ("ip|cidr", "2001:db8::/32", {"ip": "2001:db8::1"}, {"ip": "10.0.0.1"}),
        ("count|gt", "5", {"count": 6}, {"count": 5}),
        ("count|gte", "5", {"count": "5"}, {"count": "many"}),
        ("count|lt", "5", {"count": 4.5}, {"count": 5}),
        ("count|lte", "5", {"count": 5}, {"count": True}),
        ("count", "7", {"count": 7}, {"count": 8}),
        ("count", "7", {"count": "7"}, {"count": "07"}),
        ("count", "7", {"count": 7.0}, {"count": 7.5}),
        ("flag", "true", {"flag": True}, {"flag": False}),
        ("flag", "true", {"flag": "True"}, {"flag": 1}),
        ("gone", "null", {"other": 1}, {"gone": "here"}),
        ("gone", "null", {"gone": None}, {"gone": 0}),
        ("there|exists", "true", {"there": None}, {"other": 1}),
        ("there|exists", "false", {"other": 1}, {"there": 1}),
        ("there|exists", "true", {"there": {"inner": 1}}, {}),
        ("one|fieldref", "two", {"one": "Same", "two": "same"}, {"one": "a", "two": "b"}),
        ("one|fieldref|startswith", "two", {"one": "same here", "two": "same"}, {"one": "a", "two": "ab"}),
        ("when|hour", "3", {"when": "2026-11-26T03:59:00Z"}, {"when": "2026-11-26T04:00:00Z"}),
        ("a.b", "x", {"a": [{"b": "y"}, {"b": "x"}]}, {"a": [{"b": "y"}]}),
        ("A.B", "x", {"a": {"b": "X"}}, {"a": {"c": "x"}}),
        ("name", "[a, b]", {"name": "b"}, {"name": "c"}),
        ("verb", "get", {"native": {"verb": "get"}}, {"native": {"verb": "list"}}),
        ("Image", "x", {"Event": {"EventData": {"Image": "x"}}}, {"Event": {"EventData": {"Image": "y"}}}),
    ],
)
def test_a_value_holds(key: str, value: str, holds: dict[str, Any], lacks: dict[str, Any]) -> None:
    asked = of_field(key, value)
    assert matches(asked, holds)
    assert not matches(asked, lacks)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("one and two", "12"),
        ("one or two", "1 2 12 13 23 123"),
        ("one and not two", "1 13"),
        ("1 of them", "1 2 3 12 13 23 123"),
        ("all of them", "123"),
        ("all of t*", "23 123"),
        ("one and not 1 of t*", "1"),
        ("not (one or two)", "3"),
    ],
)
def test_a_condition_holds(condition: str, wanted: str) -> None:
    detection = "".join(f"    {name}:\n        {name[0]}: x\n" for name in ("one", "two", "three"))
    detection = detection.replace("        t: x\n", "        w: x\n", 1).rstrip()
    asked = rule(detection, condition)
    fields = {"1": "o", "2": "w", "3": "t"}
    held = {
        numbers
        for numbers in ("1", "2", "3", "12", "13", "23", "123")
        if matches(asked, {fields[number]: "x" for number in numbers})
    }
    expected = set(wanted.split())
    if condition == "one and two":
        expected = {"12", "123"}
    assert held == expected


def test_keywords_are_looked_for_in_every_text() -> None:
    asked = rule("    selection:\n        - rm -rf\n        - 'drop * table'")
    assert matches(asked, {"a": {"b": ["please RM -RF /"]}})
    assert matches(asked, {"a": "drop the table now"})
    assert not matches(asked, {"rm -rf": "is a name here"})


def test_a_list_of_maps_is_any_of_them() -> None:
    asked = rule("    selection:\n        - a: x\n          b: y\n        - c: z")
    assert matches(asked, {"a": "x", "b": "y"})
    assert matches(asked, {"c": "z"})
    assert not matches(asked, {"a": "x"})


def test_a_list_that_is_supplied_by_name() -> None:
    asked = of_field("user|expand", "'%admins%'")
    assert asked.wanting == ("admins",)
    assert not matches(asked, {"user": "root"})
    assert matches(asked, {"user": "Root"}, {"admins": ["root", "ada"]})
    inside = of_field("user|contains|expand", "'%admins%'")
    assert matches(inside, {"user": "the root user"}, {"admins": ["root"]})


def test_no_expression_keeps_it_busy() -> None:
    asked = of_field("name|re", "'(a+)+$'")
    assert not matches(asked, {"name": "a" * 50_000 + "b"})
    assert not matches(of_field("name", "'*a*a*a*a*a*a*a*b'"), {"name": "a" * 50_000})


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("title: x\ndetection: [", 2, "expected"),
        (RULE.replace("{detection}", "    selection:\n        a: b\n    condition: nothing"), 0, "nothing"),
        (RULE.replace("{detection}", "    selection:\n        a|bad: b\n    condition: selection"), 0, "bad"),
        (RULE.replace("{detection}", "    selection:\n        a|re: '('\n    condition: selection"), 0, "("),
        ("just text", 1, ""),
        ("title: x\nlogsource:\n    product: x\n", 1, "etection"),
    ],
)
def test_a_bad_rule_is_named_with_its_line(text: str, line: int, word: str) -> None:
    rules, problems = read_rules(text, "bad.yml")
    assert not rules
    assert len(problems) == 1
    assert word in problems[0].reason
    assert "\n" not in problems[0].reason
    assert problems[0].line == line or (not line and problems[0].line > 1)


def test_a_bad_rule_costs_only_itself() -> None:
    good = RULE.replace("{detection}", "    selection:\n        a: b\n    condition: selection")
    bad = good.replace("condition: selection", "condition: other").replace("5013198b", "6013198b")
    rules, problems = read_rules(bad + "---\n" + good, "two.yml")
    assert [one.rule for one in rules] == ["5013198b-3a1c-4c3a-8e3d-4f3f8c1c6a11"]
    assert len(problems) == 1


def test_nothing_is_left_wanting_in_a_plain_rule() -> None:
    assert not [leaf for leaf in leaves(of_field("a", "b").form) if isinstance(leaf, Wanting)]
