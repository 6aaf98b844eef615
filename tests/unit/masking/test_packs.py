"""Detectors are data: their examples hold, and a bad one is refused with file, line and reason."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from fixtures.depth import rounds
from glasshatch.errors import ConfigError
from glasshatch.masking import Engine
from glasshatch.masking.detectors import load_packs
from glasshatch.masking.expressions import checked_regex, checked_trigger, portable
from glasshatch.masking.needed import needed_words
from glasshatch.masking.proving import SLOWEST_MB_PER_S, failures, speeds
from glasshatch.masking.triggers import trigger_error


def test_every_detector_finds_its_examples_and_not_its_lookalikes() -> None:
    assert [
        f"{one.where} {one.detector}: {one.reason}: {one.text}" for one in failures(load_packs(["all"]))
    ] == []


def test_every_shipped_detector_has_examples_of_both_kinds(engine: Engine) -> None:
    bare = [one.name for one in engine.detectors if not one.examples or not one.counter_examples]
    assert bare == []


def test_there_are_at_least_75_types_beside_the_secrets(engine: Engine) -> None:
    types = {one.type for one in engine.detectors} - {"SECRET"}
    assert len(types) >= 75
    assert {"EMAIL", "CARD", "IBAN", "PHONE", "IP", "MAC", "SSN", "BIRTHDATE", "ADDRESS"} <= types


def test_an_example_that_does_not_hold_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(GOOD + 'examples = ["BG-12"]\ncounter_examples = ["BG-123456"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        told = list(failures(load_packs([], [file])))
    assert {one.where for one in told} == {f"{file}:2"}
    assert {one.reason for one in told} == {
        "no BADGE is found", "not found by this detector itself", "a counter-example is found",
    }  # fmt: skip


def test_no_shipped_trigger_is_slow_alone(engine: Engine) -> None:
    # Compiling each alone takes most of it: a part of them here, all in `make deep`.
    some = engine.detectors[:: rounds(7, 1)]
    slow = [one for one in speeds(some, time.perf_counter, size=1 << 17) if one.mb_per_s < SLOWEST_MB_PER_S]
    assert slow == []


def test_what_is_looked_at_once_drives_nothing_out_of_the_cache(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [one.detector for one in speeds(engine.detectors[:1], time.perf_counter, size=1 << 10)]
    assert trigger_error("BG-[0-9]{6}") == ""
    assert not list(tmp_path.rglob("*.hs"))


GOOD = """format = 1
[[detector]]
name = "staff-badge"
type = "BADGE"
trigger = 'BG-[0-9]{6}'
verify = '''BG-[0-9]{6}(?![0-9])'''
"""


def load(tmp_path: Path, text: str, packs: tuple[str, ...] = ()) -> Engine:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        # Many small packs would drive the large ones out of the user's cache.
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        return Engine.load(packs, (file,))


def test_a_detector_in_five_lines_works(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD).scan(["badge BG-123456 at the door"])[0]
    assert [(one.type, one.start, one.end, one.value) for one in found] == [("BADGE", 6, 15, "BG-123456")]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("BG-[0-9]{6}'", "BG-[0-9]+'", "no unbounded repeat"),
        ("BG-[0-9]{6}'", "B'", "at least two characters"),
        ("BG-[0-9]{6}'", "BG-(?=x)y'", "trigger"),
        ("BG-[0-9]{6}'", "BG-[0-9'", "does not compile"),
        ("'''BG-[0-9]{6}(?![0-9])'''", "'''(?:BG-[0-9]+)+'''", "unbounded repeat inside"),
        ("'''BG-[0-9]{6}(?![0-9])'''", "'''(BG'''", "does not compile"),
        ('"BADGE"', '"badge"', "upper-case"),
        ('type = "BADGE"', 'type = "BADGE"\nvalidator = "lunh"', "validator 'lunh' is not one of"),
        ('type = "BADGE"', 'type = "BADGE"\nbefore = 99999', "window"),
        ('type = "BADGE"', 'type = "BADGE"\noperator = "hide"', "operator"),
        ('type = "BADGE"', 'type = "BADGE"\nconfidence = 2', "confidence"),
        ('type = "BADGE"', 'type = "BADGE"\ntypo = 2', "typo"),
        ("trigger = 'BG-[0-9]{6}'\n", "", "needs a trigger, a lead or keywords"),
    ],
)
def test_a_bad_detector_is_refused_with_file_line_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert reason in str(caught.value)
    assert "staff-badge" in str(caught.value)
    assert str(tmp_path / "own.toml") + ":2" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no detector"),
        ("format = 9", "format 9"),
        ("format = ", "not a TOML file"),
        ("format = 1\n[[detector]\n", "own.toml:2: not a TOML file"),
        (
            GOOD + GOOD.replace("format = 1\n", ""),
            f"own.toml:{GOOD.count(chr(10)) + 1}: staff-badge: refused",
        ),
        (GOOD.replace("staff-badge", "email"), "is in pack 'core' and in 'own'"),
    ],
)
def test_a_bad_pack_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(reason)):
        load(tmp_path, text, ("core",))


def test_a_pack_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        Engine.load((), (tmp_path / "nowhere.toml",))
    with pytest.raises(ConfigError, match="the shipped packs are au, br, ca, core"):
        Engine.load(("cores",))


def test_gitleaks_rules_load_as_they_are_and_honour_keywords_entropy_and_allowlists(tmp_path: Path) -> None:
    engine = load(
        tmp_path,
        r"""
title = "rules as gitleaks writes them"
[[rules]]
id = "acme-key"
description = "unknown members are other people's business"
regex = '''(?i)\bacme[_-]?key["']?\s*[:=]\s*["']?((?-i:[A-Z])[[:alnum:]]{15})(?:[^a-z]|\z)'''
entropy = 3
keywords = ["acme"]
tags = ["x"]
[[rules.allowlists]]
regexes = ['''EXAMPLE''']
stopwords = ["dummy"]
[[rules]]
id = "path-only"
path = '''\.pem$'''
""",
    )

    def secrets(text: str) -> list[str]:
        return [one.value for one in engine.scan([text])[0] if one.detector == "acme-key"]

    assert secrets("ACME_KEY = 'Qx7Kq9ZpL2mN4vB6'") == ["Qx7Kq9ZpL2mN4vB6"]
    assert secrets("ACME_KEY = 'qx7Kq9ZpL2mN4vB6'") == []  # its first letter has to be upper case
    assert secrets("ACME_KEY = 'AAAAAAAAAAAAAAAA'") == []  # too little entropy
    assert secrets("ACME_KEY = 'Qx7EXAMPLE2mN4vB'") == []
    assert secrets("ACME_KEY = 'Qx7Kq9dUmMyN4vB6'") == []
    assert "path-only" not in {detector.name for detector in engine.detectors}


def test_what_else_rules_of_other_people_hold(tmp_path: Path) -> None:
    engine = load(
        tmp_path,
        r"""
[[allowlists]]
stopwords = ["dummyword"]
[[rules]]
id = "both"
regex = '''zk_(?<value>[A-Z]{4}[0-9]{6})'''
keywords = ["ZK_"]
[[rules.allowlists]]
condition = "AND"
regexes = ['''ABCD''']
stopwords = ["000000"]
[[rules]]
id = "no-keywords"
regex = '''\b(?:plugh|xyzzy)key\s*=\s*"([^"]{8,40})"'''
[[rules]]
id = "letters"
regex = '''qq-[\p{L}\d]+-\pN{5}'''
keywords = ["qq-"]
""",
    )

    def found(text: str) -> list[str]:
        return [one.value for one in engine.scan([text])[0]]

    assert found("zk_ABCD123456") == ["ABCD123456"]
    assert found("zk_WXYZ000000") == ["WXYZ000000"]
    assert found("zk_ABCD000000") == []  # only where both lists say so
    assert found('XYZZYKEY = "x", xyzzykey = "s3cr3tvalue"') == ["s3cr3tvalue"]
    assert found('plughkey = "with dummyword"') == []
    assert found("qq-été1-12345 qq-été1-1234x") == ["qq-été1-12345"]


@pytest.mark.parametrize(
    ("regex", "words"),
    [
        (r"abc[0-9]+defgh", ("defgh",)),
        (r"(?:abcd|efg)x?", ("abcd", "efg")),
        (r"(?:abcd|e)x?yzw", ("yzw",)),
        (r"(?i)\bkey_(?:v1|v2){2}", ("key_",)),
        (r"[a-z]{20}|abcdef", ()),
        (r"(?:abc)?d.e", ()),
    ],
)
def test_the_words_that_a_match_needs(regex: str, words: tuple[str, ...]) -> None:
    assert needed_words(regex) == words


def test_a_rule_without_any_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"own\.toml:1: bare: refused: .* needs keywords"):
        load(tmp_path, "[[rules]]\nid = 'bare'\nregex = '[a-z0-9]{32}'\n")


def test_re2_expressions_are_made_portable() -> None:
    assert portable(r"(?<a>x)\(?<b>\\(?<c>y)(?<!z)") == r"(?P<a>x)\(?<b>\\(?P<c>y)(?<!z)"
    assert portable(r"a(?i)b|c") == r"a(?i:b|c)"
    assert portable(r"(a(?i)b)c\z") == r"(a(?i:b))c\Z"
    assert re.fullmatch(portable(r"[[:xdigit:]]{2}(?i)x[)]"), "fFX)")


def test_runaway_expressions_are_refused() -> None:
    for bad in ("(a+)+b", "(?:a*b*)*", "((?:x|y)+z?)+"):
        with pytest.raises(ValueError, match="unbounded"):
            checked_regex(bad)
    checked_regex("(a+b)c+")
    with pytest.raises(ValueError, match="unbounded"):
        checked_trigger("ab.*c")
