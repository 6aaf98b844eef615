"""A SELECT of one table with more columns behind its own; anything less plain is left alone."""

from __future__ import annotations

import pytest

from glasshatch.statements import also_selecting, analyze_sql


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("SELECT phone FROM people WHERE id = 7", "SELECT phone, people.email FROM people WHERE id = 7"),
        ("SELECT * FROM shop.people p LIMIT 1;", "SELECT *, p.email FROM shop.people p LIMIT 1"),
        (
            "SELECT a FROM \"My \"\"T\" WHERE b = 'it''s; --' ORDER BY c",
            'SELECT a, "My ""T".email FROM "My ""T" WHERE b = \'it\'\'s; --\' ORDER BY c',
        ),
    ],
)
def test_columns_come_behind(text: str, written: str) -> None:
    made = also_selecting(text, ["email"])
    assert made == written
    assert made is not None
    assert analyze_sql(made).verbs == ("select",)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t, u", "SELECT a FROM t JOIN u USING (id)", "SELECT a FROM t GROUP BY a",
        "SELECT DISTINCT a FROM t", "SELECT a FROM t UNION SELECT b FROM t", "VALUES (1)", "SELECT 1",
        "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT a FROM (SELECT a FROM t) s", "SELECT a FROM f()",
        "DELETE FROM t",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left(text: str) -> None:
    assert also_selecting(text, ["email"]) is None
    assert also_selecting("SELECT a FROM t", []) is None
