"""Where a query has a mistake, the command line points at it."""

from __future__ import annotations

import pytest

from glasshatch.cli.investigating import _point


@pytest.mark.parametrize(
    ("query", "position", "shown"),
    [
        ("source:kubernetes rows:many", 24, "  source:kubernetes rows:many\n                         ^\n"),
        ("-foo:x", 2, "  -foo:x\n   ^\n"),
        ("日本 actr:x", 4, "  日本 actr:x\n       ^\n"),
        ("(a", 3, "  (a\n    ^\n"),
        ("a\x1b[31m\nb rows:x", 15, "  a\\x1b[31m b rows:x\n                   ^\n"),
    ],
)
def test_a_caret_stands_below_the_mistake(
    query: str, position: int, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _point(query, position)
    assert capsys.readouterr() == ("", shown)


def test_of_a_long_query_the_part_around_the_mistake_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    _point("a " * 400 + "rows:x" + " b" * 400, 806)
    line, caret = capsys.readouterr().err.splitlines()
    assert len(line) < 100
    assert line[caret.index("^")] == "x"
