"""What a change reaches, as a query, and what that query could run."""

from __future__ import annotations

import pytest

from glasshatch.statements import matching, read_change, target_name


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ("delete from orders where id = 3", "SELECT 1 FROM orders WHERE id = 3"),
        ("update only a.t x set n = 1", "SELECT 1 FROM ONLY a.t x"),
        (
            "delete from a using b where a.id = b.id",
            "SELECT DISTINCT a.tableoid, a.ctid FROM a, b WHERE a.id = b.id",
        ),
        (
            "with q as (select 1 as id) update t set n = 2 from q where t.id = q.id returning *",
            "WITH q AS (SELECT 1 AS id) SELECT DISTINCT t.tableoid, t.ctid FROM t, q WHERE t.id = q.id",
        ),
        ("insert into t select * from u where n > 1", "SELECT * FROM u WHERE n > 1"),
        ("with q as (select 2) insert into t select * from q", "WITH q AS (SELECT 2) SELECT * FROM q"),
        (
            "delete from t where note = 'it''s -- \"; drop'",
            "SELECT 1 FROM t WHERE note = 'it''s -- \"; drop'",
        ),
    ],
)
def test_the_reach_of_a_change_is_a_query(text: str, reach: str) -> None:
    change = read_change(text)
    assert change is not None
    assert change.reach.replace('"a"', "a").replace('"t"', "t") == reach


@pytest.mark.parametrize(
    "text",
    [
        "with d as (delete from u returning *) delete from t where id in (select id from d)",
        "delete from t where current of c",
        "merge into t using s on t.id = s.id when matched then delete",
        "insert into t values (generate_series(1, 9))",
        "truncate t",
        "do $$ begin delete from t; end $$",
        "select sweep()",
    ],
)
def test_what_cannot_be_asked_without_carrying_it_out_has_none(text: str) -> None:
    change = read_change(text)
    assert change is not None
    assert (change.reach, change.rows) == ("", None)


def test_only_one_command_is_a_change() -> None:
    assert read_change("delete from t; delete from u") is None
    assert read_change("delete from t where") is None


def test_every_way_to_call_code_is_named() -> None:
    change = read_change(
        "update t set a = f(1) from s.u tablesample own(3), lateral g(t.id) where h(a) > 3 and b @@ c"
        " and d between 1 and 2 and e::mood = 'x' and i in (select j from v) and k at time zone 'UTC' > l"
    )
    assert change is not None
    calls = change.reach_calls
    assert set(calls.functions) == {"own", "g", "h", "timezone"}
    assert set(calls.operators) == {">", "@@", ">=", "<=", "="}
    assert calls.types == ('"mood"',)
    assert set(calls.relations) == {'"t"', '"s"."u"', '"v"'}
    assert "f" in change.calls.functions


def test_names_within_the_statement_are_no_relations() -> None:
    change = read_change("with q as (select 1) delete from t using q where t.id = 1")
    assert change is not None
    assert change.reach_calls.relations == ('"t"',)


def test_a_change_tells_its_tables_rows_and_reservations() -> None:
    values = read_change("insert into t values (1), (2), (3) on conflict do nothing")
    assert values is not None
    assert (values.rows, values.upper) == (3, True)
    truncate = read_change("truncate a, b.c cascade")
    assert truncate is not None
    assert (truncate.targets, truncate.cascades) == (('"a"', '"b"."c"'), True)
    drop = read_change("drop table x.y")
    assert drop is not None
    assert drop.targets == ('"x"."y"',)
    update = read_change("update t set a = 1, b = $1 where id = 2")
    assert update is not None
    assert (update.assigned, update.parameters) == (("a", "b"), True)


def test_the_rows_can_be_locked_under_the_targets_own_name() -> None:
    text = 'delete from "T a" as "x""y" using u where u.id = 1'
    assert target_name(text) == '"x""y"'
    assert matching(text, '"x""y".*', lock=True).endswith('WHERE u.id = 1 FOR UPDATE OF "x""y"')
