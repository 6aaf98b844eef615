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
    limited = read_sql("select a from t limit 5")
    assert limited.code == "" or limited.code == read_sql("select a from t limit 6").code
    assert read_sql("selec nothing").code == ""
