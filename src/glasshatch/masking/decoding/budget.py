"""How much may be decoded for one scan: text made to grow is given up on, never half looked at."""

from __future__ import annotations

_FREE = 4 << 20
_TIMES = 8


class Budget:
    """Characters that may still be decoded; shared by all depths of one scan."""

    def __init__(self, scanned: int) -> None:
        self._left = _FREE + _TIMES * scanned

    def spend(self, characters: int) -> None:
        """Account for decoded text.

        Raises:
            OverflowError: More than a text of this size may hold.
        """
        self._left -= characters
        if self._left < 0:
            raise OverflowError("more encoded text than can be scanned")
