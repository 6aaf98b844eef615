"""Base64 (RFC 4648 sections 4 and 5), at any offset, wrapped over lines, of UTF-8 or UTF-16; and base32.

A byte of printable ASCII has its high bit clear and is 0x20 or more, which fixes most letters of its
group. The triggers begin with an upper-case letter in one of the first places of a group: plain text
is nearly all lower case, and a scan that wakes at each of its letters took five times as long.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence

from .budget import Budget
from .sources import Letters, Run

_ANY = r"[A-Za-z0-9+/_\-]"
_PLACES = ("[I-Za-f]", "[A-HQ-Xg-nw-z0-3]", "[ABEFIJMNQRUVYZcdghklopstwx014589]", _ANY)
_UPPER = ("[I-Z]", "[A-HQ-X]", "[ABEFIJMNQRUVYZ]")
_LETTERS = 10
# UTF-16 of ASCII: every other byte is zero, which writes an A in a fixed place of each second group.
_WIDE_FIRST, _WIDE_NEXT = "[I-Za-f][AQgw][AB][A-Za-z0-9+/]", "A[A-H][AEIMQUYcgkosw048]A"
_BASE32 = "[E-P][ABEFIJMNQRUVYZ45][A-Z2-7][C-HS-X][ACEGIKMOQSUWY246][I-Z2-7][BCDJKLRSTZ23][A-Z2-7]"

TRIGGERS = (
    *(
        _UPPER[place] + "".join(_PLACES[(place + step) % 4] for step in range(1, _LETTERS))
        for place in range(3)
    ),
    f"(?:{_WIDE_FIRST}{_WIDE_NEXT}){{2}}",
    f"(?:{_BASE32}){{2}}",
)
_WIDE_TRIGGER, _BASE32_TRIGGER = 3, 4

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_BASE32_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BREAK = r"(?:\r?\n|\\{1,4}r\\{1,4}n|\\{1,4}n)[ \t]{0,16}"
_LINES = re.compile(rf"[A-Za-z0-9+/_-]+(?:(?<=[A-Za-z0-9+/]{{32}}){_BREAK}[A-Za-z0-9+/]+)*")
_BREAKS = re.compile(_BREAK)
_BREAK_BEFORE = re.compile(rf"(?:{_BREAK})\Z")
_BASE32_RUN = re.compile(r"[A-Z2-7]+")
_PADDING = re.compile(r"={0,6}")
_WIDE_GROUPS = re.compile(_WIDE_FIRST + _WIDE_NEXT)
_WIDE_SECOND = re.compile(_WIDE_NEXT)
_LONGEST_RUN = 1 << 18
_LEAST_LINE = 32
_BASE64_GROUP, _BASE32_GROUP = (4, 3), (8, 5)


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Run]:
    """The bytes behind the runs that were hit, each run once for each alignment."""
    done: dict[tuple[int, int], int] = {}
    for number, end in hits:
        if number == _BASE32_TRIGGER:
            if end > done.get((number, 0), 0):
                done[number, 0] = end
                yield from _base32(text, end, done)
            continue
        anchor = _wide_start(text, end - 16) if number == _WIDE_TRIGGER else end - _LETTERS - number
        # A run may be read in several alignments: chance hits in one must not hide another.
        key = (0, anchor % 4)
        if end > done.get(key, 0):
            letters = letters_around(text, end, anchor)
            done[key] = letters[-1][1]
            if number == _WIDE_TRIGGER and len(letters) == 1:
                # Two bytes make a letter: what stands before must not move the pairs.
                letters = [(anchor, letters[0][1])]
            run = decoded(text, letters, anchor, budget)
            if run is not None:
                yield run


def _wide_start(text: str, anchor: int) -> int:
    """Where the UTF-16 begins that has a hit in it."""
    while _WIDE_GROUPS.match(text, anchor - 8) and anchor >= 8:
        anchor -= 8
    # In big-endian order the zero comes first.
    return anchor - 4 if anchor >= 4 and _WIDE_SECOND.match(text, anchor - 4) else anchor


def letters_around(text: str, inside: int, anchor: int) -> list[tuple[int, int]]:
    """The lines of the run of base64 that holds a place, without what lies between them."""
    start = run_start(text, inside, _ALPHABET)
    while (earlier := _line_before(text, start)) is not None:
        start = earlier
    if text[start : start + 1] in ("n", "r") and text[start - 1 : start] == "\\" and start < anchor:
        start += 1
    run = _LINES.match(text, start)
    if run is None:
        return [(start, inside)]
    if text.find("\n", start, run.end()) < 0 and text.find("\\", start, run.end()) < 0:
        return [(start, run.end())]
    lines, place = [], start
    for gap in _BREAKS.finditer(text, start, run.end()):
        lines.append((place, gap.start()))
        place = gap.end()
    return [*lines, (place, run.end())]


def _line_before(text: str, start: int) -> int | None:
    """Where the line above begins, if the run goes on from there."""
    # The letter of a written-out \n looks like one of the run.
    behind = start + (text[start - 1 : start] == "\\" and text[start : start + 1] in ("n", "r"))
    gap = _BREAK_BEFORE.search(text, max(0, start - 24), behind)
    if gap is None:
        return None
    above = run_start(text, gap.start(), _ALPHABET)
    return above if gap.start() - above >= _LEAST_LINE else None


def run_start(text: str, inside: int, letters: str) -> int:
    """Where the run of certain letters that reaches a place begins."""
    low = max(0, inside - 512)
    head = len(text[low:inside].rstrip(letters))
    if head or not low:
        return low + head
    low = max(0, inside - _LONGEST_RUN)
    return low + len(text[low:inside].rstrip(letters))


def decoded(text: str, lines: Sequence[tuple[int, int]], anchor: int, budget: Budget) -> Run | None:
    """The bytes of a run whose groups are aligned with a place in it."""
    octets = octets_of(text, lines, anchor)
    if octets is None:
        return None
    return Run(octets[0], octets[1], _padded(text, lines[-1][1]), _BASE64_GROUP[1])


def octets_of(
    text: str, lines: Sequence[tuple[int, int]], anchor: int
) -> tuple[bytes, Callable[[int], tuple[int, int]]] | None:
    """The bytes, and what tells the source of each group of three."""
    where = Letters(lines)
    lead = where.number(anchor) % 4
    letters = "".join(text[start:end] for start, end in lines)[lead:]
    letters = letters.replace("-", "+").replace("_", "/")
    # One letter over says nothing; it stays outside.
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        octets = base64.b64decode(letters + "=" * (-len(letters) % 4))
    except (ValueError, binascii.Error):
        return None
    return octets, _groups(where, lead, lead + len(letters), 4)


def _groups(where: Letters, lead: int, stop: int, size: int) -> Callable[[int], tuple[int, int]]:
    def span(group: int) -> tuple[int, int]:
        first = lead + group * size
        return where.place(first), where.place(min(first + size, stop) - 1) + 1

    return span


def _padded(text: str, end: int) -> int:
    match = _PADDING.match(text, end)
    return match.end() if match else end


def _base32(text: str, end: int, done: dict[tuple[int, int], int]) -> Iterator[Run]:
    start = run_start(text, end, _BASE32_ALPHABET)
    run = _BASE32_RUN.match(text, start)
    if run is None:
        return
    done[_BASE32_TRIGGER, 0] = run.end()
    start += (end - start) % 8
    letters = text[start : run.end()]
    letters = letters[: len(letters) - (len(letters) % 8 in (1, 3, 6))]
    octets = base64.b32decode(letters + "=" * (-len(letters) % 8))
    groups = _groups(Letters([(start, start + len(letters))]), 0, len(letters), 8)
    yield Run(octets, groups, _padded(text, run.end()), _BASE32_GROUP[1])
