"""The decoding pass: what hides behind URL-encoding, escapes, base64 and hex is scanned too.

Its triggers know what encoded text looks like, so identifiers and hashes do not wake it: a byte of
printable ASCII has its high bit clear and is 0x20 or more, which fixes most letters of its group in
base64, and the first digit of its pair in hex.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

import msgspec

_GROUP = r"[I-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_\-]"
BASE64_TRIGGER = f"(?:{_GROUP}){{3}}"
HEX_TRIGGER = r"(?:[2-7][0-9A-Fa-f]){8}"
ESCAPE_TRIGGERS = (
    r"%[0-9A-Fa-f]{2}",
    r"\\u[0-9A-Fa-f]{4}",
    r"\\x[0-9A-Fa-f]{2}",
    r"&#(?:[xX][0-9A-Fa-f]{2,5}|[0-9]{2,6});",
)

_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_HEX_RUN = re.compile(r"[0-9A-Fa-f]+")
_ESCAPE = re.compile(
    r"%([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#[xX]([0-9A-Fa-f]{2,5});|&#(\d{2,6});"
)
_LONGEST_RUN = 1 << 18


class Decoded(msgspec.Struct, frozen=True):
    """A decoded text, and where it came from: groups of `bytes_in` bytes written as `letters` letters,
    or, where `spans` is given, each character's own span."""

    text: str
    start: int
    end: int
    letters: int = 1
    bytes_in: int = 1
    spans: list[tuple[int, int]] = []

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source behind a span of the decoded text, whole groups."""
        if self.spans:
            return self.spans[start][0], self.spans[end - 1][1]
        if not self.text.isascii():
            start, end = (len(self.text[:place].encode("utf-8", "replace")) for place in (start, end))
        first, last = start // self.bytes_in, -(-end // self.bytes_in)
        stop = self.start + last * self.letters
        # The padding belongs to the value it pads.
        return self.start + first * self.letters, self.end if stop + 2 >= self.end else min(stop, self.end)


def unescaped(text: str, start: int, end: int) -> Decoded | None:
    """The part of a text from `start` to `end` with its escapes resolved, or None if it has none."""
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    done = start
    for run in _escape_runs(text, start, end):
        pieces.append(text[done : run[0].start()])
        spans.extend((place, place + 1) for place in range(done, run[0].start()))
        for letter, span in _letters(run):
            pieces.append(letter)
            spans.append(span)
        done = run[-1].end()
    if not pieces:
        return None
    pieces.append(text[done:end])
    spans.extend((place, place + 1) for place in range(done, end))
    return Decoded("".join(pieces), start, end, spans=spans)


def _escape_runs(text: str, start: int, end: int) -> Iterator[list[re.Match[str]]]:
    """Neighbouring escapes together, so that UTF-8 bytes written one by one become characters."""
    run: list[re.Match[str]] = []
    for match in _ESCAPE.finditer(text, start, end):
        if run and match.start() != run[-1].end():
            yield run
            run = []
        run.append(match)
    if run:
        yield run


def _letters(run: list[re.Match[str]]) -> Iterator[tuple[str, tuple[int, int]]]:
    index = 0
    while index < len(run):
        match, taken = run[index], 1
        if match[1] or match[3]:
            letter, taken = _utf8(run[index : index + 4])
        else:
            letter = _character(int(match[2] or match[4] or match[5], 10 if match[5] else 16))
        yield letter, (match.start(), run[index + taken - 1].end())
        index += taken


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _utf8(run: list[re.Match[str]]) -> tuple[str, int]:
    octets = bytes(int(match[1] or match[3], 16) for match in run if match[1] or match[3])
    for size in range(1, len(octets) + 1):
        try:
            return octets[:size].decode("utf-8"), size
        except UnicodeDecodeError:
            continue
    return chr(octets[0]), 1


def base64_around(text: str, end: int) -> Decoded | None:
    """The run of base64 around a hit of `BASE64_TRIGGER`, read in the hit's alignment."""
    start = _run_start(text, end - 12, _BASE64_LETTERS)
    run = _BASE64_RUN.match(text, start)
    if run is None:
        return None
    start += (end - start) % 4
    letters = text[start : run.end()].rstrip("=").replace("-", "+").replace("_", "/")
    # One letter over says nothing; it stays outside.
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        octets = base64.b64decode(letters + "=" * (-len(letters) % 4))
    except (ValueError, binascii.Error):
        return None
    return Decoded(_printable(octets), start, run.end(), letters=4, bytes_in=3)


def hex_around(text: str, end: int) -> Decoded | None:
    """The run of hex digits around a hit of `HEX_TRIGGER`, read in the hit's alignment."""
    start = _run_start(text, end - 16, _HEX_DIGITS)
    run = _HEX_RUN.match(text, start)
    if run is None:
        return None
    start += (end - start) % 2
    stop = run.end() - (run.end() - start) % 2
    return Decoded(_printable(bytes.fromhex(text[start:stop])), start, stop, letters=2)


_BASE64_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def _run_start(text: str, inside: int, letters: frozenset[str]) -> int:
    low = max(0, inside - _LONGEST_RUN)
    while inside > low and text[inside - 1] in letters:
        inside -= 1
    return inside


def _printable(octets: bytes) -> str:
    """The bytes as text; what is no UTF-8 byte for byte, so that groups can be counted."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        # A cut character must not hide its neighbours, and one byte must stay one byte.
        return octets.decode("ascii", "replace").replace("\ufffd", "\x1a")
