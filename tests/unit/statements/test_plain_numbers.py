"""Where the scanner is not asked, it would have said the same."""

from __future__ import annotations

import pytest

from glasshatch.statements import read_sql
from glasshatch.statements.sql.tokens import plain_numbers


@pytest.mark.parametrize(
    "text", ["select 1.5", "select 12a", "select -1", "select $1", "select 'x' 1", "select 1 /* */"]
)
def test_only_the_plainest_texts_are_taken(text: str) -> None:
    assert plain_numbers(text) is None


def test_texts_of_equal_code_share_it_unless_a_constant_was_read() -> None:
    one, two = read_sql("select a from t where b = 'x'"), read_sql("select a from t where b = 'y'")
    assert one.code == two.code != ""
    assert read_sql("select a from t where b = 1").code != one.code
    assert one.told
    assert read_sql("selec nothing").code == ""


def test_where_a_constant_was_read_its_meaning_is_part_of_the_code() -> None:
    first, second = (
        read_sql(f"select id, email from people where id between {n} and {n} + 20") for n in (5, 700)
    )
    assert first.code == second.code != ""
    assert not first.told
    few, many = read_sql("select * from t limit 5"), read_sql("select * from t limit 5000000")
    assert few.statement.risks != many.statement.risks
    assert few.code != many.code
    # And again in the other order: nothing of the first is taken for the second.
    assert read_sql("select * from t limit 6000000").statement.risks == many.statement.risks
    assert read_sql("select * from t limit 6").statement.risks == few.statement.risks
