"""Every constant and comment is found, by characters, and nothing of them stays in the shape."""

from __future__ import annotations

import pytest

from glasshatch.statements import analyze_sql


def spans(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in analyze_sql(text).literals]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 'it''s'", [("'it''s'", "string")]),
        (r"SELECT E'a\'b'", [(r"E'a\'b'", "string")]),
        ("SELECT 'a'\n  'b'", [("'a'\n  'b'", "string")]),
        (r"SELECT U&'d\0061t'", [(r"U&'d\0061t'", "string")]),
        ("SELECT $$a'b$$, $x$ $$ $x$", [("$$a'b$$", "string"), ("$x$ $$ $x$", "string")]),
        ("SELECT B'01', X'1f'", [("B'01'", "string"), ("X'1f'", "string")]),
        ("SELECT 1, 1.5, 1e3, 0xff, -7", [(n, "number") for n in ("1", "1.5", "1e3", "0xff", "7")]),
        ("SELECT 1 -- bob\n /* eve /* x */ */", [("1", "number"), ("-- bob", "comment"),
                                                  ("/* eve /* x */ */", "comment")]),
        ("SELECT 'é', 'ü€😀', 'z'", [("'é'", "string"), ("'ü€😀'", "string"), ("'z'", "string")]),
        ("ALTER ROLE bob PASSWORD 'x'", [("'x'", "password")]),
        ("ALTER ROLE bob PASSWORD /* y */ 'x'", [("/* y */", "comment"), ("'x'", "password")]),
        ("CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'p')",
            [("'u'", "string"), ("'p'", "password")]),
        ("UPDATE u SET api_key = 'k' WHERE id = 1", [("'k'", "password"), ("1", "number")]),
        ("SELECT $1", []),
    ],
)  # fmt: skip
def test_spans(text: str, expected: list[tuple[str, str]]) -> None:
    assert spans(text) == expected


def test_the_shape_holds_no_literal_and_no_comment() -> None:
    text = "/* bob */ SELECT  'bob', 42 FROM t -- bob\n WHERE a = $$bob$$ ;"
    assert analyze_sql(text).shape == "SELECT ?, ? FROM t WHERE a = ?"


def test_a_text_that_does_not_parse_hides_its_names_too() -> None:
    text = "selct hunter2 from x where email = 'bob@example.com'"
    hidden = {piece for piece, _ in spans(text)}
    assert {"selct", "hunter2", "email", "'bob@example.com'"} <= hidden


@pytest.mark.parametrize("text", ["SELECT 'bob", "SELECT $$bob", 'SELECT "bob', "bob\0", "\ud800bob"])
def test_a_text_that_cannot_even_be_scanned_is_hidden_whole(text: str) -> None:
    found = analyze_sql(text)
    assert [(span.start, span.end) for span in found.literals] == [(0, len(text))]
    assert found.verbs == ("unknown",)
