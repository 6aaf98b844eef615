"""What a text must hold so that a regular expression can be found in it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

# The standard library's own parser: what it makes of an expression says which characters must be there.
from re import _constants as ops
from re import _parser as parser
from typing import Any


def longest_literal(pattern: str) -> str:
    """The longest text, in lower case, that stands in every match; empty if none is certain.

    What this parser understands otherwise than RE2, or not at all, gives none: a rule without an anchor is
    asked of every record, and nothing is missed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return ""
    return max(_runs(tree), key=len, default="").lower()


def _runs(items: Iterable[Any]) -> list[str]:
    """The runs of characters that every match holds."""
    runs: list[str] = []
    run = ""
    for operator, argument in items:
        if operator is ops.LITERAL and _is_plain(argument):
            run += chr(argument)
            continue
        runs.append(run)
        run = ""
        if operator is ops.SUBPATTERN:
            runs += _runs(argument[3])
        elif operator in (ops.MAX_REPEAT, ops.MIN_REPEAT) and argument[0] >= 1:
            runs += _runs(argument[2])
    return [*runs, run]


def _is_plain(code: int) -> bool:
    """Beyond ASCII, letters of both cases are not always as many."""
    return code < 128
