"""Foreign JSON in canonical form, without the walk where its bytes say that nothing would change."""

from __future__ import annotations

import re
from typing import Any

from ..events import foreign

_SURELY_SHALLOW = 60
_ODD_NUMBER = re.compile(rb'(?:"\s*:|[\[,])\s*-?[0-9]*(?:[0-9]{16}|[0-9][.eE])')
"""What may be a fraction or an integer beyond 2^53, or a text that looks like one. A member's value stands
behind the quote and colon of its name; a colon alone stands in every time of day."""


def canonical(value: dict[str, Any], data: bytes) -> dict[str, Any]:
    """As `foreign`, whose walk most items can be spared: nothing in their bytes would be changed by it."""
    plain = (
        data.isascii()
        and b"\\u" not in data
        and data.count(b"{") + data.count(b"[") <= _SURELY_SHALLOW
        and not _ODD_NUMBER.search(data)
    )
    return dict(value) if plain else foreign(value)
