"""The language `shell`, which is not read yet: whatever is asked in it is unknown."""

from __future__ import annotations

from ..model import Statement
from ..registry import Language, Unreadable


class _Unread:
    def read(self, text: str, depth: int) -> Statement:
        raise Unreadable("unknown_syntax")


LANGUAGE: Language = _Unread()
