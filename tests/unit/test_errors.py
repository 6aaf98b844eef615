"""Errors say where they arose and what to do, and never what a value was."""

from __future__ import annotations

import copy

from glasshatch.errors import place_of_bug
from glasshatch.events import canonical


class Uncopied:
    def __deepcopy__(self, _memo: object) -> object:
        raise TypeError("ada@example.com")


def place(bug: object) -> str:
    try:
        bug()  # type: ignore[operator]
    except Exception as error:
        return place_of_bug(error)
    raise AssertionError


def test_a_bug_is_placed_at_our_own_line_and_names_no_value() -> None:
    found = place(lambda: canonical.encode(object()))  # type: ignore[arg-type]
    assert found.partition(" at ")[2].startswith("events/canonical.py:")


def test_a_bug_without_a_line_of_ours_is_placed_where_it_is() -> None:
    found = place(lambda: copy.deepcopy(Uncopied()))
    assert found.startswith("TypeError at test_errors.py:")
    assert "ada" not in found
