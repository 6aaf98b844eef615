"""Quoted-printable (RFC 2045 section 6.7): `=40`, and lines that go on behind a `=` at their end.

`key=40` is no escape, so only what cannot be an assignment wakes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .budget import Budget
from .escapes import AROUND, regions
from .sources import Pieces

TRIGGERS = (
    r"=40[A-Za-z]",
    r"=20[0-9A-Z]{2,6}=20",
    r"=2B[0-9]",
    r"=2D[0-9A-Za-z]",
    r"=2E[0-9A-Za-z]",
    r"=3A[0-9A-Fa-f=]",
    r"=5F[0-9A-Za-z]",
    r"(?:=[0-9A-F]{2}){3}",
    r"=3D[^\x00 ]",
    r"=\r?\n",
)
_FULL = 60
"""Lines are broken near the 76th character; a shorter one that ends with `=` ends with padding."""
_HEADER = re.compile(r"[<>]? ?[A-Za-z][A-Za-z-]{1,40}: ")
_QUOTED = re.compile(r"((?:=[0-9A-F]{2})+)|=\r?\n")


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Pieces]:
    """What stands around the hits, read as quoted-printable."""
    for low, high in regions(text, [end for _, end in hits], AROUND):
        pieces = Pieces(low)
        for match in _QUOTED.finditer(text, low, high):
            if not _goes_on(text, match) if match[1] is None else _assigned(text, match):
                continue
            pieces.keep(text, match.start())
            if match[1] is None:
                pieces.replace(match.end(), "")
            else:
                _replace(pieces, match)
        yield pieces.finish(text, high)


def _goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether a `=` at the end of a line says that the line goes on, and does not end a run of base64."""
    return end.start() - text.rfind("\n", 0, end.start()) > _FULL and not _HEADER.match(text, end.end())


def _assigned(text: str, escape: re.Match[str]) -> bool:
    """Whether what looks like an escape is a value behind its name: `m=4800`; digits need no escape."""
    alone = len(escape[1]) == 3 and chr(int(escape[1][1:], 16)).isalnum()
    return alone and text[escape.start() - 1 : escape.start()].isalpha()


def _replace(pieces: Pieces, match: re.Match[str]) -> None:
    octets, end = bytes.fromhex(match[1].replace("=", "")), match.start()
    try:
        letters = octets.decode("utf-8")
    except UnicodeDecodeError:
        letters = octets.decode("latin-1")
        for letter in letters:
            end += 3
            pieces.replace(end, letter)
        return
    for letter in letters:
        end += 3 * len(letter.encode())
        pieces.replace(end, letter)
