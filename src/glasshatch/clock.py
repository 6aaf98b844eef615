"""Time, handed in: rooms never read a clock themselves, so tests can move it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: civil time for records, monotonic time for waiting."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC; may step."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class ManualClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, nanoseconds: int) -> None:
        """Move both clocks forward."""
        self._now_ns += nanoseconds
        self._monotonic_ns += nanoseconds
