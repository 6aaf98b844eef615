"""Nothing that a client sends may take the process down: caps hold before the native parser is called."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from glasshatch.statements import analyze_sql, read_sql, sql
from glasshatch.statements.sql.limits import MAX_BYTES, within_limits

MONSTERS = {
    "terms": "'SELECT ' + '+'.join(['1'] * {n})",
    "parentheses": "'SELECT ' + '(' * {n} + '1' + ')' * {n}",
    "ands": "'SELECT 1 WHERE ' + ' AND '.join(['a=1'] * {n})",
    "ors": "'DELETE FROM t WHERE ' + ' OR '.join(['a=1'] * {n})",
    "unions": "' UNION '.join(['SELECT 1'] * {n})",
    "casts": "'SELECT 1' + '::int' * {n}",
    "nots": "'SELECT ' + 'NOT ' * {n} + 'true'",
    "signs": "'SELECT ' + '- ' * {n} + '1'",
    "subqueries": "'SELECT ' + '(SELECT ' * {n} + '1' + ')' * {n}",
    "cases": "'SELECT ' + 'CASE WHEN true THEN ' * {n} + '1' + ' END' * {n}",
    "joins": "'SELECT 1 FROM a' + ' JOIN a ON true' * {n}",
    "subscripts": "'SELECT a' + '[1]' * {n}",
    "collations": "'SELECT a' + ' COLLATE c' * {n}",
    "zones": "'SELECT a' + ' AT TIME ZONE b' * {n}",
    "nulls": "'SELECT a' + ' IS NULL' * {n}",
    "arrays": "'SELECT ' + 'ARRAY[' * {n} + '1' + ']' * {n}",
    "calls": "'SELECT ' + 'abs(' * {n} + '1' + ')' * {n}",
    "likes": "'SELECT a' + ' || a' * {n}",
    "ctes": "'WITH ' + ','.join('a%d AS (SELECT 1)' % i for i in range({n})) + ' SELECT 1'",
    "blocks": "'DO $$ ' + 'BEGIN ' * {n} + 'NULL; ' + 'END; ' * {n} + '$$'",
    "ifs": "'DO $$ BEGIN ' + 'IF true THEN ' * {n} + 'NULL; ' + 'END IF; ' * {n} + 'END $$'",
    "bodies": "'DO $$ BEGIN x := ' + '+'.join(['1'] * {n}) + '; END $$'",
    "functions": "'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT ' + '+'.join(['1'] * {n}) + '$$'",
    "comments": "'/*' * {n} + 'x' + '*/' * {n} + 'SELECT 1'",
    "quotes": "'SELECT ' + \"''\" * {n}",
    "commands": "'SELECT 1;' * {n}",
}


def analyzed_apart(expressions: dict[str, str]) -> dict[str, list[str]]:
    """The verbs of each text, analysed in a process of its own that may die."""
    code = (
        "import json, sys\nfrom glasshatch.statements import analyze_sql\n"
        "found = {name: list(analyze_sql(eval(text)).verbs) for name, text in json.load(sys.stdin).items()}\n"
        "print(json.dumps(found))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        input=json.dumps(expressions),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr[-500:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("count", [50_000, 3000, 500, 250])
def test_no_monster_takes_the_process_down(count: int) -> None:
    verbs = analyzed_apart({name: text.format(n=count) for name, text in MONSTERS.items()})
    assert verbs["terms"] == (["unknown"] if count > 400 else ["select"])
    if count == 50_000:
        refused = {name for name, found in verbs.items() if found == ["unknown"]}
        assert refused >= set(MONSTERS) - {"quotes", "blocks", "ifs", "bodies", "functions"}
        assert all("unknown" in verbs[name] for name in ("blocks", "ifs", "bodies", "functions"))


def test_what_is_too_complex_says_so_and_is_hidden_whole() -> None:
    text = "SELECT " + "+".join(["1"] * 50_000)
    found = analyze_sql(text)
    assert found.risks == ("too_complex",)
    assert [(span.start, span.end) for span in found.literals] == [(0, len(text))]


def test_bytes_are_counted_not_characters() -> None:
    assert within_limits(f"SELECT '{'x' * (MAX_BYTES - 20)}'")
    assert not within_limits(f"SELECT '{'é' * (MAX_BYTES - 20)}'")


def test_large_everyday_statements_are_within_the_caps() -> None:
    rows = ", ".join(f"({n}, 'name {n}', 'a+b=c; -- {n}')" for n in range(2000))
    assert analyze_sql(f"INSERT INTO t (a, b, c) VALUES {rows}").verbs == ("insert",)
    many = " OR ".join(f"(a = {n} AND b = {n})" for n in range(500))
    assert analyze_sql(f"SELECT a FROM t WHERE {many}").verbs == ("select",)
    assert analyze_sql(f"SELECT a FROM t WHERE a IN ({', '.join(map(str, range(5000)))})").verbs == (
        "select",
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT E'' '" + "+" * 600 + "'",
        "SELECT '" + "(" * 1200 + "'",
        "SELECT $a$" + "((" * 1200 + "$$ '$a$",
        "/* /* */ " + "(" * 1200 + "*/ SELECT 1",
        "SELECT 1 -- " + "(" * 1200,
        'SELECT "' + "(" * 1200 + '"',
    ],
)
def test_what_stands_in_strings_and_comments_is_not_counted(text: str) -> None:
    assert within_limits(text)


def test_a_string_that_goes_on_in_escape_mode_cannot_hide_a_chain() -> None:
    # Were the second part read as a plain string, the terms would look like data.
    hidden = "SELECT E'a'\n'\\'', " + "+".join(["1"] * 2000) + " -- '"
    assert not within_limits(hidden)


def test_the_cache_is_bounded_by_weight_and_forgets_the_oldest() -> None:
    cache = sql._Recent(weight=200_000)
    statements = {f"SELECT {'1, ' * 500}{n}": read_sql(f"SELECT {'1, ' * 500}{n}") for n in range(20)}
    for text, statement in statements.items():
        cache.put(text, statement)
    held = [text for text in statements if cache.get(text) is not None]
    assert 0 < len(held) < 10
    assert held == list(statements)[-len(held) :]
