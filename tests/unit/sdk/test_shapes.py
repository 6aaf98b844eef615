"""A statement's shape holds no value, whatever the dialect; what is not sure is not kept."""

from __future__ import annotations

import pytest

from glasshatch.sdk.shapes import UNKNOWN, shape_of


@pytest.mark.parametrize(
    ("dialect", "text", "shape"),
    [
        (
            "postgresql",
            "SELECT a, b1 FROM t WHERE x = 'se''cret' AND y>=4.5e3",
            "SELECT a, b1 FROM t WHERE x = ? AND y>=?",
        ),
        ("postgresql", "SELECT $1::text, $tag$se'cret$tag$, $$secret$$", "SELECT ?::text, ?"),
        (
            "postgresql",
            "SELECT E'a\\\\n', \"secret name\", U&'secret', x'5ec4e7'",
            'SELECT ?, "secret name", ?',
        ),
        ("postgresql", "SELECT 1 -- secret\n/* secret */ FROM t", "SELECT ? FROM t"),
        ("postgresql", "INSERT INTO t VALUES (%(a)s, %(b)s, 7)", "INSERT INTO t VALUES (?)"),
        ("postgresql", "SELECT * FROM t WHERE a IN ( 1,\n2 , 3 )", "SELECT * FROM t WHERE a IN ( ? )"),
        ("mysql", 'SELECT `a b`, "secret" # secret', "SELECT `a b`, ?"),
        ("sqlite", 'SELECT "secret", :name, ?', "SELECT ?"),
        ("postgresql", "SELECT 'secret", UNKNOWN),
        ("postgresql", "SELECT /* /* secret */ secret */ 1", UNKNOWN),
        ("postgresql", r"SELECT 'a\', 'secret'", UNKNOWN),
        ("mysql", r"SELECT 'a\'', secret, '", UNKNOWN),
        ("postgresql", "SELECT 1" + " " * 200_000, UNKNOWN),
    ],
)
def test_values_are_taken_out(dialect: str, text: str, shape: str) -> None:
    assert shape_of(text, dialect).shape == shape


def test_statements_of_one_kind_have_one_digest() -> None:
    one, two = shape_of("SELECT 1  FROM t", "postgresql"), shape_of("SELECT 22 FROM\nt", "postgresql")
    assert one == two
    assert one.hash.startswith("sha256:")
    assert one.text == ""
    assert shape_of("SELECT 1 FROM u", "postgresql").hash != one.hash
