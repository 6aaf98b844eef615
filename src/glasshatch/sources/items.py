"""A body taken apart into items: one JSON value, an array, a Kubernetes list, or one value a line.

An item that cannot be read costs only itself: the others are found all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec

from ..errors import TooLarge

MAX_ITEM_BYTES: Final = 1024 * 1024
"""How long one item may be."""

MAX_ITEMS: Final = 250_000
"""How many items one delivery may have."""

_QUICK_COMMAS = 500_000
_LOOKED_AT_LINES = 50
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\s][^\n]*")
_BLANK = re.compile(rb"\s*")
_BYTE = re.compile(r"\(byte (\d+)\)")
# A string ends at its line's end at the latest, so that a forgotten quote does not swallow the rest.
_MARK = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|[\[\]{},]')

Buffer = bytes | memoryview
Piece = tuple[int, Buffer] | tuple[int, Buffer, object]
"""An item's place, from 1 or as lines count, its bytes, and what its reader must know beside them."""


class Item(msgspec.Struct, frozen=True):
    """One item: its place, its value, its bytes, and what is wrong with it, if something is.

    Of one that a receiver has read: received, a name of its own, by which it is known when it is handed over
    again; sender, the address from where it came.
    """

    place: int
    value: Any
    data: bytes
    problem: str = ""
    received: str = ""
    sender: str = ""


class _KindList(msgspec.Struct):
    kind: str
    items: list[msgspec.Raw]


def split(body: bytes, first: int = 1, member: str = "items") -> list[Piece]:
    """The items of a body, not yet read. Lines are counted from `first`, other items from 1.

    Args:
        member: Where an object holds its list, as `Records`; `items` only stands beside a `kind`.

    Raises:
        TooLarge: It has more than `MAX_ITEMS`; nothing of it should be stored.
    """
    start = len(_BOM) if body.startswith(_BOM) else 0
    start = _BLANK.match(body, start).end()  # type: ignore[union-attr]
    if body[start : start + 1] == b"[" and not _is_line(body, start):
        return _bounded(_quick(body, start) or _scanned(body, start, in_array=True))
    if body[start : start + 1] == b"{" and not _is_line(body, start):
        found = _value(body, start, first, member)
        if found is None or (not found and member == "items"):
            return _bounded(_lines(body, start, first))
        return _bounded(found)
    return _bounded(_lines(body, start, first))


def read_item(piece: Piece) -> Item:
    """The value of an item, or what is wrong with it."""
    place, data = piece[0], bytes(piece[1])
    if len(data) > MAX_ITEM_BYTES:
        return Item(place, None, data, f"has more than {MAX_ITEM_BYTES} bytes")
    try:
        return Item(place, msgspec.json.decode(data), data)
    except RecursionError:
        return Item(place, None, data, "is nested too deeply")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Item(place, None, data, _problem(data, str(error)))


def _problem(data: bytes, said: str) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8"
    if "out of range" in said:
        return "holds a number that is too large"
    found = _BYTE.search(said)
    return f"is not JSON, from byte {found[1]} on" if found else "is not JSON, or ends too early"


def _is_line(body: bytes, start: int) -> bool:
    """Whether the first of several lines is an object by itself: then there is one a line."""
    end = body.find(b"\n", start)
    if end < 0 or not body[end:].strip() or body[start : start + 1] != b"{":
        return False
    return is_whole(body[start:end])


def lines_follow(rest: bytes) -> bool:
    """Whether what does not begin with a whole object is one a line all the same, the first being broken.

    Objects over several lines begin theirs with a bracket alone.
    """
    lines = rest.split(b"\n", _LOOKED_AT_LINES)[:_LOOKED_AT_LINES]
    return any(line.startswith((b'{"', b'{ "')) for line in lines)


def is_whole(data: bytes) -> bool:
    """Whether this is one JSON value."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _value(body: bytes, start: int, first: int, member: str) -> list[Piece] | None:
    """An object over several lines, a list's items, or several such objects; None for lines."""
    if (items := _listed(body, start, member)) is not None:
        return items
    if b"\n" not in body[start:].strip() or is_whole(body[start:]):
        return [(first + body.count(b"\n", 0, start), body[start:].strip())]
    if lines_follow(body[body.index(b"\n", start) + 1 :]):
        return None
    return list(_bounded(_scanned(body, start, in_array=False)))


def _listed(body: bytes, start: int, member: str) -> list[Piece] | None:
    """The items of an object's list; None if there is none, or it is not whole."""
    begin = re.compile(rb'\{\s*"%s"\s*:\s*(?=\[)' % member.encode()).match(body, start)
    if body.count(b",") <= _QUICK_COMMAS:
        try:
            found = msgspec.json.decode(memoryview(body)[start:], type=_list_type(member))
            return [(place, memoryview(item)) for place, item in enumerate(found.items, 1)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    if begin is None or member == "items":
        return None
    # A list of known name that is broken somewhere: every other item of it is found all the same.
    pieces = list(_bounded(_scanned(body, begin.end(), in_array=True)))
    return pieces[:-1] if pieces and bytes(pieces[-1][1][:1]) in b"}," else pieces


@cache
def _list_type(member: str) -> Any:
    if member == "items":
        return _KindList
    return msgspec.defstruct("_NamedList", [("items", list[msgspec.Raw], msgspec.field(name=member))])


def _quick(body: bytes, start: int) -> list[Piece] | None:
    """The items of an array that can be read as a whole; None if it cannot, or may have too many."""
    if body.count(b",") > _QUICK_COMMAS:
        return None
    try:
        items = msgspec.json.decode(memoryview(body)[start:], type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return [(place, memoryview(item)) for place, item in enumerate(items, 1)]


def _lines(body: bytes, start: int, first: int) -> Iterator[Piece] | list[Piece]:
    """One item a line; empty lines are none, but count."""
    if body.count(b"\n") > MAX_ITEMS:
        # Most may be empty: they are not held all at once.
        return _scanned_lines(body, start, first)
    first += body.count(b"\n", 0, start)
    lines = (body[start:] if start else body).split(b"\n")
    return [(place, item) for place, line in enumerate(lines, first) if (item := line.strip())]


def _scanned_lines(body: bytes, start: int, first: int) -> Iterator[Piece]:
    place, counted = first, 0  # what was skipped may have been empty lines
    for found in _LINE.finditer(body, start):
        place += body.count(b"\n", counted, found.start())
        counted = found.start()
        yield place, found[0].rstrip()


def _scanned(body: bytes, start: int, *, in_array: bool) -> Iterator[Piece]:
    """The parts between an array's commas, or values one after the other, by brackets alone."""
    base = int(in_array)
    depth, begin, place = base, start + base, 0
    for mark in _MARK.finditer(body, begin):
        char = mark[0]
        if char in (b"{", b"["):
            depth += 1
        elif char in (b"}", b"]"):
            depth -= 1
            if depth < base and char == b"]" and in_array:
                if item := body[begin : mark.start()].strip():
                    place += 1
                    yield place, item
                begin, in_array, base, depth = mark.end(), False, 0, 0
                continue
            depth = max(depth, base)
            if depth == 0 and not in_array:
                place += 1
                yield place, body[begin : mark.end()].strip()
                begin = mark.end()
        elif char == b"," and depth == base and in_array:
            place += 1
            yield place, body[begin : mark.start()].strip()
            begin = mark.end()
    if rest := body[begin:].strip():
        yield place + 1, rest


def _bounded(pieces: Iterator[Piece] | list[Piece]) -> list[Piece]:
    if isinstance(pieces, list) and len(pieces) <= MAX_ITEMS:
        return pieces
    found: list[Piece] = []
    for piece in pieces:
        if len(found) >= MAX_ITEMS:
            raise TooLarge(
                f"the delivery has more than {MAX_ITEMS} items", hint="send it in several; nothing was stored"
            )
        found.append(piece)
    return found
