"""What ended lately, in order: who serves sessions looks here for those that must end with it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ..identity import Ending

_REMEMBERED = 10_000


class Endings:
    """In memory: with the process that keeps it, every session ends anyway. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Ending] = deque(maxlen=_REMEMBERED)
        self._count = 0
        self.changed: Callable[[], object] = lambda: None
        """Told after something ended."""

    @property
    def count(self) -> int:
        """How many there were."""
        return self._count

    def add(self, ending: Ending) -> None:
        """Something is over from now on; the store says so already."""
        with self._lock:
            self._kept.append(ending)
            self._count += 1
        self.changed()

    def after(self, number: int) -> tuple[int, list[Ending]] | None:
        """How many there were, and those behind the first `number`; None if they are not all known any more.

        With a number below 0 only the count is wanted.
        """
        with self._lock:
            if number < 0:
                return self._count, []
            fresh = self._count - number
            if fresh > len(self._kept):
                return None
            return self._count, list(self._kept)[len(self._kept) - fresh :] if fresh > 0 else []
