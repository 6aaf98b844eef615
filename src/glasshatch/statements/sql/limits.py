"""Caps on a text before any native call: bytes, tokens, nesting and operator chains, in one cheap pass.

The lexer here only has to be right about where strings and comments end and never to count too little:
what is read as code although it is data makes the count larger, which refuses and never admits.
"""

from __future__ import annotations

import re

from ..words import words

MAX_BYTES = 1 << 20
MAX_TOKENS = 40_000
MAX_DEPTH = 200
MAX_CHAIN = 400
MAX_COMMENT_DEPTH = 32

# A string goes on after white space that holds a line break, in the mode it began in (4.1.2.1).
_GAP = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]++|--[^\n\r]*+[\n\r])*+"
_ESCAPED = r"'(?:[^'\\]++|\\.|'')*+'?"
_PLAIN = r"'(?:[^']++|'')*+'?"
_TOKEN = re.compile(
    rf"""
      (?P<skip>[ \t\n\r\f\v]++|--[^\n\r]*+)
    | (?P<comment>/\*)
    | (?P<string>[eE]{_ESCAPED}(?:{_GAP}{_ESCAPED})*+
        |(?:[uU]&|[bBxXnN])?{_PLAIN}(?:{_GAP}{_PLAIN})*+
        |(?:[uU]&)?"(?:[^"]++|"")*+"?)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (?P<number>[0-9$][0-9A-Za-z_.$]*+)
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<comma>,)
    | (?P<end>;)
    | (?P<operator>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_RESET = frozenset({"and", "or"})
_CHAIN = words("""not is isnull notnull in like ilike similar between collate at overlaps operator escape""")
_STRUCTURE = frozenset({"union", "intersect", "except", "join"})
_BLOCK = frozenset({"case", "begin", "if", "loop", "for", "while", "foreach"})


class _Depth:
    """Open brackets with, for each, the structural and the operator chain seen in it so far."""

    def __init__(self) -> None:
        self.levels: list[list[int]] = [[0, 0]]
        self.total = 0

    def add(self, which: int) -> None:
        self.levels[-1][which] += 1
        self.total += 1

    def reset(self, *which: int) -> None:
        for index in which:
            self.total -= self.levels[-1][index]
            self.levels[-1][index] = 0

    def open(self) -> None:
        self.levels.append([0, 0])

    def close(self) -> None:
        if len(self.levels) > 1:
            self.reset(0, 1)
            self.levels.pop()

    def exceeded(self) -> bool:
        return len(self.levels) > MAX_DEPTH or self.total > MAX_CHAIN


def within_limits(text: str) -> bool:
    """Whether the native parser may be called on the text without risk to the process."""
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        return False
    depth, position, count, size = _Depth(), 0, 0, len(text)
    while position < size:
        found = _TOKEN.match(text, position)
        if found is None:
            return False
        position, kind = found.end(), found.lastgroup
        if kind == "skip":
            continue
        if kind == "comment":
            position = _comment_end(text, position)
            if position < 0:
                return False
            continue
        if kind == "dollar":
            position = _dollar_end(text, position, found.group())
        elif kind is not None:
            _count(depth, kind, found.group())
        count += 1
        if count > MAX_TOKENS or depth.exceeded():
            return False
    return True


def _count(depth: _Depth, kind: str, token: str) -> None:
    if kind == "word":
        _count_word(depth, token.lower())
    elif kind == "operator":
        depth.add(1)
    elif kind == "open":
        # An opening bracket is also a step down in itself: a[1][1], f(x)(y).
        depth.open()
    elif kind == "close":
        depth.close()
    elif kind == "comma":
        depth.reset(1)
    elif kind == "end":
        depth.reset(0, 1)


def _count_word(depth: _Depth, word: str) -> None:
    if word in _RESET:
        depth.reset(1)
    elif word in _CHAIN:
        depth.add(1)
    elif word in _STRUCTURE:
        depth.add(0)
    elif word in _BLOCK:
        depth.open()
    elif word == "end":
        depth.close()


def _comment_end(text: str, position: int) -> int:
    """Where a block comment ends; they nest, as in PostgreSQL. -1 if they nest deeper than anybody writes.

    The native scanner goes over a run of `/*` once for every level: 50,000 of them took 40 seconds.
    """
    level = 1
    while level:
        if level > MAX_COMMENT_DEPTH:
            return -1
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        level += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _dollar_end(text: str, position: int, tag: str) -> int:
    end = text.find(tag, position)
    return len(text) if end < 0 else end + len(tag)
