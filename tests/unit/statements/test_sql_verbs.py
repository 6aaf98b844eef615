"""What a text does: verbs, risks, resources."""

from __future__ import annotations

import pytest

from glasshatch.statements import analyze_sql


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        ("SELECT 1", {"select"}),
        ("TABLE customers", {"select"}),
        ("VALUES (1)", set()),
        ("INSERT INTO t VALUES (1)", {"insert"}),
        ("INSERT INTO t SELECT 1", {"insert", "select"}),
        ("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", {"insert", "update"}),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", {"delete", "select"}),
        ("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE", {"delete", "merge"}),
        ("EXPLAIN DELETE FROM t", {"explain"}),
        ("EXPLAIN ANALYZE DELETE FROM t", {"delete", "explain"}),
        ("EXPLAIN (ANALYZE off) DELETE FROM t", {"explain"}),
        ("PREPARE p AS UPDATE t SET a = 1", {"prepare", "update"}),
        ("EXECUTE p", {"execute"}),
        ("DECLARE c CURSOR FOR SELECT 1", {"cursor", "select"}),
        ("FETCH ALL FROM c", {"fetch"}),
        ("COPY t TO STDOUT", {"copy_out"}),
        ("COPY t FROM STDIN", {"copy_in"}),
        ("CREATE TABLE t AS SELECT 1", {"create", "select"}),
        ("SELECT 1 INTO t", {"create", "select"}),
        ("DO $$ BEGIN DELETE FROM t WHERE id = 1; END $$", {"delete", "do"}),
        ("DO $$ DECLARE x int := (SELECT 1); BEGIN x := 2; END $$", {"do", "select"}),
        ("CREATE FUNCTION f() RETURNS void AS 'DELETE FROM t' LANGUAGE sql", {"create", "delete"}),
        ("BEGIN; SELECT 1; COMMIT", {"begin", "commit", "select"}),
        ("SET work_mem = '1MB'", {"set"}),
        ("SELECT set_config('work_mem', '1MB', false)", {"select", "set"}),
        ("SHOW ALL", {"show"}),
        ("REVOKE ALL ON t FROM x", {"revoke"}),
        ("ANALYZE t", {"analyze"}),
        ("VACUUM t", {"vacuum"}),
        ("-- nothing", set()),
    ],
)
def test_verbs(text: str, verbs: set[str]) -> None:
    assert set(analyze_sql(text).verbs) == verbs


@pytest.mark.parametrize(
    ("text", "risk"),
    [
        ("DROP TABLE t", "destructive"),
        ("ALTER TABLE t DROP COLUMN a", "destructive"),
        ("GRANT ALL ON t TO x", "privilege_change"),
        ("CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql SECURITY DEFINER", "privilege_change"),
        ("COPY t TO '/tmp/x'", "server_file"),
        ("COPY t TO PROGRAM 'id'", "network"),
        ("SELECT pg_read_file('x')", "server_file"),
        ("SELECT * FROM dblink('a', 'b') AS t(a int)", "network"),
        ("SET log_statement = none", "audit_change"),
        ("SET client_encoding = sjis", "session_setting"),
        ("SET my.own = 1", "unknown_setting"),
        ("DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", "dynamic_sql"),
        ("DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP END LOOP; END $$", "dynamic_sql"),
        ("DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT 1'; END $$", "dynamic_sql"),
        ("DO LANGUAGE plperlu $$ system('id') $$", "untrusted_code"),
        ("SELECT nobody_knows_it(1)", "unknown_function"),
        ("SELECT 1; SELECT 2", "multi_statement"),
        ("SELECT c FROM customers c WHERE id = 1", "whole_row"),
        ("SELECT t FROM (SELECT id, city FROM customers WHERE id = 1) t", "derived_row"),
        ("WITH t AS (SELECT count(*) AS n FROM customers) SELECT row_to_json(t) FROM t", "derived_row"),
        ("SELECT t FROM (SELECT * FROM customers WHERE id = 1) t", "whole_row"),
        ("SELECT t FROM (SELECT c FROM customers c WHERE id = 1) t", "whole_row"),
        ("SELECT t FROM all_customers() t", "whole_row"),
        ("SELECT rolpassword FROM pg_authid", "credential_read"),
        ("SELECT histogram_bounds FROM pg_stats", "sampled_values"),
        ("SELEC 1", "unknown_syntax"),
    ],
)
def test_risks(text: str, risk: str) -> None:
    assert risk in analyze_sql(text).risks


def test_unknown_syntax_is_the_verb_unknown() -> None:
    found = analyze_sql("SELEC 1 FROM")
    assert (found.verbs, found.shape, found.hash, found.outputs) == (("unknown",), "", "", None)


def test_names_are_folded_as_the_server_folds_them() -> None:
    found = analyze_sql('SELECT * FROM Public.Customers, "Orders", a.b WHERE id = 1')
    assert found.resources == ("Orders", "a.b", "public.customers")


def test_a_common_table_expression_is_no_resource() -> None:
    assert analyze_sql("WITH x AS (SELECT 1 FROM t) SELECT * FROM x").resources == ("t",)
    assert analyze_sql("WITH x AS (SELECT 1 FROM t) SELECT * FROM public.x").resources == ("public.x", "t")


def test_commands_are_counted() -> None:
    assert [analyze_sql(text).commands for text in ("", ";", "SELECT 1;", "SELECT 1; SELECT 2")] == [
        0,
        0,
        1,
        2,
    ]


def test_equal_code_with_other_values_has_the_same_hash_and_shape() -> None:
    one, two = (analyze_sql(f"SELECT a FROM t WHERE b = {value}") for value in ("1", "22"))
    assert one.hash == two.hash
    assert one.shape == two.shape == "SELECT a FROM t WHERE b = ?"
    assert one.literals != two.literals


def test_values_that_decide_the_meaning_are_not_confused_by_the_cache() -> None:
    for text, risky in [
        ("SET search_path = a", False),
        ("SELECT set_config('jit', 'off', false)", False),
        ("SELECT set_config('role', 'off', false)", True),
        ("DELETE FROM t WHERE 1 = 2", False),
        ("DELETE FROM t WHERE 1 = 1", True),
        ("DELETE FROM t WHERE a LIKE 'x%'", False),
        ("DELETE FROM t WHERE a LIKE '%%'", True),
        ("DELETE FROM t WHERE id > 900", False),
        ("DELETE FROM t WHERE id > 0", True),
        ("SELECT * FROM t LIMIT 5", False),
        ("SELECT * FROM t LIMIT 5000000", True),
        ("DO $$ BEGIN DELETE FROM t WHERE id = 4; END $$", False),
        ("DO $$ BEGIN DELETE FROM t; END $$", True),
        ("SET client_encoding = 'utf8'", False),
        ("SET client_encoding = 'big5'", True),
    ]:
        assert bool(analyze_sql(text).risks) is risky, text


def test_the_hash_takes_no_secret_in() -> None:
    one, two = (analyze_sql(f"ALTER ROLE bob PASSWORD '{secret}'") for secret in ("hunter2", "letmein"))
    assert one.hash == two.hash != analyze_sql("ALTER ROLE eve PASSWORD 'x'").hash


def test_the_hash_of_a_query_knows_its_structure() -> None:
    texts = ("SELECT a FROM t WHERE b IN (1, 2)", "select  a from t where b in (1,2,3)")
    assert len({analyze_sql(text).hash for text in texts}) == 1
