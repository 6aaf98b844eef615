"""Compressed text: gzip (RFC 1952) and zlib (RFC 1950), written in base64 or hex.

A run is told by its first letters. Whatever is found in it stands for the whole run. A bomb is not
unpacked further than the scan's budget, and then the text counts as not scanned.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from .budget import Budget
from .octets import octets_around
from .runs import letters_around, octets_of
from .sources import Placed, narrow_text

_LETTER = r"[A-Za-z0-9+/_\-]"
TRIGGERS = (
    rf"H4sI[A-P]{_LETTER}{{9}}",
    *(rf"{head}{_LETTER}{{11}}" for head in ("eJ[w-z]", "eA[E-H]", "eN[o-r]", "eF[4-7]")),
    r"1[fF]8[bB]08[0-9A-Fa-f]{14}",
    r"78(?:01|5[eE]|9[cC]|[dD][aA])[0-9A-Fa-f]{16}",
)
_STARTS = (14, 14, 14, 14, 14, 20, 20)
"""How far before its end each trigger's hit begins."""
_HEX = 5
_MOST = 1 << 20
_INSIDE = re.compile("[A-Za-z0-9+]")
"""What stands before a run only if the run began before."""


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Unpacked]:
    """What the runs that were hit hold when they are unpacked."""
    done = 0
    for number, end in hits:
        start = end - _STARTS[number]
        if start < done or _INSIDE.match(text, start - 1):
            continue
        octets, stop = _of_hex(text, start) if number >= _HEX else _of_base64(text, start)
        unpacked = _inflated(octets) if octets else b""
        if unpacked:
            done = stop
            yield Unpacked(unpacked, start, stop)


def _of_hex(text: str, start: int) -> tuple[bytes, int]:
    octets, first, stop = octets_around(text, start + 20)
    return octets[(start - first) // 2 :], stop


def _of_base64(text: str, start: int) -> tuple[bytes, int]:
    lines = letters_around(text, start + 14, start)
    lines = [(max(first, start), last) for first, last in lines if last > start]
    found = octets_of(text, lines, start)
    if found is None:
        return b"", start
    stop = lines[-1][1]
    while stop < len(text) and text[stop] == "=":
        stop += 1
    return found[0], stop


def _inflated(octets: bytes) -> bytes:
    """The unpacked bytes, also of a stream that is cut off; nothing if it is none.

    Raises:
        OverflowError: There are more than can be looked at.
    """
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
    out = b""
    try:
        out = stream.decompress(octets, _MOST + 1)
    except zlib.error:
        # Byte by byte up to the damage: what can be read there can be read by others too.
        out = _before_damage(octets)
    if len(out) > _MOST:
        raise OverflowError("compressed text that grows beyond what can be scanned")
    return out


def _before_damage(octets: bytes) -> bytes:
    stream, out = zlib.decompressobj(zlib.MAX_WBITS | 32), bytearray()
    for start in range(0, len(octets), 64):
        try:
            out += stream.decompress(octets[start : start + 64], _MOST + 1 - len(out))
        except zlib.error:
            break
        if len(out) > _MOST or stream.unconsumed_tail:
            break
    return bytes(out)


class Unpacked:
    """An unpacked text. A value in it is spread over the run, so the whole run is its span."""

    def __init__(self, octets: bytes, start: int, end: int) -> None:
        self.text = narrow_text(octets)
        self._span = (start, end)

    def place(self, found: Sequence[Placed]) -> Iterator[Placed]:
        if found:
            surest = max(found, key=lambda one: float(one[2].confidence))
            yield *self._span, surest[2], surest[3]
