"""Where the constants and comments of a text stand, by PostgreSQL's scanner; its shape without them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..model import Span, SpanKind
from .native import ScanToken, Token, Unparsed, tokens

_STRINGS = frozenset({Token.SCONST, Token.USCONST, Token.BCONST, Token.XCONST})
_NUMBERS = frozenset({Token.ICONST, Token.FCONST})
_COMMENTS = frozenset({Token.SQL_COMMENT, Token.C_COMMENT})
_HIDDEN = _STRINGS | _NUMBERS | _COMMENTS
_NAMES = frozenset({Token.IDENT, Token.UIDENT})
_SECRET_NAME = re.compile(r"passw|pwd|secret|api_?key|private_?key|access_?key", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_ \t\n\r\f.,=<>()*;+]")
_ALONE = re.compile(r"(?<![A-Za-z0-9_.])[0-9]{1,9}(?![A-Za-z0-9_.])")
_PLAIN_CHARACTERS = 2_048
_SPACE = re.compile(r"[ \t\n\r\f\v]+")


class Scanned(NamedTuple):
    """A text taken apart: its literals, its shape for people, and a key equal only for equal code."""

    literals: tuple[Span, ...]
    shape: str
    key: str


def scan_text(text: str) -> Scanned:
    """Find every constant and comment; raises `Unparsed` where the scanner stops."""
    found = tokens(text)
    wide = None if text.isascii() else _character_offsets(text)
    literals: list[Span] = []
    shape: list[str] = []
    key: list[str] = []
    done = 0
    for index, token in enumerate(found):
        code = token.token
        if code not in _HIDDEN:
            continue
        start, end = (token.start, token.end) if wide is None else (wide[token.start], wide[token.end])
        code_before = text[done:start]
        literals.append(Span(start, end, _kind(found, index, code, text, wide)))
        shape += (code_before, " " if code in _COMMENTS else "?")
        # NUL cannot occur in a statement, so a key part made with it is never mistaken for code.
        key += (code_before, " " if code in _COMMENTS else f"\0{code}")
        done = end
    shape.append(text[done:])
    key.append(text[done:])
    return Scanned(tuple(literals), _SPACE.sub(" ", "".join(shape)).strip(" ;"), "".join(key))


def filled(text: str, constants: Sequence[str]) -> str:
    """The text with a constant for each of its `$1`, `$2` …; empty if one has none, or all is unknown."""
    try:
        places = [token for token in tokens(text) if token.token == Token.PARAM]
    except Unparsed:
        return ""
    raw, done = text.encode(), 0
    parts: list[str] = []
    for place in places:
        number = raw[place.start + 1 : place.end]
        if not number.isdigit() or not 1 <= int(number) <= len(constants):
            return ""
        # A blank on each side: a constant may not grow together with what stands beside it.
        parts += (raw[done : place.start].decode(), f" {constants[int(number) - 1]} ")
        done = place.end
    return "".join((*parts, raw[done:].decode()))


class Plain(NamedTuple):
    """A plain text's numbers, and the text without them: equal frames have equal tokens but for these."""

    frame: str
    literals: tuple[Span, ...]


def plain_numbers(text: str) -> Plain | None:
    """Find the numbers of a text without asking the scanner; None unless it is of the plainest kind.

    That is ASCII words, short whole numbers that touch no word, and marks that open neither a string, a
    quoted name, a comment nor a parameter. There PostgreSQL's scanner can see nothing but what is seen here.
    """
    if len(text) > _PLAIN_CHARACTERS or _NOT_PLAIN.search(text) is not None:
        return None
    pieces = _ALONE.split(text)
    if len(pieces) == 1:
        return None
    # A number that touches a word or a point stays in the frame, and makes the literals differ.
    literals = tuple([Span(found.start(), found.end(), "number") for found in _ALONE.finditer(text)])
    return Plain("\0".join(pieces), literals)


def scan_unparsed(text: str) -> tuple[Span, ...]:
    """What to hide of a text the parser refused: every name and constant, or all of it.

    A text that is no SQL may be anything, a password typed at the wrong prompt included.
    """
    found = tokens(text)
    wide = None if text.isascii() else _character_offsets(text)
    spans = []
    for index, token in enumerate(found):
        if token.token in _HIDDEN or token.token in _NAMES:
            start, end = (token.start, token.end) if wide is None else (wide[token.start], wide[token.end])
            spans.append(Span(start, end, _kind(found, index, token.token, text, wide)))
    return tuple(spans)


def _kind(found: list[ScanToken], index: int, code: int, text: str, wide: list[int] | None) -> SpanKind:
    if code in _COMMENTS:
        return "comment"
    if code in _NUMBERS:
        return "number"
    if code in _NAMES:
        return "other"
    return "password" if _follows_secret(found, index, text, wide) else "string"


def _follows_secret(found: list[ScanToken], index: int, text: str, wide: list[int] | None) -> bool:
    """`PASSWORD 'x'`, `OPTIONS (password 'x')` and `api_key = 'x'`."""
    before = [token for token in found[max(0, index - 4) : index] if token.token not in _COMMENTS]
    if before and before[-1].token in (Token.ASCII_61, Token.COLON_EQUALS, Token.EQUALS_GREATER):
        before.pop()
    if not before:
        return False
    last = before[-1]
    start, end = (last.start, last.end) if wide is None else (wide[last.start], wide[last.end])
    return last.token not in _HIDDEN and _SECRET_NAME.search(text, start, end) is not None


def _character_offsets(text: str) -> list[int]:
    """For each UTF-8 byte offset the character offset; one longer than the text."""
    offsets = []
    for index, character in enumerate(text):
        offsets.extend([index] * len(character.encode()))
    offsets.append(len(text))
    return offsets
