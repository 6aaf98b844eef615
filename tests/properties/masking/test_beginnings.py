"""What is told of where a match may begin holds for every match that there is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.masking import Engine
from glasshatch.masking.beginnings import ROW, Beginning, beginning, begins_with_digit
from glasshatch.masking.folding import octets

ENGINE = Engine.load()
EXAMPLES = [text for one in ENGINE.detectors for text in (*one.examples, *one.counter_examples)]


def bit(table: bytes, left: int, right: int) -> bool:
    left, right = min(left, 128), min(right, 128)
    return bool(table[left * ROW + right // 8] >> right % 8 & 1)


def allowed(told: Beginning, text: str, begin: int, end: int) -> bool:
    """Whether a match may stand there, as the kernel looks it up."""
    data = octets(text)
    around = range(begin - 1, min(begin + 2, len(data) - 1))
    steps = all(bit(step, data[at], data[at + 1]) for step, at in zip(told.steps, around, strict=False))
    return steps and all(bit(told.inside, 0, octet) for octet in data[begin:end])


def test_most_detectors_can_be_told() -> None:
    untold = [one.name for one in ENGINE.detectors if beginning(one.expression) is None]
    assert len(untold) < len(ENGINE.detectors) // 20, untold


def test_it_holds_for_every_match_in_the_examples() -> None:
    seen = 0
    for detector in ENGINE.detectors:
        told = beginning(detector.expression, detector.verify.flags)
        if told is None:
            continue
        for example in (*detector.examples, *detector.counter_examples):
            text = f"\0{example}\0"
            for match in detector.verify.finditer(text):
                assert allowed(told, text, *match.span()), (detector.name, example)
                seen += 1
    assert seen > 500


EXPRESSIONS = [
    "abc", "(?i)ks[^k]", "(?i:s)t|éa", "[^a]b?c", r"\bAB*", r"(?<![a-z])(?=x?[0-9])\w{1,3}", "(?:a|)b",
    "a{2}b{0,2}", r"(?<=[a-z])(?=[A-Z])\w|(?<!\w)\d", r"(?:(?:ab){1,2}|a)c", r"(a)\1b", "(?>a|ab)c",
    "a{1,2}+b", r"(?s:.)\S", r"[^\W\d_]x", r"(?!a)\w", "(?<!ab)c", "(?i)[^a-f]k", "x(?=[0-9])", "é[à-ü]",
    r"(?:\s|^)a", "(?<=a)b|(?<!a)c", ".a", "a.?b",
]  # fmt: skip
texts = st.text(
    st.sampled_from([*"aAbBcCkKsStTxX019 _\n-", "é", "ſ", "K", "İ", "ı", "日", "\xa0", "٣"]), max_size=12
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(texts)
def test_it_holds_for_any_expression(expression: str, text: str) -> None:
    pattern = re.compile(expression)
    told = beginning(expression, pattern.flags)
    assert told is not None
    for place in range(len(text)):
        match = pattern.match("\0" + text, place + 1)
        assert match is None or allowed(told, "\0" + text, *match.span())


@pytest.mark.parametrize("expression", ["a*", "(?:ab)?", "(?=a)", "a|"])
def test_what_may_match_nothing_is_searched_for(expression: str) -> None:
    assert beginning(expression) is None


def test_what_begins_with_a_digit() -> None:
    assert all(map(begins_with_digit, [r"\d{3}", "[1-9]a", "(?:1|2)b", r"(?=\w)\d"]))
    assert not any(map(begins_with_digit, ["a", r"\d?a", "", r"\w", r"\+?\d"]))
