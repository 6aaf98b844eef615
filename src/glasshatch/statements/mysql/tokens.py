"""Tokens of MySQL (manual, 9.1 to 9.7): its strings, names, comments, and the comments that are code."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..model import Span, SpanKind
from ..registry import Unreadable

MAX_TOKENS = 20_000


class Token(NamedTuple):
    """One token; `value` is a word in upper case, a name as it is, or a constant's text.

    Kinds: `word`, `name` (in backticks), `string`, `number`, `variable`, `sign`.
    """

    kind: str
    value: str
    start: int
    end: int


class Scanned(NamedTuple):
    """A text taken apart; `uncertain` if a part of it is code for some servers only."""

    tokens: list[Token]
    literals: tuple[Span, ...]
    shape: str
    uncertain: bool


_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]++)
    |(?P<comment>\#[^\n]*+|--(?=[\s\x00-\x1f]|$)[^\n]*+)
    |(?P<code>/\*M?!(?P<version>\d{5,6})?)
    |(?P<block>/\*)
    |(?P<end>\*/)
    |(?P<string>(?:[nN]|_[A-Za-z0-9]+\s*+)?(?:'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")|[xXbB]'[0-9a-fA-F]*+')
    |(?P<name>`(?:[^`]++|``)*+`)
    |(?P<number>0[xX][0-9a-fA-F]++|0[bB][01]++|(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?![A-Za-z_$\x80-\U0010ffff]))
    |(?P<variable>@@?(?:[A-Za-z0-9_$.]++|`[^`]*+`|'[^']*+'|"[^"]*+")|@)
    |(?P<word>[A-Za-z0-9_$\x80-\U0010ffff]++)
    |(?P<sign>\\[Gg]|<=>|<<|>>|<=|>=|<>|!=|:=|\|\||&&|->>|->|[-+*/%^&|~!=<>(),;.?:{}\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)|''|\"\"", re.DOTALL)
# Up to here every server in use runs what stands in a versioned comment; MariaDB skips some above.
_ALWAYS = 50699
_SECRET_WORDS = frozenset({"IDENTIFIED", "PASSWORD", "AS", "BY", "MASTER_PASSWORD", "SOURCE_PASSWORD"})
_SPACE = re.compile(r"\s+")


def scan(text: str) -> Scanned:
    """The tokens, the places of constants and comments, and the text without them."""
    tokens: list[Token] = []
    spans: list[Span] = []
    at, inside, uncertain = 0, 0, False
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable("unknown_syntax")
        kind = found.lastgroup or ""
        if found["code"] is not None:
            uncertain = uncertain or inside > 0 or _is_uncertain(found)
            inside += 1
            at = found.end()
            continue
        at = found.end()
        if kind == "block":
            at = _comment_end(text, at)
            uncertain = uncertain or (
                text.startswith("/*+", found.start()) and "set_var" in text[found.start() : at].lower()
            )
            spans.append(Span(found.start(), at, "comment"))
        elif kind == "comment":
            spans.append(Span(found.start(), at, "comment"))
        elif kind == "end":
            inside -= 1
            if inside < 0:
                raise Unreadable("unknown_syntax")
        elif kind != "space":
            tokens.append(_token(kind, found.group(), found.start(), at))
            _hide(tokens, spans)
        if len(tokens) > MAX_TOKENS:
            raise Unreadable("too_complex")
    if inside:
        raise Unreadable("unknown_syntax")
    return Scanned(tokens, tuple(spans), _shape(text, spans), uncertain)


def _is_uncertain(found: re.Match[str]) -> bool:
    version = found["version"]
    return "M" in found["code"][:3] or (version is not None and int(version) > _ALWAYS)


def _comment_end(text: str, at: int) -> int:
    end = text.find("*/", at)
    if end < 0:
        raise Unreadable("unknown_syntax")
    return end + 2


def _token(kind: str, text: str, start: int, end: int) -> Token:
    if kind == "word":
        return Token(kind, text.upper(), start, end)
    if kind == "name":
        return Token(kind, text[1:-1].replace("``", "`"), start, end)
    if kind == "string":
        first = min(text.find(mark) % (len(text) + 1) for mark in "'\"")
        return Token(kind, _ESCAPE.sub(_unescaped, text[first + 1 : -1]), start, end)
    return Token(kind, "\\G" if text in ("\\g", "\\G") else text, start, end)


def _unescaped(found: re.Match[str]) -> str:
    return (
        {"n": "\n", "t": "\t", "r": "\r", "0": " ", "Z": " "}.get(found[1], found[1])
        if found[1]
        else found.group()[0]
    )


def _hide(tokens: list[Token], spans: list[Span]) -> None:
    """Constants are hidden; after IDENTIFIED BY and the like they are passwords."""
    token = tokens[-1]
    if token.kind == "string" or (token.kind == "variable" and token.value[1:2] in ("'", '"')):
        before = [one.value for one in tokens[-4:-1]]
        kind: SpanKind = "password" if _SECRET_WORDS & set(before) else "string"
        spans.append(Span(token.start, token.end, kind))
    elif token.kind == "number":
        spans.append(Span(token.start, token.end, "number"))


def _shape(text: str, spans: list[Span]) -> str:
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], " " if span.kind == "comment" else "?"]
        at = span.end
    return _SPACE.sub(" ", "".join([*pieces, text[at:]])).strip(" ;")
