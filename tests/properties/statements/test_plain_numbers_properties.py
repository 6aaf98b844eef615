"""Where the scanner or the parser is not asked, it would have said the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.depth import rounds
from glasshatch.statements import analyze_sql, read_sql, sql
from glasshatch.statements.sql.native import Unparsed
from glasshatch.statements.sql.tokens import plain_numbers, scan_text

PIECES = st.sampled_from(
    [
        *("select", "from", "where", "a1", "_x", "t", "e", "u", "x", "n", "b", "and", "in", "limit"),
        *("1", "12", "999999999", "1234567890", "007", "1e5", "1.5", ".5", "5.", "1_000", "0x1f", "12a"),
        *(" ", "\n", "\t", "\f", "\v", "=", "<", ">", "*", "(", ")", ";", "+", ",", ".", "..", ":="),
        *("'", '"', "$1", "$$", "--", "/*", "*/", "\\", "e'", "ä", "-", "/", "[", "?", "@", "|"),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
@settings(max_examples=rounds(400, 8_000), deadline=None)
def test_a_text_of_an_equal_frame_has_the_same_literals(text: str) -> None:
    plain = plain_numbers(text)
    if plain is None:
        return
    try:
        scanned = scan_text(text)
    except Unparsed:
        return  # what the scanner refuses is never remembered by its frame
    if scanned.literals == plain.literals:
        numbers = iter(range(10, 10_000))
        other = "".join(part if part != "\0" else str(next(numbers)) for part in plain.frame)
        again = plain_numbers(other)
        assert again is not None
        assert again.frame == plain.frame
        assert again.literals == scan_text(other).literals
        assert scan_text(other).key == scanned.key


@given(st.lists(PIECES, max_size=10).map("".join), st.integers(0, 999_999_999), st.integers(0, 999_999_999))
@settings(max_examples=rounds(200, 4_000), deadline=None)
def test_other_numbers_mean_what_the_parser_says(around: str, one: int, two: int) -> None:
    first, second = f"select a from t where b = {one} {around}", f"select a from t where b = {two} {around}"
    read_sql(first)
    fresh = sql._analyze(second)
    assert read_sql(second) == fresh
    assert analyze_sql(second) == fresh.statement
