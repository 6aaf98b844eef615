"""What `reveal` prints: on a terminal nothing in a value steers it, to a program the value comes as it is."""

from __future__ import annotations

import io
import sys

import pytest

from glasshatch.api.reveal_values import ClearShown, ClearValue
from glasshatch.api.vault_values import Revealed, RevealForm
from glasshatch.cli.revealing import Shape, _is_event, _print_clear, _print_sealed, _warn

ODD = "a\x1b[2Jb\nc\x07"


class Screen(io.StringIO):
    """A standard output that is a terminal, or is not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def shown(*values: str | None) -> ClearShown:
    clear = tuple(
        ClearValue(name=f"c{place}", column=f"public.t.c{place}", type="TEXT", value=value)
        for place, value in enumerate(values)
    )
    return ClearShown(request="r1", resource="postgres/shop", values=clear, event="e1")


def printed(monkeypatch: pytest.MonkeyPatch, what: ClearShown, *, terminal: bool) -> str:
    screen = Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", screen)
    _print_clear(what, Shape.text)
    return screen.getvalue()


def test_a_terminal_is_not_steered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, shown(ODD), terminal=True) == "a\\x1b[2Jb\nc\\x07\n"
    assert printed(monkeypatch, shown(ODD), terminal=False) == f"{ODD}\n"


def test_a_sealed_value_is_printed_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Desk:
        def reveal(self, form: RevealForm) -> Revealed:
            return Revealed(
                event=form.event, place="1", field=form.field, value=ODD, salt="", commitment="", proof="",
                verifier_key="", grant_id="", until="1",
            )  # fmt: skip

    form = RevealForm(event="e1", field="native.name", reason="ticket 17")
    for terminal, said in ((True, "a\\x1b[2Jb\nc\\x07\n"), (False, f"{ODD}\n")):
        screen = Screen(terminal=terminal)
        monkeypatch.setattr(sys, "stdout", screen)
        _print_sealed(form, Desk(), None, Shape.text, piped=True)
        assert screen.getvalue() == said


def test_several_values_come_with_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, shown("x", None), terminal=False) == "c0\tx\nc1\tNULL\n"


@pytest.mark.parametrize(
    ("terminal", "piped", "warned"), [(True, False, 0), (False, False, 1), (False, True, 0)]
)
def test_a_file_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
    piped: bool,
    warned: int,
) -> None:
    monkeypatch.setattr(sys, "stdout", Screen(terminal=terminal))
    _warn(piped)
    assert capsys.readouterr().err.count("may keep it") == warned


@pytest.mark.parametrize(
    ("what", "event"),
    [("4711", True), ("eu/17", True), ("01900000-0000-7000-8000-00000000000f", True),
     ("postgres/shop", False)],
)  # fmt: skip
def test_a_resource_is_told_from_an_event(what: str, event: bool) -> None:
    assert _is_event(what) is event
