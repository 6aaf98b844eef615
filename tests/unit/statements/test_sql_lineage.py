# ruff: noqa: E501
"""Where each column of an answer comes from."""

from __future__ import annotations

import pytest

from glasshatch.statements import analyze_sql

EMAIL = ("customers.email",)


def lineage(text: str) -> list[tuple[str, tuple[str, ...], bool]]:
    outputs = analyze_sql(text).outputs
    assert outputs is not None
    return [(column.name, column.sources, column.direct) for column in outputs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT email FROM customers", [("email", EMAIL, True)]),
        ("SELECT c.email AS e FROM customers c", [("e", EMAIL, True)]),
        ("SELECT public.customers.email FROM public.customers", [("email", ("public.customers.email",), True)]),
        ("SELECT substr(email, 1, 9) FROM customers", [("substr", EMAIL, False)]),
        ("SELECT email || '' FROM customers", [("?column?", EMAIL, False)]),
        ("SELECT encode(email::bytea, 'hex') AS x FROM customers", [("x", EMAIL, False)]),
        ("SELECT e FROM (SELECT email AS e FROM customers) q", [("e", EMAIL, True)]),
        ("SELECT q.* FROM (SELECT id, email AS e FROM customers) q", [
            ("id", ("customers.id",), True), ("e", EMAIL, True)]),
        ("WITH q(x) AS (SELECT email FROM customers) SELECT x FROM q", [("x", EMAIL, True)]),
        ("SELECT email FROM (SELECT * FROM customers) q", [("email", EMAIL, True)]),
        ("SELECT 'a' AS x UNION SELECT email FROM customers", [("x", EMAIL, False)]),
        ("SELECT * FROM customers", [("*", ("customers.*",), True)]),
        ("SELECT email, * FROM customers", [("email", EMAIL, True), ("*", ("customers.*",), True)]),
        ("SELECT c FROM customers c", [("c", ("customers.*",), False)]),
        ("SELECT (c).email FROM customers c", [("email", EMAIL, True)]),
        ("SELECT row_to_json(c) FROM customers c", [("row_to_json", ("customers.*",), False)]),
        ("SELECT (SELECT email FROM customers LIMIT 1) AS s", [("s", EMAIL, False)]),
        ("SELECT CASE WHEN id = 1 THEN email END AS x FROM customers", [
            ("x", ("customers.email", "customers.id"), False)]),
        ("SELECT max(email) FROM customers", [("max", EMAIL, False)]),
        ("SELECT count(email) FROM customers", [("count", (), False)]),
        ("SELECT 1 AS one", [("one", (), False)]),
        ("DELETE FROM customers WHERE id = 1 RETURNING email", [("email", EMAIL, True)]),
        ("SELECT x.* FROM customers c, LATERAL (SELECT c.email AS e) x", [("e", EMAIL, True)]),
        ("WITH RECURSIVE t(e, n) AS (SELECT email, 1 FROM customers UNION ALL SELECT e, n + 1 FROM t) SELECT e FROM t",
            [("e", EMAIL, False)]),
        ("SELECT name FROM customers AS c(id, name)", [("name", ("customers.*",), False)]),
        ("SELECT unnest FROM unnest((SELECT array_agg(email) FROM customers)) AS unnest", [("unnest", EMAIL, False)]),
        ("COPY customers (email) TO STDOUT", [("email", EMAIL, True)]),
    ],
)  # fmt: skip
def test_lineage(text: str, expected: list[tuple[str, tuple[str, ...], bool]]) -> None:
    assert lineage(text) == expected


@pytest.mark.parametrize("text", ["FETCH ALL FROM c", "EXECUTE p", "CALL f()", "SELECT 1; SELECT 2", "SELEC"])
def test_what_only_the_server_knows_is_none(text: str) -> None:
    assert analyze_sql(text).outputs is None


def test_an_unqualified_column_may_be_of_any_table_in_reach() -> None:
    assert lineage("SELECT email FROM customers, staff") == [
        ("email", ("customers.email", "staff.email"), True)
    ]


def test_stars_of_stars_cannot_grow_without_bound() -> None:
    ctes = ["a0 AS (SELECT 1 AS x, 2 AS y)"]
    ctes += [f"a{n} AS (SELECT * FROM a{n - 1} p, a{n - 1} q)" for n in range(1, 40)]
    assert analyze_sql(f"WITH {', '.join(ctes)} SELECT * FROM a39").risks == ("too_complex",)


@pytest.mark.parametrize(
    "condition",
    ["email LIKE 'a%'", "email > 'm'", "substr(email, 1, 1) = 'a'", "email ~ '^a'", "ascii(email) = 97",
     "starts_with(email, 'a')", "email BETWEEN 'a' AND 'b'", "email = 'a' || id", "NOT email LIKE 'a%'",
     "email::int = 5", "length(email) = (SELECT max(length(email)) FROM customers)"],
)  # fmt: skip
def test_conditions_that_give_a_value_away_piece_by_piece_are_guesses(condition: str) -> None:
    assert "customers.email" in analyze_sql(f"SELECT count(*) FROM customers WHERE {condition}").guesses


@pytest.mark.parametrize(
    "text",
    ["SELECT id FROM customers ORDER BY email", "SELECT id, email FROM customers ORDER BY 2",
     "SELECT email LIKE 'a%' FROM customers", "SELECT count(*) FILTER (WHERE email < 'm') FROM customers",
     "SELECT min(id) FROM customers HAVING min(email) < 'b'", "SELECT greatest(email, 'm') FROM customers",
     "SELECT array_agg(id ORDER BY email) FROM customers", "INSERT INTO t SELECT email FROM customers",
     "UPDATE customers SET note = email WHERE id = 1", "CREATE TABLE t AS SELECT email FROM customers",
     "SELECT CASE email WHEN 'a' THEN 1 END FROM customers"],
)  # fmt: skip
def test_other_places_that_give_a_value_away(text: str) -> None:
    assert "customers.email" in analyze_sql(text).guesses


@pytest.mark.parametrize(
    "condition",
    ["email = $1", "email = 'bob@example.com'", "lower(email) = lower($1)", "email IN ('a', 'b')", "email = ANY($1)",
     "email::text = 'x'", "email IN (SELECT email FROM blocked)", "email <> ''"],
)  # fmt: skip
def test_plain_equality_is_a_lookup(condition: str) -> None:
    found = analyze_sql(f"SELECT id FROM customers WHERE {condition}")
    assert "customers.email" in found.lookups
    assert "customers.email" not in found.guesses
