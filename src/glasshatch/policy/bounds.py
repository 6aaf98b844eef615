"""How large and how nested a policy may be, judged before the native parser sees it.

Cedar's parser and its evaluation recurse: a thousand brackets, or some thousand terms in one condition,
overflow the stack and end the whole process. A text may come from whoever may ask what a policy would say,
so these bounds hold for every text, and far below what was seen to break.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MAX_BYTES: Final = 4 << 20
"""Of a whole set."""

MAX_POLICIES: Final = 2_000
MAX_POLICY_BYTES: Final = 256 << 10
MAX_BRACKETS: Final = 40
"""Brackets inside brackets."""

MAX_OPERATORS: Final = 400
"""Operators and points in one policy."""

MAX_DEPTH: Final = 100
"""Levels of the parsed policy; Cedar reads at most 128 of JSON, of which the set itself takes some."""

_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*+"|//[^\n]*+|[(\[{]|[)\]}]|&&|\|\||[-+*.!<>=]|\b(?:if|has|like|in|is)\b', re.DOTALL
)


def beyond_bounds(text: str) -> str:
    """What of one policy's text is too much, in words; empty if nothing is."""
    if len(text.encode(errors="replace")) > MAX_POLICY_BYTES:
        return f"it has more than {MAX_POLICY_BYTES >> 10} KiB"
    depth = deepest = operators = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word[0] in '"/':
            continue
        if word in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif word in ")]}":
            depth -= 1
        else:
            operators += 1
    if deepest > MAX_BRACKETS:
        return f"more than {MAX_BRACKETS} brackets stand inside each other"
    if operators > MAX_OPERATORS:
        return f"it has more than {MAX_OPERATORS} operators"
    return ""


def is_too_deep(policy: Mapping[str, Any]) -> bool:
    """Whether a parsed policy nests deeper than Cedar would read it again."""
    level: list[Any] = [policy]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
