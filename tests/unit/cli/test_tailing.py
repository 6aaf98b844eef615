"""Lines of a tail: colours, what went wrong, templates of one's own, and nothing that moves a cursor."""

from __future__ import annotations

import msgspec
import pytest

from glasshatch.api.recorded import RecordedEvent
from glasshatch.cli.tailing import Colour, _filled, _Following, _line, _lines
from glasshatch.events import Actor, Event, Outcome, Source, encode

EVENT = Event(
    id="e-1", time="1795519440000000000", action="order.paid", source=Source(kind="app", name="shop"),
    actor=Actor(id="u-1", name="al\x1b[31mice"), outcome=Outcome(status="failure", code="42"),
    attrs={"message": "two\nlines", "a.b/c": {"d": [1, {"e": "x"}, {"e": "y"}]}, "n": 1.5, "no": None},
)  # fmt: skip
ONE = RecordedEvent(7, msgspec.Raw(encode(EVENT)), "orders")


def test_a_line_tells_what_went_wrong_in_red_and_obeys_no_control_characters() -> None:
    line = _line(ONE)
    assert "orders/7" in line
    assert "[red]order.paid 42[/]" in line
    assert "two lines" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{index} {ledger} {action}", "orders/7 orders order.paid"),
        ("{actor.name}|{actor.nothing}|{nothing}", "al\\x1b[31mice||"),
        ("{attrs.a.b/c.d.e} {attrs.n} {attrs.no}{attrs.message}", "x, y 1.5 two lines"),
        ("no part { } {}", "no part  {}"),
    ],
)
def test_a_template_is_filled_with_members(template: str, line: str) -> None:
    assert _filled(template, ONE) == line


def test_colours_are_for_terminals_and_for_who_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for colour, coloured in ((Colour.auto, False), (Colour.never, False), (Colour.always, True)):
        _lines("", colour)(ONE)
        assert ("\x1b[" in capsys.readouterr().out) is coloured


def test_what_search_and_tail_both_have_is_shown_once() -> None:
    shown: list[int] = []
    following = _Following("http://127.0.0.1:1", None, "", "", lambda one: shown.append(one.index))

    def events(*indices: int) -> list[RecordedEvent]:
        return [msgspec.structs.replace(ONE, index=index) for index in indices]

    following._emit(events(3, 12))
    following._marks = {"orders": 9}
    following._stream(events(8, 9, 10, 11, 12, 13))
    following._stream(events(4, 12, 14))
    assert shown == [3, 12, 10, 11, 13, 14]
