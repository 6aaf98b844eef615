"""Detectors are data: their examples hold, and a bad one is refused with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glasshatch.errors import ConfigError
from glasshatch.masking import Detector, Engine, shipped_packs
from glasshatch.masking.detectors import load_shipped
from glasshatch.masking.expressions import checked_regex, checked_trigger, portable

DETECTORS = [
    pytest.param(detector, id=f"{name}/{detector.name}")
    for name in shipped_packs()
    for detector in load_shipped(name).detectors
]


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_finds_its_examples_and_not_its_lookalikes(engine: Engine, detector: Detector) -> None:
    assert detector.examples
    assert detector.counter_examples
    for text in detector.examples:
        assert detector.type in {one.type for one in engine.scan([text])[0]}, text
        # Also in the middle of other text, where anchors would fail.
        assert detector.type in {one.type for one in engine.scan([f"so: {text} ."])[0]}, text
    for text in detector.counter_examples:
        assert detector.name not in {one.detector for one in engine.scan([text])[0]}, text


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_finds_its_examples_alone(detector: Detector) -> None:
    """Overlap resolution may not be what makes an example pass."""
    from glasshatch.masking.detectors import Pack

    alone = Engine([Pack(name="alone", hash="", detectors=(detector,))])
    for text in detector.examples:
        assert [one.detector for one in alone.scan([text])[0]][:1] == [detector.name], text


GOOD = """format = 1
[[detector]]
name = "staff-badge"
type = "BADGE"
trigger = 'BG-[0-9]{6}'
verify = '''BG-[0-9]{6}(?![0-9])'''
"""


def load(tmp_path: Path, text: str) -> Engine:
    file = tmp_path / "own.toml"
    file.write_text(text)
    return Engine.load(("core",), (file,))


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
        ("trigger = 'BG-[0-9]{6}'\n", "", "needs a trigger or keywords"),
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
        (GOOD + GOOD.replace("format = 1\n", ""), "same name"),
        (GOOD.replace("staff-badge", "email"), "is in pack 'core' and in 'own'"),
    ],
)
def test_a_bad_pack_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(reason)):
        load(tmp_path, text)


def test_a_pack_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        Engine.load((), (tmp_path / "nowhere.toml",))
    with pytest.raises(ConfigError, match="the shipped packs are core, secrets"):
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


def test_re2_expressions_are_made_portable() -> None:
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
