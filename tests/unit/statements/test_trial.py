"""Conditions tried on example rows: which leave out no row, and which only look as if."""

from __future__ import annotations

import time

import pytest

from glasshatch.statements import analyze
from glasshatch.statements.expression import Column, Constant, Operation
from glasshatch.statements.trial import holds_for_every_row

_NARROW_NOTHING = [
    "id % 1 = 0",
    "id * 0 = 0",
    "id + 1 > id",
    "id BETWEEN 0 AND 9223372036854775807",
    "greatest(id, 1) >= 1",
    "coalesce(weight, 0) >= 0 OR weight < 0",
    "CASE WHEN id = 1 THEN true ELSE true END",
    "status IN ('a') OR status NOT IN ('a') OR status IS NULL",
    "created_at > '1970-01-01'",
    "concat(code, '') = code",
]
_NARROW = [
    "id % 2 = 0",
    "total - paid > 0",
    "a <> b",
    "status <> 'open'",
    "NOT (status = 'a' AND kind = 'b')",
    "greatest(a, b) > 100",
    "CASE WHEN kind = 'x' THEN n > 5 ELSE n > 10 END",
    "created_at > '2024-01-01'",
    "email NOT LIKE '%@example.com'",
    "retries >= max_retries OR expires_at < '2024-01-01'",
]


@pytest.mark.parametrize("kind", ["sql", "mysql"])
@pytest.mark.parametrize("condition", _NARROW_NOTHING)
def test_what_holds_for_every_row_narrows_nothing(kind: str, condition: str) -> None:
    assert "unbounded_write" in analyze(kind, f"DELETE FROM t WHERE {condition}").risks


@pytest.mark.parametrize("kind", ["sql", "mysql"])
@pytest.mark.parametrize("condition", _NARROW)
def test_what_some_row_fails_narrows(kind: str, condition: str) -> None:
    assert "unbounded_write" not in analyze(kind, f"DELETE FROM t WHERE {condition}").risks


def test_a_pattern_that_no_example_matches_says_nothing() -> None:
    for condition in ("code !~ '^DE'", "NOT (code ~ '^[A-Z]+$')", "code !~* '^q'"):
        assert "unbounded_write" not in analyze("sql", f"DELETE FROM t WHERE {condition}").risks


def test_what_cannot_be_computed_is_not_tried() -> None:
    text = Column("a")
    assert not holds_for_every_row(Operation("frobnicate", (text,)))
    assert not holds_for_every_row(Operation("/", (Constant(1), Constant(0))))
    assert not holds_for_every_row(Operation("like", (text, Constant("%" + "a%" * 30))))
    assert not holds_for_every_row(Operation("matches", (text, Constant("(a+)+$"))))


def test_a_large_condition_takes_no_longer_than_a_small_one() -> None:
    many = Operation("or", tuple(Operation("<>", (Column(f"c{at}"), Constant(at))) for at in range(5000)))
    started = time.monotonic()
    assert not holds_for_every_row(many)
    pairs = " OR ".join(f"a + {at} <> b * {at}" for at in range(400))
    analyze("sql", f"DELETE FROM t WHERE {pairs}")
    assert time.monotonic() - started < 5
