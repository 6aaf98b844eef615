"""The row kernel in Python: reads batches of PostgreSQL DataRows and replaces cells by a memo.

What runs where the compiled kernel cannot be built, and the oracle that it is tested against: both give
the same bytes, the same counts and the same errors for the same input.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

FORMAT = 3
"""Changes with the interface; a compiled kernel of another format is not used."""

_NULL = b"\xff\xff\xff\xff"
_HEADER = struct.Struct(">BIH")
_LENGTH = struct.Struct(">I")
_ABSENT = 0xFFFFFFFF

Memo = dict[bytes, bytes | bool | None]
"""What is shown for a value: bytes, None for NULL, True for the value itself. False: not known yet."""


def run_of(data: bytes, position: int, tag: int, limit: int) -> tuple[int, int]:
    """End and number of the whole messages with a tag that follow each other from a position.

    Stops before the first that is incomplete, of another tag, impossible, or longer than `limit`.
    """
    size, count = len(data), 0
    while size - position >= 5 and data[position] == tag:
        (length,) = _LENGTH.unpack_from(data, position + 1)
        if length < 4 or length + 1 > limit or length + 1 > size - position:
            break
        position += length + 1
        count += 1
    return position, count


class Splicer:
    """One answer's cells to be replaced.

    `unseen` says which values have no entry in their column's memo yet; the caller writes them; then
    `splice` rewrites the same rows. A value that still has none becomes NULL, never itself.
    Counts grow with each call of `splice`: `rows`, `clear` (cells that are not NULL in the `clear`
    columns), and for each touched column `seen` (cells not NULL) and `changed`.

    Args:
        width: Number of columns; a row of another width raises.
        indexes: The touched columns, in any order.
        memos: For each of them its memo, or None if all its cells become NULL.
        clear: Columns that are only counted.
    """

    def __init__(
        self, width: int, indexes: Sequence[int], memos: Sequence[Memo | None], clear: Iterable[int] = ()
    ) -> None:
        if not 0 <= width <= 32767:
            raise ValueError("a row of an impossible width")
        clear = tuple(clear)
        if len(indexes) > len(memos) or not all(0 <= index < width for index in (*indexes, *clear)):
            raise ValueError("a column beyond the row")
        self._width = width
        self._memos = list(memos)
        self._slots: dict[int, int] = dict.fromkeys(clear, -2)
        self._slots.update({index: slot for slot, index in enumerate(indexes)})
        self._looked_at = 0
        self.rows = self.clear = 0
        self.seen = [0] * len(self._memos)
        self.changed = [0] * len(self._memos)

    def unseen(self, data: bytes, start: int, end: int) -> list[list[bytes]]:
        """For each touched column the values without an entry, once each; they get the entry False.

        Raises:
            ValueError: The span does not hold whole rows of this width.
        """
        missing: list[list[bytes]] = [[] for _ in self._memos]
        looked_at = 0
        for _, _, cells in self._rows(data, start, end):
            for slot, position, length in cells:
                memo = self._memos[slot] if slot >= 0 else None
                if memo is None:
                    continue
                looked_at += 1
                value = data[position : position + length]
                if value not in memo:
                    memo[value] = False
                    missing[slot].append(value)
        self._looked_at = looked_at
        return missing

    def splice(self, data: bytes, start: int, end: int) -> bytes:
        """The rows as they may be shown.

        Raises:
            ValueError: The span does not hold whole rows of this width, or was not looked at before.
        """
        parts: list[bytes] = []
        for row_start, row_end, cells in self._rows(data, start, end):
            parts.append(self._row(data, row_start, row_end, cells))
            self.rows += 1
        self._looked_at = 0
        return b"".join(parts)

    def values(self, data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Each cell that is not NULL: its touched column, by its place among them, and its value."""
        for _, _, cells in self._rows(data, start, end):
            for slot, position, length in cells:
                if slot >= 0:
                    yield slot, data[position : position + length]

    def _row(self, data: bytes, start: int, end: int, cells: list[tuple[int, int, int]]) -> bytes:
        parts, copied = [], start + 5
        for slot, position, length in cells:
            if slot == -2:
                self.clear += 1
                continue
            self.seen[slot] += 1
            shown = self._shown(slot, data[position : position + length])
            if shown is True:
                continue
            self.changed[slot] += 1
            parts.append(data[copied : position - 4])
            parts.append(_LENGTH.pack(len(shown)) + shown if isinstance(shown, bytes) else _NULL)
            copied = position + length
        if not parts:
            return data[start:end]
        parts.append(data[copied:end])
        body = b"".join(parts)
        return data[start : start + 1] + _LENGTH.pack(len(body) + 4) + body

    def _shown(self, slot: int, value: bytes) -> bytes | bool | None:
        memo = self._memos[slot]
        if memo is None:
            return None
        if not self._looked_at:
            raise ValueError("rows that were not looked at before")
        self._looked_at -= 1
        return memo.get(value)

    def _rows(
        self, data: bytes, start: int, end: int
    ) -> Iterable[tuple[int, int, list[tuple[int, int, int]]]]:
        """Start and end of each row, and slot, position and length of its cells that are not NULL."""
        if start < 0 or end > len(data):
            raise ValueError("a row beyond the data")
        position = start
        while position < end:
            if end - position < 7:
                raise ValueError("a malformed row")
            _, length, width = _HEADER.unpack_from(data, position)
            row_end = position + 1 + length
            if length < 6 or row_end > end:
                raise ValueError("a malformed row")
            if width != self._width:
                raise ValueError("a row of another width than was described")
            yield position, row_end, self._cells(data, position + 7, row_end)
            position = row_end

    def _cells(self, data: bytes, position: int, row_end: int) -> list[tuple[int, int, int]]:
        cells, unpack = [], _LENGTH.unpack_from
        slots = self._slots
        for index in range(self._width):
            if row_end - position < 4:
                raise ValueError("a malformed row")
            (length,) = unpack(data, position)
            position += 4
            if length == _ABSENT:
                continue
            if length > row_end - position:
                raise ValueError("a malformed row")
            if index in slots:
                cells.append((slots[index], position, length))
            position += length
        if position != row_end:
            raise ValueError("a malformed row")
        return cells
