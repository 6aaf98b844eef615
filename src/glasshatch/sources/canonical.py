"""Foreign JSON in canonical form, without the walk where its bytes say that nothing would change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..events import foreign

_SURELY_SHALLOW = 60
_ODD_NUMBER = re.compile(rb'[:\[,](?=[\s0-9-])(?<![^"\s]:)\s*-?[0-9]*(?:[0-9]{16}|[0-9][.eE])')
"""What may be a fraction or an integer beyond 2^53, or a text that looks like one. A member's value stands
behind the quote and colon of its name; a colon behind something else stands in every time of day. That it
begins with one of three bytes, and looks at the next one at once, is what makes it quick."""


def canonical(value: dict[str, Any], data: bytes) -> dict[str, Any]:
    """As `foreign`, whose walk most items can be spared: nothing in their bytes would be changed by it."""
    plain = (
        data.isascii()
        and b"\\u" not in data
        and not _ODD_NUMBER.search(data)
        and (data.count(b"{") + data.count(b"[") <= _SURELY_SHALLOW or _is_shallow(value, _SURELY_SHALLOW))
    )
    return dict(value) if plain else foreign(value)


def _is_shallow(value: dict[str, Any] | list[Any], levels: int) -> bool:
    """Whether nothing is nested deeper than so many levels."""
    items: Iterable[Any] = value.values() if isinstance(value, dict) else value
    for item in items:
        kind = type(item)
        if (kind is dict or kind is list) and not (levels and _is_shallow(item, levels - 1)):
            return False
    return True
