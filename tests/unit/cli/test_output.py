"""Tables: what must be whole is whole, on any terminal and in any pipe."""

from __future__ import annotations

import sys

import pytest

from glasshatch.cli.output import emit_rows

COLUMNS = ("INDEX", "TIME", "STATEMENT*", "WHY*")
LONG = "select " * 40
ROWS = [("7", "2026-11-25 16:21:27.224", LONG, "by name"), ("12", "2026-11-25 16:21:27.300", "x", "")]


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: width > 0)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    emit_rows(COLUMNS, ROWS, empty="nothing")
    return capsys.readouterr().out.splitlines()


def test_piped_nothing_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _, first, second = shown(capsys, monkeypatch, 0)
    assert LONG.strip() in first
    assert first.rstrip().endswith("by name")
    assert second.split() == ["12", "2026-11-25", "16:21:27.300", "x"]


@pytest.mark.parametrize("width", [200, 100, 80, 40])
def test_on_a_terminal_only_what_may_be_cut_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    head, first, _ = shown(capsys, monkeypatch, width)
    assert head.split() == ["INDEX", "TIME", "STATEMENT", "WHY"]
    assert first.startswith("7      2026-11-25 16:21:27.224  select ")
    assert "…" in first
    assert first.rstrip().endswith("by name")
    if width >= 80:
        assert len(first) <= width


def test_an_empty_table_says_so_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    emit_rows(COLUMNS, [], empty="nothing")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nothing" in captured.err
