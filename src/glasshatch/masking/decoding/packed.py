"""Compressed text: gzip (RFC 1952), zlib (RFC 1950), bzip2, xz and zstd (RFC 8878), written in base64 or hex.

A run is told by its first letters. Whatever is found in it stands for the whole run. A bomb is not
unpacked further than the scan's budget, and then the text counts as not scanned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from .budget import Budget
from .octets import octets_around
from .runs import letters_around, octets_of
from .sources import Letters, Placed, narrow_text
from .unpacking import unpacked

_LETTER = r"[A-Za-z0-9+/_\-]"
TRIGGERS = (
    rf"H4sI[A-P]{_LETTER}{{9}}",
    *(rf"{head}{_LETTER}{{11}}" for head in ("eJ[w-z]", "eA[E-H]", "eN[o-r]", "eF[4-7]")),
    r"Qlpo[MNO][DTjz]FBWSZT", r"/Td6WFoA", rf"KLUv/{_LETTER}{{9}}",
    rf"(?:[Dd]eflated?|DEFLATE|SAMLRe(?:quest|sponse))(?:\x22| )?[:=][ \x22]{{0,2}}{_LETTER}{{20}}",
    r"1[fF]8[bB]08[0-9A-Fa-f]{14}",
    r"78(?:01|5[eE]|9[cC]|[dD][aA])[0-9A-Fa-f]{16}",
    r"425[aA]683[1-9]3141592653", r"[fF][dD]377[aA]585[aA]00[0-9A-Fa-f]{6}",
    r"28[bB]52[fF][fF][dD][0-9A-Fa-f]{12}",
)  # fmt: skip
_STARTS = (14, 14, 14, 14, 14, 12, 8, 14, 20, 20, 20, 18, 18, 20)
"""How far before its end each trigger's hit begins."""
_HEX, _RAW = 9, 8
_INSIDE = re.compile("[A-Za-z0-9+]")
"""What stands before a run only if the run began before."""


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Unpacked]:
    """What the runs that were hit hold when they are unpacked."""
    done = 0
    for number, end in hits:
        start = end - _STARTS[number]
        if start < done or _INSIDE.match(text, start - 1):
            continue
        octets, stop_of = _of_hex(text, start) if number >= _HEX else _of_base64(text, start)
        # Nothing tells raw DEFLATE but the word before it, so only there it is tried.
        plain, used = unpacked(octets, raw=number == _RAW) if octets else (b"", 0)
        if plain:
            # What stands under a run of base64 looks like more of it: the stream says where it ends.
            done = stop_of(used)
            yield Unpacked(plain, start, done)


def _of_hex(text: str, start: int) -> tuple[bytes, Callable[[int], int]]:
    octets, first, stop = octets_around(text, start + 20)
    octets = octets[(start - first) // 2 :]
    return octets, lambda used: stop if used == len(octets) else min(stop, start + 2 * used)


def _of_base64(text: str, start: int) -> tuple[bytes, Callable[[int], int]]:
    lines = letters_around(text, start + 14, start)
    lines = [(max(first, start), last) for first, last in lines if last > start]
    found = octets_of(text, lines, start)
    if found is None:
        return b"", lambda used: start
    octets, letters = found[0], Letters(lines)

    def stop_of(used: int) -> int:
        stop = lines[-1][1] if used == len(octets) else letters.place(-(-used * 4 // 3) - 1) + 1
        while stop < len(text) and text[stop] == "=":
            stop += 1
        return stop

    return octets, stop_of


class Unpacked:
    """An unpacked text. A value in it is spread over the run, so the whole run is its span."""

    def __init__(self, octets: bytes, start: int, end: int) -> None:
        self.text = narrow_text(octets)
        self._span = (start, end)

    def place(self, found: Sequence[Placed]) -> Iterator[Placed]:
        if found:
            surest = max(found, key=lambda one: float(one[2].confidence))
            yield *self._span, surest[2], surest[3]
