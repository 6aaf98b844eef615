"""The decoding pass: what hides behind URL-encoding, escapes, base64 and hex is scanned too."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

import msgspec

RUN_TRIGGER = r"[A-Za-z0-9+/_\-]{16}[^A-Za-z0-9+/_\-]"
ESCAPE_TRIGGERS = (r"%[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"\\x[0-9a-f]{2}", r"&#x?[0-9a-f]{2,5};")

_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,}")
_ESCAPE = re.compile(
    r"%([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{2,5});|&#(\d{2,6});"
)
_LONGEST_RUN = 65_536


class Decoded(msgspec.Struct, frozen=True):
    """A decoded text, and where each of its characters came from.

    `starts` and `ends` give the source span of every character; when both are empty, the text came
    from one run as a whole, and any finding in it stands for `start` to `end`.
    """

    text: str
    start: int
    end: int
    starts: list[int] = []
    ends: list[int] = []

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source behind a span of the decoded text."""
        if not self.starts:
            return self.start, self.end
        return self.starts[start], self.ends[end - 1]


def unescaped(text: str, start: int, end: int) -> Decoded | None:
    """The part of a text from `start` to `end` with its escapes resolved, or None if it has none."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = start

    def plain(until: int) -> None:
        pieces.append(text[last:until])
        starts.extend(range(last, until))
        ends.extend(range(last + 1, until + 1))

    for run in _escape_runs(text, start, end):
        plain(run[0][1])
        for letter, begin, stop in run:
            pieces.append(letter)
            starts.append(begin)
            ends.append(stop)
        last = run[-1][2]
    if last == start:
        return None
    plain(end)
    return Decoded("".join(pieces), start, end, starts, ends)


def _escape_runs(text: str, start: int, end: int) -> Iterator[list[tuple[str, int, int]]]:
    """Neighbouring escapes together, so that UTF-8 bytes written one by one become characters."""
    run: list[re.Match[str]] = []
    for match in _ESCAPE.finditer(text, start, end):
        if run and match.start() != run[-1].end():
            yield _letters(run)
            run = []
        run.append(match)
    if run:
        yield _letters(run)


def _letters(run: list[re.Match[str]]) -> list[tuple[str, int, int]]:
    out: list[tuple[str, int, int]] = []
    index = 0
    while index < len(run):
        match = run[index]
        taken = 1
        code = _code_point(match)
        if code is None:
            letter, taken = _utf8(run[index : index + 4])
        elif 0xD800 <= code < 0x110000 and code < 0xE000:
            letter = "\ufffd"
        else:
            letter = chr(code) if code < 0x110000 else "\ufffd"
        out.append((letter, match.start(), run[index + taken - 1].end()))
        index += taken
    return out


def _code_point(match: re.Match[str]) -> int | None:
    if match[2] or match[4]:
        return int(match[2] or match[4], 16)
    return int(match[5]) if match[5] else None


def _utf8(run: list[re.Match[str]]) -> tuple[str, int]:
    octets = bytes(int(match[1] or match[3], 16) for match in run if match[1] or match[3])
    for size in range(1, len(octets) + 1):
        try:
            return octets[:size].decode("utf-8"), size
        except UnicodeDecodeError:
            continue
    return chr(octets[0]), 1


def run_before(text: str, end: int) -> tuple[int, int] | None:
    """The run of base64 letters that ends at `end`, with its padding."""
    size = 256
    while True:
        low = max(0, end - size)
        found = None
        for match in _RUN.finditer(text, low, end):
            found = match
        if found is None:
            return None
        if found.start() > low or low == 0 or size >= _LONGEST_RUN:
            return found.start(), end
        size *= 4


def decoded_runs(text: str, start: int, end: int) -> Iterator[Decoded]:
    """The readable texts that a run of letters may stand for: base64 in both alphabets, or hex."""
    run = text[start:end]
    for match in _HEX.finditer(run):
        yield from _readable(bytes.fromhex, match[0], start + match.start(), start + match.end())
    if len(run) > 1 and not run.isdigit():
        for piece_start, piece in _base64_pieces(run):
            yield from _readable(_base64, piece, start + piece_start, start + piece_start + len(piece))


def _base64_pieces(run: str) -> Iterator[tuple[int, str]]:
    """The run, and what follows a slash or dash in it: a value at the end of a path or a name."""
    yield 0, run
    for match in re.finditer(r"[/_-]", run):
        if match.end() > 64:
            return
        if len(run) - match.end() >= 16:
            yield match.end(), run[match.end() :]


def _base64(run: str) -> bytes:
    standard = run.replace("-", "+").replace("_", "/")
    whole = len(standard) - (len(standard) % 4 == 1)
    return base64.b64decode(standard[:whole] + "=" * (-whole % 4))


def _readable(decode: Callable[[str], bytes], run: str, start: int, end: int) -> Iterator[Decoded]:
    # The first bytes tell most runs that are no text; a hash or an identifier ends here.
    try:
        octets = decode(run)
    except (ValueError, binascii.Error):
        return
    if not octets or any(octet < 9 or 13 < octet < 32 for octet in octets[:8]):
        return
    try:
        decoded = octets.decode("utf-8")
    except UnicodeDecodeError:
        return
    yield Decoded(decoded, start, end)
