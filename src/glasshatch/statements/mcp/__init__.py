"""Requests of the Model Context Protocol (2025-06-18): the tool that is called and what its arguments ask."""

from __future__ import annotations

import json
from typing import Any

from ..findings import Findings
from ..model import Span, Statement
from ..registry import Language, Unreadable, statement_of
from .messages import read_message

MAX_MESSAGES = 200
MAX_DEPTH = 50


class _Mcp:
    """Reads one JSON-RPC message, or a batch of them."""

    def read(self, text: str, depth: int) -> Statement:
        messages = _messages(text)
        findings = Findings()
        shapes = [read_message(message, findings, depth) for message in messages]
        if len(messages) > 1:
            findings.risks.add("multi_statement")
        literals = (Span(0, len(text), "other"),) if text else ()
        return statement_of("mcp", findings, "; ".join(shapes), literals, len(messages))


def _messages(text: str) -> list[Any]:
    if not _is_shallow(text):
        raise Unreadable("too_complex")
    try:
        loaded = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise Unreadable("unknown_syntax") from None
    messages = loaded if isinstance(loaded, list) else [loaded]
    if len(messages) > MAX_MESSAGES:
        raise Unreadable("too_complex")
    return messages


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice is read one way here and perhaps another way there: it is refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found


def _is_shallow(text: str) -> bool:
    """Whether brackets, counted without regard to strings, nest no deeper than the cap."""
    level = 0
    for sign in text:
        if sign in "[{":
            level += 1
            if level > MAX_DEPTH:
                return False
        elif sign in "]}":
            level -= 1
    return True


LANGUAGE: Language = _Mcp()
