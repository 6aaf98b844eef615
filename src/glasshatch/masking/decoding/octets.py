"""Bytes written one by one: `616c6963`, `61:6c:69:63`, `616c 6963`, `0x61, 0x6c`, `[97, 108, 105, 99]`.

The first digit of a pair is 2 to 7 in printable ASCII; a hash keeps to that over eight pairs once in
two thousand times, and what it then decodes to holds no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .budget import Budget
from .runs import run_start
from .sources import Run

_PAIR = "[2-7][0-9A-Fa-f]"
TRIGGERS = (
    f"(?:{_PAIR}){{7}}",
    f"(?:{_PAIR}[ :,.-]){{7}}",
    f"(?:{_PAIR}{_PAIR} ){{4}}",
    f"(?:0x{_PAIR}, ?){{5}}",
    f"(?:0x{_PAIR} ){{5}}",
    r"(?:(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]), ?){7}",
)
_PLAIN, _DECIMAL = 0, 5
_DIGITS = "0123456789abcdefABCDEF"
_HEX_RUN = re.compile(r"[0-9A-Fa-f]+")
_SPACED = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2}(?:[ ]{0,2}[:,.-]?[ ]{0,2}|\Z))+")
_NUMBERS = re.compile(r"(?:\d{1,3}(?:[ ]?,[ ]?|(?!\d)))+")
_ONE_PAIR = re.compile(r"(?:0x)?([0-9A-Fa-f]{2})")
_ONE_NUMBER = re.compile(r"\d+")


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Run]:
    """The bytes behind the runs that were hit, each run once for each alignment."""
    done: dict[tuple[int, int], int] = {}
    for number, end in hits:
        key = (number, end % 2 if number == _PLAIN else 0)
        if end <= done.get(key, 0):
            continue
        if number == _PLAIN:
            run, done[key] = hex_around(text, end)
        else:
            run, done[key] = _listed(text, end, number == _DECIMAL)
        if run is not None:
            yield run


def hex_around(text: str, end: int) -> tuple[Run | None, int]:
    """The run of hex digits around a place, read in pairs that end there; and where it ends."""
    octets, start, stop = octets_around(text, end)
    prefix = 2 * (text[max(0, start - 2) : start] in ("0x", "0X"))
    return Run(
        octets, lambda pair: (start + 2 * pair - prefix * (pair == 0), start + 2 * pair + 2), stop, 1
    ), stop


def octets_around(text: str, end: int) -> tuple[bytes, int, int]:
    """The bytes of the run of hex digits around a place, where they start, and where they end."""
    start = run_start(text, end, _DIGITS)
    match = _HEX_RUN.match(text, start)
    stop = match.end() if match else end
    start += (end - start) % 2
    last = stop - (stop - start) % 2
    return bytes.fromhex(text[start:last]), start, last


def _listed(text: str, end: int, decimal: bool) -> tuple[Run | None, int]:
    """Pairs or numbers with something between them."""
    start = run_start(text, end, "0123456789, " if decimal else _DIGITS + "x :,.-")
    pattern, one = (_NUMBERS, _ONE_NUMBER) if decimal else (_SPACED, _ONE_PAIR)
    for run in pattern.finditer(text, start):
        if run.end() < end - 1:
            continue
        written = [
            (match[0] if decimal else match[1], match.span()) for match in one.finditer(text, *run.span())
        ]
        values = [int(digits, 10 if decimal else 16) for digits, _ in written]
        if not values or max(values) > 255:
            return None, run.end()
        return Run(bytes(values), [span for _, span in written].__getitem__, written[-1][1][1], 1), max(
            run.end(), end
        )
    return None, end
