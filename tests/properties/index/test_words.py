"""A body's words are the same whichever way they are found: ASCII is translated, all else matched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glasshatch.index.columns import body_of, words

TEXTS = st.lists(st.text(st.characters(max_codepoint=0x17F), max_size=40), max_size=6)


@given(TEXTS)
def test_a_body_has_the_words_of_its_texts_and_a_line_for_each(texts: list[str]) -> None:
    lines = dict.fromkeys(" ".join(words(text)) for text in texts)
    assert body_of(list(texts), {}).split("\n") == [f" {line} " for line in lines if line] or not any(lines)


@given(TEXTS)
def test_ascii_among_other_letters_has_the_same_words(texts: list[str]) -> None:
    plain = [text for text in texts if text.isascii()]
    alone = [line for line in body_of(list(plain), {}).split("\n") if line]
    beside = body_of([*plain, "Ünïcode"], {}).split("\n")
    assert beside == [*alone, " ünïcode "]
