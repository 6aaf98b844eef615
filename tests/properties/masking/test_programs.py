"""The programs that the kernel runs match what `re` matches, at every place, or say that they do not know."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.kernel import SCAN_KERNELS
from glasshatch.masking import Engine
from glasshatch.masking.programs import LONGEST_BEHIND, program

compiled = SCAN_KERNELS.get("compiled")
pytestmark = pytest.mark.skipif(compiled is None, reason="the scan kernel is not compiled")

ENGINE = Engine.load()
EXAMPLES = [text for one in ENGINE.detectors for text in (*one.examples, *one.counter_examples)]
ASCII = [text for text in EXAMPLES if text.isascii() and len(text) < 400]


@cache
def trial(expression: str, group: int | str = 0) -> Any:
    assert compiled is not None
    return compiled.Trial(re.compile(expression), group)


def same(pattern: re.Pattern[str], group: int | str, text: str, place: int, high: int) -> bool:
    """Whether the program said anything; what it says is what `re` says."""
    assert compiled is not None
    match = pattern.match(text, place, high)
    try:
        told = trial(pattern.pattern, group).match(text.encode(), place, high)
    except compiled.GaveUp:
        return False
    assert told == (match and (match.span(), match.span(group))), (pattern.pattern, text, place)
    return True


def test_most_detectors_have_a_program() -> None:
    without = [one.name for one in ENGINE.detectors if trial(one.expression, one.group).program is None]
    assert len(without) < len(ENGINE.detectors) // 50, without


def test_detectors_match_alike_in_their_examples() -> None:
    told = 0
    for detector in ENGINE.detectors:
        for example in (*detector.examples, *detector.counter_examples):
            text = f"\0{example}\0"
            if not text.isascii() or len(text) > 250:
                continue
            for place in range(1, len(text), 2):
                told += same(detector.verify, detector.group, text, place, len(text) - 1)
    assert told > 10_000


@given(st.sampled_from(ENGINE.detectors), st.lists(st.sampled_from(ASCII), min_size=1, max_size=3), st.data())
def test_detectors_match_alike_in_what_is_cut_and_mixed(detector, texts, data) -> None:  # type: ignore[no-untyped-def]
    text = "\0" + " ".join(texts)
    cuts = st.integers(0, len(text))
    for _ in range(3):
        low, high = sorted((data.draw(cuts), data.draw(cuts)))
        text = text[:low] + data.draw(st.text(st.sampled_from("0a.@-:=\"'\\\n \0"), max_size=2)) + text[low:]
        same(detector.verify, detector.group, text, low, min(high + 1, len(text)))


EXPRESSIONS = [
    "abc", "(?i)ks[^k]", "[^a]b?c", r"\bAB*", r"(?<![a-z])(?=x?[0-9])\w{1,3}", "(?:a|)b", "a{2}b{0,2}",
    r"(?<=[a-z])(?=[A-Z])\w|(?<!\w)\d", r"(?:(?:ab){1,2}|a)c", r"(a)\1b", "(?>a|ab)c", "a{1,2}+b",
    r"(?s:.)\S", r"[^\W\d_]x", r"(?!a)\w", "(?<!ab)c", "(?i)[^a-f]k", "x(?=[0-9])", r"(?:\s|^)a",
    "(?<=a)b|(?<!a)c", ".a", "a.?b", r"\Aa|b\Z|c$", r"a$", r"(?:a|ab)(?:c|bcd)?(?P<value>x*)",
    r"(a|b)(?:\1|c){1,3}x?", r"\B-\B", r"(?:(?:a|b){0,2}?c)??(?P<value>[ab]+?)c", r"(?i)([a-c]{1,2})-\1",
    r"(?:[ab]{1,2}c?){2,}x", r"(?:a?b){0,3}+b", r"(?>(?P<value>a+)b|a+)c?", r"(?=(a+))\1b",
    r"(?<=(?:ab|bc))x|b", r"((?:a|b)+)-\1", r"(?<!^)a", "[a-c]*?x", r"(?:(?=(?P<value>b))b|a)+x",
    r"(?!(a)b)\w\w", r"(?:a{0,2}){2}b", r"a(?:b|$)", r"(?:ab?)++c", r"(a)?b\1",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(st.text(st.sampled_from("aAbBcCkKsSxX019 _\n-"), max_size=14), st.integers(0, 3))
def test_any_expression_matches_alike(expression: str, text: str, left: int) -> None:
    pattern = re.compile(expression)
    group = "value" if "value" in pattern.groupindex else 0
    for place in range(len(text) + 1):
        same(pattern, group, text, place, max(place, len(text) - left))


@pytest.mark.parametrize(
    "expression", ["(?m)^a", "(?:a?){2,}b", r"(a)(?(1)b|c)", "(?:(?P<value>a)){2}", "(?<=a{60})b"]
)
def test_what_is_not_known_is_refused(expression: str) -> None:
    pattern = re.compile(expression)
    assert (
        program(expression, pattern.flags, "value" if pattern.groups == 1 and pattern.groupindex else 0)
        is None
    )


def test_it_gives_up_where_it_would_take_long_or_much() -> None:
    assert compiled is not None
    for expression, text in (("(?:a|b|ab){1,30}c", "ab" * 40), ("(?:ab?)+c", "ab" * 9_000)):
        with pytest.raises(compiled.GaveUp):
            trial(expression).match(text.encode(), 0, len(text))


def test_it_looks_at_nothing_before_what_is_known_to_be_ascii() -> None:
    assert compiled is not None
    behind = "a" * LONGEST_BEHIND
    pattern = trial(f"(?<={behind})b")
    text = f"é{behind}b".encode("latin-1")
    assert pattern.match(text, LONGEST_BEHIND + 1, len(text), 1)
    for look in (f"(?<=.{behind[1:]})b", "(?<=a)b", r"\bb"):
        with pytest.raises(compiled.GaveUp):
            trial(look).match(text, LONGEST_BEHIND + 1, len(text), LONGEST_BEHIND + 1)
    with pytest.raises(compiled.GaveUp):
        pattern.match(text, LONGEST_BEHIND + 1, len(text), 0)
    with pytest.raises(ValueError, match="beyond the text"):
        pattern.match(text, 3, len(text) + 1, 1)
