# ruff: noqa: E501
"""What holds for every text: no exception, spans inside it, no literal in the shape."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasshatch.statements import analyze_sql, sql
from glasshatch.statements.sql.commands import understand
from glasshatch.statements.sql.limits import within_limits
from glasshatch.statements.sql.native import Unparsed, parse

ASSETS = Path(__file__).parent.parent.parent / "assets"
CORPUS = [
    json.loads(line)["statement"]
    for file in ("sql-cases.jsonl", "dangerous-statements.jsonl")
    for line in (ASSETS / file).read_text().splitlines()
    if json.loads(line)["kind"] == "sql"
]
PIECES = [
    "SELECT", " ", "*", " FROM ", "t", " WHERE ", "a", "=", "1", "'x'", "E'\\'", "'", "''", '"', '"b"', "$$", "$q$",
    "--", "\n", "/*", "*/", "(", ")", "[", "]", ",", ";", "::", "int", " AND ", " OR ", " NOT ", " UNION ", "U&'",
    "$1", ".", "c", " c", "row_to_json(c)", " ORDER BY ", " LIMIT 5", "DELETE FROM t", "WITH x AS (", " RETURNING *",
    "EXPLAIN ANALYZE ", "DO $$BEGIN ", " END$$", "é", "😀", "\\", "\r", "\t", "?", "@", "+", "-",
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.tuples(st.sampled_from(CORPUS), st.sampled_from(CORPUS)).map("; ".join),
    st.tuples(st.sampled_from(CORPUS), st.integers(0, 200), st.sampled_from(PIECES)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
    ),
)


@given(texts)
@settings(max_examples=400, deadline=None)
def test_analysis_never_raises_and_its_spans_are_in_order_inside_the_text(text: str) -> None:
    found = analyze_sql(text)
    end = 0
    for span in found.literals:
        assert end <= span.start < span.end <= len(text) or (text == "" and span.end == 0)
        end = span.end
    assert found == analyze_sql(text)
    assert ("unknown" in found.verbs) >= (found.shape == "" and found.hash == "" and found.commands > 0)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_the_rules_themselves_expect_every_tree(text: str) -> None:
    # analyze_sql turns a mistake of ours into "unknown"; here it would show.
    if "\0" in text or not within_limits(text):
        return
    try:
        text.encode()
        commands = parse(text)
        understand(commands, text)
    except (Unparsed, UnicodeEncodeError):
        pass


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: text[:40])
def test_no_case_rests_on_a_mistake_of_ours(text: str) -> None:
    try:
        commands = parse(text)
    except Unparsed:
        return
    understand(commands, text)


secrets = st.text(
    alphabet=st.characters(blacklist_characters="'\\$\0", blacklist_categories=("Cs",)),
    min_size=6,
    max_size=30,
).filter(lambda text: text.strip() == text and "{" not in text)


@given(secrets, st.sampled_from(["'{}'", "E'{}'", "$${}$$", "$x${}$x$", "'a{}b'", "/* {} */ 'x'", "U&'{}'"]))
@settings(max_examples=200, deadline=None)
def test_a_value_in_any_kind_of_quotes_never_reaches_the_shape(secret: str, quotes: str) -> None:
    if "*/" in secret or "/*" in secret:
        return
    literal = quotes.format(secret)
    text = f"SELECT a FROM t WHERE b = {literal} AND c = {literal}"
    found = analyze_sql(text)
    assert secret not in found.shape
    covered = "".join(text[span.start : span.end] for span in found.literals)
    assert covered.count(secret) >= 2


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_the_cheap_lexer_counts_no_less_than_the_tree_is_deep(code: str) -> None:
    """Whatever the quoting does, a chain behind it is counted unless the scanner too takes it for data."""
    text = code + " + ".join(["1"] * 1200)
    if within_limits(text):
        spans = analyze_sql(text).literals
        data = sum(span.end - span.start for span in spans)
        assert data >= 1200 or "unknown" in analyze_sql(text).verbs


OTHER = {
    "number": ["0", "1", "2", "5000000"],
    "string": ["''", "'%'", "'true'", "'role'", "'off'", "'sjis'", "'x'"],
    "password": ["'y'"],
}


@given(st.sampled_from(CORPUS), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_what_the_cache_says_of_other_values_is_what_a_fresh_look_says(text: str, random: Random) -> None:
    varied = text
    for span in reversed(analyze_sql(text).literals):
        if span.kind in OTHER and random.random() < 0.7:
            varied = varied[: span.start] + random.choice(OTHER[span.kind]) + varied[span.end :]
    # The first text has filled the cache by code; the second may be answered from it.
    cached = analyze_sql(varied)
    sql._by_code = sql._Recent(10)
    assert sql._analyze(varied).statement == cached
