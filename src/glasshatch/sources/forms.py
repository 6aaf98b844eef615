"""How the items of a source stand in a body: where each begins and ends, and how one is read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from .items import Item, Piece, read_item, split

Options = Mapping[str, str]
"""What a delivery says of the form of its items, as a log's line prefix; a kind of source names them."""


class Form(msgspec.Struct, frozen=True):
    """How to take a body apart.

    split: the items of a body, of which the first line has this number. read: one item's value, or what is
    wrong with it; never raises. ends: up to where a beginning of a body holds whole items, whatever comes
    after it; the flag says that nothing does. member: of a file that is one JSON object, the list in it;
    empty for items that are no JSON. line_ends: whether a line end behind the last item is no part of it.
    """

    split: Callable[[bytes, int], list[Piece]]
    read: Callable[[Piece], Item]
    ends: Callable[[bytes, bool], int]
    member: str = ""
    line_ends: bool = True


def whole_lines(data: bytes, final: bool) -> int:
    """Up to where there are whole lines."""
    return len(data) if final else data.rfind(b"\n") + 1


def json_form(options: Options, member: str = "items") -> Form:
    """JSON: one value, an array, an object with a list under `member`, or one value a line."""
    return Form(partial(split, member=member), read_item, whole_lines, member)
