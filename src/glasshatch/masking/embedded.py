"""Documents that stand as text in an event: what their keys tell is replaced before the text is scanned."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .eventfields import EVENT_HINTS, change_tree
from .tokens import TOKEN

Whole = Callable[[str, str], str]
"""What stands for a whole value of a type."""

OPENINGS = frozenset({"{", "["})
"""How a document that is looked into begins."""

_LONGEST = 1 << 18
_DEPTH = 3


def opened(text: str, whole: Whole, depth: int = 0) -> str:
    """The JSON in a text without what its keys tell; the same text where they tell nothing, or it is none.

    What has a form of its own stays: the scan of the text finds that. Never raises.
    """
    if len(text) > _LONGEST or depth >= _DEPTH or '"' not in text:
        return text
    try:
        document = msgspec.json.decode(text)
        told = False

        def change(inner: str, hint: str) -> str:
            nonlocal told
            new = inner
            if hint:
                new = inner if TOKEN.fullmatch(inner) else whole(hint, inner)
            elif inner[:1] in OPENINGS:
                new = opened(inner, whole, depth + 1)
            told |= new is not inner
            return new

        changed = change_tree(document, change, EVENT_HINTS)
        return msgspec.json.encode(changed).decode() if told else text
    except (msgspec.DecodeError, RecursionError, ValueError):
        return text
