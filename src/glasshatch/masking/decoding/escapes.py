"""Escapes: `%40`, `%2540`, `\\u0040`, `\\x40`, `\\100`, `&#64;`, `&commat;`, terminal colours, the invisible.

A piece of text is read with all of its escapes resolved, whatever their kinds: that is what somebody
who copies it into a browser or a shell would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.entities import html5

from .budget import Budget
from .sources import Pieces

INVISIBLE = "\x1e"
"""What folding makes of zero-width characters and other marks that nobody sees."""

TRIGGERS = (
    r"%[0-9A-Fa-f]{2}",
    r"%u[0-9A-Fa-f]{4}",
    r"\\[uU][0-9A-Fa-f{]",
    r"\\x[0-9A-Fa-f{]",
    r"\\[0-3][0-7]{2}",
    r"\\[nrt][A-Za-z0-9+]",
    r"\\\/",
    r"\\e\[",
    r"&#[xX0-9]",
    r"&[A-Za-z]{2,8};",
    r"\x1b[\[\]()]",
    r"[^\x00]\x08",
    r"[^\x00]\x1e",
    r"[0-9A-Z]{2,4}\+[0-9A-Z]{2,4}\+[0-9A-Z]{2}",
)
AROUND = 320
"""How far the context of an escape reaches; neighbours nearer than that are read together."""

_ESCAPE = re.compile(
    r"((?:%(?!25)[0-9A-Fa-f]{2})+)|%(?:25){0,4}([0-9A-Fa-f]{2})"
    r"|((?:\\x(?!1[bB]\[)[0-9A-Fa-f]{2})+)|((?:\\(?!033\[)[0-3][0-7]{2})+)"
    r"|\\{2,8}(?:x([0-9A-Fa-f]{2})|([0-3][0-7]{2}))(?!\[)"
    r"|%u([0-9A-Fa-f]{4})"
    r"|\\{1,8}(?:u([0-9A-Fa-f]{4})|[ux]\{([0-9A-Fa-f]{1,6})\}|U([0-9A-Fa-f]{8}))(?!\[[0-9;])"
    r"|&(?:amp;){0,4}\#[xX]([0-9A-Fa-f]{2,5});"
    r"|&(?:amp;){0,4}\#(\d{2,6});"
    r"|&(?:amp;){0,4}([A-Za-z]{2,8};)"
    r"|(?<![A-Z0-9]{3})\\{1,8}([nrt])"
    r"|\\{1,8}([/\"'])"
    # From here on nothing is left: colours and titles of a terminal, also written out; a letter taken back.
    r"|(?:\x1b|\\{1,8}(?:x1[bB]|u001[bB]|033|e))\[[0-?]{0,32}[ -/]{0,4}[@-~]"
    r"|\x1b\][^\x00\x07\x1b]{0,512}(?:\x07|\x1b\\)"
    r"|\x1b[()][0-9A-B]"
    r"|\x08|\x1e+|\+"
)
_SPACED = re.compile(r"[0-9A-Z]{2,4}\+[0-9A-Z]{2,4}\+[0-9A-Z]{2}")
_HEAD = re.compile(r"[%\\&\x1b\x1e\x08]")
_FORM_HEAD = re.compile(r"[%\\&\x1b\x1e\x08+]")
_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}
_WRITTEN = re.compile(r"%|\\x?")
_RUN_STEP = {1: 3, 3: 4, 4: 4}
"""How long each escape of a run is, by the group of the run."""
_OCTAL = (4, 6)
_OCTETS = (1, 2, 3, 4, 5, 6)
_HEX = (7, 8, 9, 10, 11)
_DECIMAL, _NAMED, _BLANK = 12, 13, 14


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Pieces]:
    """What stands around the hits, with its escapes resolved."""
    for low, high in regions(text, [end for _, end in hits], AROUND):
        pieces = _resolved(text, low, high, _HEAD)
        if pieces is not None:
            yield pieces
        # In a form a plus sign is a space, unless it is one: there is no telling, so both are read.
        encoded = text.find("%", low, high) >= 0 and text.find("+", low, high) >= 0
        if encoded or _SPACED.search(text, low, high):
            form = _resolved(text, low, high, _FORM_HEAD)
            if form is not None:
                yield form


def regions(text: str, ends: Sequence[int], around: int) -> Iterator[tuple[int, int]]:
    """The parts of the text around hits, merged where they meet, each inside one text of the batch."""
    low = high = -1
    for end in ends:
        if end <= high - around // 2 and low >= 0:
            continue
        first = max(text.rfind("\0", max(0, end - around), end - 1) + 1, end - around, 0)
        cut = text.find("\0", end - 1, end + around)
        last = cut if cut >= 0 else min(end + around, len(text))
        if first < high:
            high = max(high, last)
            continue
        if low >= 0:
            yield low, high
        low, high = first, last
    if low >= 0:
        yield low, high


def _resolved(text: str, start: int, end: int, head: re.Pattern[str]) -> Pieces | None:
    pieces, seen = Pieces(start), False
    run: list[re.Match[str]] = []
    for match in _escapes(text, start, end, head):
        # Neighbouring bytes together, so that UTF-8 written byte by byte becomes characters.
        if run and not (match.start() == run[-1].end() and match.lastindex in _OCTETS):
            _replace_octets(pieces, text, run)
            run = []
        if match.lastindex in _OCTETS:
            run.append(match)
            seen = True
        else:
            letters = _letter(match)
            if letters is not None:
                # A letter that was taken back goes with what took it.
                pieces.keep(text, match.start() - (match[0] == "\b"))
                pieces.replace(match.end(), letters)
                seen = True
    if run:
        _replace_octets(pieces, text, run)
    return pieces.finish(text, end) if seen else None


def _escapes(text: str, start: int, end: int, head: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Every escape in order. Looking for a head first is what makes plain text between them cheap."""
    place = head.search(text, start, end)
    while place is not None:
        match = _ESCAPE.match(text, place.start(), end)
        if match is not None:
            yield match
        place = head.search(text, match.end() if match else place.end(), end)


def _replace_octets(pieces: Pieces, text: str, run: Sequence[re.Match[str]]) -> None:
    pieces.keep(text, run[0].start())
    octets, ends = bytearray(), list[int]()
    for match in run:
        group = match.lastindex or 0
        written = _WRITTEN.sub(" ", match[group]).split()
        octets += bytes(int(digits, 8 if group in _OCTAL else 16) for digits in written)
        step = _RUN_STEP.get(group, match.end() - match.start())
        ends += range(match.start() + step, match.end() + 1, step)
    if len(run) == 1 and octets.isascii():
        pieces.replace(ends[-1], octets.decode())
        return
    index = 0
    while index < len(octets):
        letter, taken = (
            (chr(octets[index]), 1) if octets[index] < 0x80 else _utf8(bytes(octets[index : index + 4]))
        )
        index += taken
        pieces.replace(ends[index - 1], letter)


def _utf8(octets: bytes) -> tuple[str, int]:
    for size in range(2, len(octets) + 1):
        try:
            return octets[:size].decode("utf-8"), size
        except UnicodeDecodeError:
            continue
    return chr(octets[0]), 1


def _letter(match: re.Match[str]) -> str | None:
    """What one escape stands for; None if it is none after all."""
    group = match.lastindex
    if group is None:
        return " " if match[0] == "+" else ""
    written = match[group]
    if group in _HEX:
        return _character(int(written, 16))
    if group == _DECIMAL:
        return _character(int(written))
    if group == _NAMED:
        return html5.get(written)
    return _BLANKS[written] if group == _BLANK else written


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
