# ruff: noqa: E501
"""Which conditions narrow a write, and which only look so."""

from __future__ import annotations

import pytest

from glasshatch.statements import analyze_sql

NARROW = [
    "id = 5", "id = $1", "id IN (1, 2)", "id = ANY($1)", "status = 'new'", "id = 5 AND true", "true AND id = 5",
    "id = 1 OR id = 2", "NOT (status = 'new')", "false", "1 = 2", "NOT true", "NULL", "total > 5", "id > 100",
    "a IS NULL", "shipped_at IS NOT NULL", "name LIKE 'a%'", "id BETWEEN 1 AND 5", "lower(a) = lower($1)",
    "id IN (SELECT order_id FROM refunds)", "id IN (SELECT id FROM t WHERE status = 'x')",
    "EXISTS (SELECT 1 FROM r WHERE r.id = t.id)", "ctid IN (SELECT ctid FROM t LIMIT 10)", "active",
    "NOT active", "total = (SELECT max(total) FROM t)", "id NOT IN (SELECT t_id FROM r)", "a <> b", "(a, b) = (1, 2)", "coalesce(a, 0) = 1", "payload @> '{}'", "NOT (a = 1 AND b = 2)",
]  # fmt: skip
WIDE = [
    "true", "1 = 1", "'a' = 'a'", "1 < 2", "2 > 1", "1 <> 2", "NOT false", "NOT (1 = 2)", "'t'::bool", "true::bool",
    "1 = 1 AND true", "id = 5 OR true", "id = 5 OR 1 = 1", "id = id", "t.id = id OR false", "lower(a) = lower(a)",
    "a = 1 OR a <> 1", "a = 1 OR NOT a = 1", "a < 5 OR a >= 5", "a IS NULL OR a IS NOT NULL", "a LIKE '%'",
    "a ILIKE '%%'", "a ~ '.*'", "id > 0", "id >= 1", "id <> -1", "id > -5", "id IS NOT NULL", "ctid IS NOT NULL",
    "now() > '2000-01-01'", "current_user = 'x'", "$1", "$1 = $2", "EXISTS (SELECT 1)", "EXISTS (SELECT 1 FROM r)",
    "id IN (SELECT id FROM t)", "NOT (a = 1 AND a <> 1)", "1 IN (1, 2)", "random() < 2", "(true)", "(SELECT true)", "1 = (SELECT 1)", "1 IN (SELECT 1)", "(SELECT count(*) > 0 FROM r)", "'1' = 1",
]  # fmt: skip


@pytest.mark.parametrize("condition", NARROW)
def test_a_condition_that_some_rows_fail_narrows(condition: str) -> None:
    assert "unbounded_write" not in analyze_sql(f"DELETE FROM t WHERE {condition}").risks
    assert "unbounded_write" not in analyze_sql(f"UPDATE t SET x = 1 WHERE {condition}").risks


@pytest.mark.parametrize("condition", WIDE)
def test_a_condition_that_every_row_meets_does_not(condition: str) -> None:
    assert "unbounded_write" in analyze_sql(f"DELETE FROM t WHERE {condition}").risks


def test_only_conditions_on_the_written_table_count() -> None:
    assert "unbounded_write" in analyze_sql("UPDATE t SET x = 1 FROM c WHERE c.id = 5").risks
    assert "unbounded_write" not in analyze_sql("UPDATE t SET x = 1 FROM c WHERE c.id = t.c_id").risks
    assert "unbounded_write" in analyze_sql("DELETE FROM t AS z USING c WHERE c.id = 5").risks


def test_a_merge_is_bounded_by_its_join() -> None:
    merge = "MERGE INTO t USING s ON {} WHEN MATCHED THEN DELETE"
    assert "unbounded_write" in analyze_sql(merge.format("true")).risks
    assert "unbounded_write" not in analyze_sql(merge.format("t.id = s.id")).risks


@pytest.mark.parametrize("condition", [wide for wide in WIDE if wide != "'1' = 1"])
def test_what_narrows_no_write_makes_no_read_small(condition: str) -> None:
    assert "bulk_read" in analyze_sql(f"SELECT * FROM t WHERE {condition}").risks


@pytest.mark.parametrize("condition", NARROW)
def test_what_narrows_a_write_makes_a_read_small(condition: str) -> None:
    assert "bulk_read" not in analyze_sql(f"SELECT * FROM t WHERE {condition}").risks
