"""A decoded text and the way back: which characters of the source wrote which of the decoded."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

Placed = tuple[int, int, Any, str]
"""Start and end in the decoded text, the detector, and the value."""

LONGEST_TOKEN = 2_048
LEAST_TEXT = 8
"""Fewer readable characters in a row are chance: pictures and keys have some in every kilobyte."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


class Source(Protocol):
    """Something decoded."""

    text: str

    def place(self, found: Sequence[Placed]) -> Iterator[Placed]:
        """The findings with their spans in the source."""
        ...


class Pieces:
    """A text in which pieces of the source were replaced; the spans are exactly what encodes a value."""

    def __init__(self, start: int) -> None:
        self.text = ""
        self._parts: list[str] = []
        self._size = 0
        self.start = self._source = start
        self._starts: list[int] = []  # in the decoded text, of each replaced piece
        self._spans: list[tuple[int, int]] = []  # of the same in the source
        self._sizes: list[int] = []

    def keep(self, text: str, end: int) -> None:
        """Take the source up to `end` as it is."""
        end = max(end, self._source)
        self._parts.append(text[self._source : end])
        self._size += end - self._source
        self._source = end

    def replace(self, end: int, letters: str) -> None:
        """Take `letters` for the source up to `end`; of several letters each is as long as the others."""
        self._starts.append(self._size)
        self._spans.append((self._source, end))
        self._sizes.append(len(letters))
        self._parts.append(letters)
        self._size += len(letters)
        self._source = end

    def finish(self, text: str, end: int) -> Pieces:
        """Take the rest up to `end`."""
        self.keep(text, end)
        self.text = "".join(self._parts)
        return self

    def place(self, found: Sequence[Placed]) -> Iterator[Placed]:
        for start, end, detector, value in found:
            yield self._span(start)[0], self._span(end - 1)[1], detector, value

    def cuts(self, start: int) -> bool:
        """Whether a place in the source is inside something that stands for one character."""
        place = bisect_right(self._spans, (start,)) - 1
        if place < 0 or not self._spans[place][0] < start < self._spans[place][1]:
            return False
        step = self._step(place)
        return (start - self._spans[place][0]) % step != 0

    def _step(self, index: int) -> int:
        """How long each letter of a replaced piece is in the source."""
        start, end = self._spans[index]
        return (end - start) // max(self._sizes[index], 1)

    def _span(self, place: int) -> tuple[int, int]:
        """The source of one character."""
        index = bisect_right(self._starts, place) - 1
        if index < 0:
            return self.start + place, self.start + place + 1
        behind = place - self._starts[index]
        if behind < self._sizes[index]:
            first, step = self._spans[index][0], self._step(index)
            return first + behind * step, first + (behind + 1) * step
        at = self._spans[index][1] + behind - self._sizes[index]
        return at, at + 1


class Letters:
    """The letters of a run, which may go over several lines, by number."""

    def __init__(self, lines: Sequence[tuple[int, int]]) -> None:
        self._lines = lines
        self._first = [0, *accumulate(end - start for start, end in lines)]

    def place(self, number: int) -> int:
        """Where a letter stands in the source."""
        line = min(bisect_right(self._first, number), len(self._lines)) - 1
        return self._lines[line][0] + number - self._first[line]

    def number(self, place: int) -> int:
        """The number of the letter that stands at a place."""
        line = max(bisect_right(self._lines, (place, sys.maxsize)) - 1, 0)
        return self._first[line] + place - self._lines[line][0]


class Run:
    """A run of letters that writes bytes in groups, as base64 does: 4 letters for 3 bytes.

    One value in it stands for the whole of the run that is readable, because a run with a hole is read
    by nobody; of several values each has its own groups.
    """

    def __init__(self, octets: bytes, spans: Callable[[int], tuple[int, int]], end: int, group: int) -> None:
        """`spans` tells the source of each group of `group` bytes; `end` is behind run and padding."""
        self._spans = spans
        self._groups = -(-len(octets) // group)
        self._end = end
        self._group = group
        self._wide = _looks_wide(octets)
        self.text = _wide_text(octets, self._wide) if self._wide else narrow_text(octets)

    def place(self, found: Sequence[Placed]) -> Iterator[Placed]:
        if not self._wide and "\x1a" in self.text:
            found = [one for one in found if self._among_text(one[0], one[1])]
        if len(found) == 1:
            ((start, end, detector, value),) = found
            low, high = self._readable(start, end)
            yield (
                *(self._span(low, high) if high - low <= LONGEST_TOKEN else self._span(start, end)),
                detector,
                value,
            )
            return
        done = 0
        for start, end, detector, value in found:
            first, last = self._span(start, end)
            # Neighbours may share a group; each letter is said once.
            first = max(first, done)
            if first < last:
                yield first, last, detector, value
                done = last

    def _among_text(self, start: int, end: int) -> bool:
        """Whether a value in binary data stands in a piece of text, and is no play of chance."""
        low, high = self._readable(start, end)
        return high - low >= LEAST_TEXT

    def _readable(self, start: int, end: int) -> tuple[int, int]:
        low = max((match.end() for match in _UNPRINTABLE.finditer(self.text, 0, start)), default=0)
        match = _UNPRINTABLE.search(self.text, end)
        return low, match.start() if match else len(self.text)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        if self._wide:
            start, end = start * 2, end * 2
        elif not self.text.isascii():
            start, end = (len(self.text[:place].encode("utf-8", "replace")) for place in (start, end))
        last = -(-end // self._group)
        stop = self._end if last >= self._groups else self._spans(last - 1)[1]
        return self._spans(start // self._group)[0], stop


def _looks_wide(octets: bytes) -> str:
    """The UTF-16 that every other byte being zero gives away, or nothing."""
    if len(octets) >= 8:
        half = len(octets) // 2
        if octets[1::2].count(0) > half * 3 // 4:
            return "utf-16-le"
        if octets[0::2].count(0) > half * 3 // 4:
            return "utf-16-be"
    return ""


def _wide_text(octets: bytes, encoding: str) -> str:
    # Unit by unit, so that two bytes stay one character, half pairs included.
    text = octets[: len(octets) & ~1].decode(encoding, "surrogatepass" if len(octets) < 2 else "replace")
    return text if len(text) == len(octets) // 2 else octets[encoding == "utf-16-be" :: 2].decode("latin-1")


def narrow_text(octets: bytes) -> str:
    """The bytes as text; what is no UTF-8 byte for byte, so that groups can be counted."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        # A cut character must not hide its neighbours, and one byte must stay one byte.
        return octets.translate(_READABLE).decode("ascii")


_READABLE = bytes(octet if 0x20 <= octet < 0x7F or octet in b"\t\n\r" else 0x1A for octet in range(256))
"""Of bytes that are no text, what can be read; the rest wakes nothing."""
