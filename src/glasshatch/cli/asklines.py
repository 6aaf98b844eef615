"""Statements as JSON lines, `{"kind", "statement"}`: each line is answered, the bad ones too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import msgspec

_MOST_BYTES = 17 << 20
_CURE = 'write one object a line, as in {"kind": "sql", "statement": "SELECT 1"}'


class AskLine(msgspec.Struct, frozen=True):
    """One line: what is asked, or why that cannot be told; `problem` holds nothing of the line."""

    number: int
    kind: str = ""
    statement: str = ""
    problem: str = ""

    def __repr__(self) -> str:
        return f"AskLine(number={self.number}, kind={self.kind!r})"


def read_asks(lines: Iterable[bytes], usual_kind: str) -> Iterator[AskLine]:
    """Each line that is not empty, counted from 1; a line without a kind is of the usual one."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _read(number, line, usual_kind)


def _read(number: int, line: bytes, usual_kind: str) -> AskLine:
    if len(line) > _MOST_BYTES:
        return AskLine(number, problem=f"line {number} is longer than {_MOST_BYTES >> 20} MiB: split it")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return AskLine(number, problem=f"line {number} is no JSON: {_CURE}")
    if not isinstance(found, dict):
        return AskLine(number, problem=f"line {number} is no JSON object: {_CURE}")
    kind, statement = found.get("kind", usual_kind), found.get("statement")
    if not isinstance(kind, str) or not isinstance(statement, str):
        missing = "statement" if not isinstance(statement, str) else "kind"
        return AskLine(number, problem=f"line {number} has no text as its {missing!r}: {_CURE}")
    if not is_text(statement) or not is_text(kind):
        return AskLine(number, problem=f"line {number} holds half a character: write UTF-8 text")
    return AskLine(number, kind, statement)


def is_text(text: str) -> bool:
    """Whether it can be sent as UTF-8; a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
