"""SQL literals: what value a piece of SQL text stands for, and the statement put together again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..statements import Span
from .pgtypes import INTEGERS

_DOLLAR = re.compile(r"\$(?:[^\W\d][\w]*)?\$")
_QUOTED = re.compile(r"(?i)(?:u&|[enbx])?'")
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_UNICODE = re.compile(r"\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NUMBER = re.compile(r"[0-9][0-9_.eExXoObBa-fA-F+-]*")

LONGEST_CLEAR_NUMBER = 6
"""A number of more digits may be a card, a phone or an account."""


def literal_value(raw: str) -> str:
    """The value of a string constant as the server reads it; text without quotes is its own value."""
    dollar = _DOLLAR.match(raw)
    if dollar and raw.endswith(dollar[0]) and len(raw) >= 2 * dollar.end():
        return raw[dollar.end() : -dollar.end()]
    quoted = _QUOTED.match(raw)
    if quoted is None:
        return raw
    body = raw[quoted.end() : -1] if raw.endswith("'") and len(raw) > quoted.end() else raw[quoted.end() :]
    body = body.replace("''", "'")
    prefix = quoted[0][:-1].lower()
    if prefix == "e":
        return _ESCAPE.sub(_unescape, body)
    return _UNICODE.sub(_code_point, body) if prefix == "u&" else body


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return _character(int(code, 16))
    if match[4]:
        return _character(int(match[4], 8))
    return _LETTERS.get(match[5], match[5])


def _code_point(match: re.Match[str]) -> str:
    return _character(int(match[1] or match[2], 16))


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def clear_number(raw: str) -> bool:
    """Whether a number is too short to identify anybody."""
    return bool(_NUMBER.fullmatch(raw)) and sum(map(str.isalnum, raw)) <= LONGEST_CLEAR_NUMBER


def looked_at(kind: str, raw: str) -> str:
    """What of a constant is looked at; nothing where it is hidden or shown whatever it is."""
    if kind in ("comment", "password") or (kind == "number" and clear_number(raw)):
        return ""
    return literal_value(raw)


def pieces(text: str, literals: Sequence[Span]) -> tuple[list[str], list[Span]]:
    """The code around the literals, one piece more than there are literals, and these in order.

    Raises:
        ValueError: The spans overlap or reach beyond the text, so they do not belong to it.
    """
    ordered = sorted(literals, key=lambda span: span.start)
    code, done = [], 0
    for span in ordered:
        if not done <= span.start <= span.end <= len(text):
            raise ValueError("literal spans do not fit the statement")
        code.append(text[done : span.start])
        done = span.end
    code.append(text[done:])
    return code, ordered


def short_number(text: str, oid: int) -> bool:
    """Whether it stays as it is whatever is found in it; see `Redactor.bind`."""
    return oid in INTEGERS and len(text) <= LONGEST_CLEAR_NUMBER and text.isdecimal() and text.isascii()
