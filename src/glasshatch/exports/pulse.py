"""How an export has been doing lately: tries, pauses, rate, and how long it has been behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..clock import Clock
from ..errors import GlasshatchError
from .settings import Pace

_SECOND_NS = 10**9
_WINDOW_NS = 60 * _SECOND_NS


class Pulse:
    """Kept by the export's thread; others read it."""

    def __init__(self, clock: Clock, pace: Pace, chance: Callable[[], float]) -> None:
        self._clock = clock
        self._pace = pace
        self._chance = chance
        self._delivered: deque[tuple[int, int]] = deque(maxlen=10_000)
        self._due_ns = 0
        self._noted_ns = clock.monotonic_ns() - int(pace.note_s * _SECOND_NS)
        self._begun_ns = self._caught_up_ns = clock.monotonic_ns()
        self.failures = 0
        self.why: GlasshatchError | None = None

    @property
    def error(self) -> str:
        """Why the last try failed; empty if it did not."""
        return str(self.why) if self.why is not None else ""

    def delivered(self, events: int) -> None:
        """A parcel went out, or there was nothing in it."""
        self.again()
        if events:
            self._delivered.append((self._clock.monotonic_ns(), events))

    def again(self) -> None:
        """Forget failures: the next try is due now."""
        self.failures, self.why, self._due_ns = 0, None, 0

    def failed(self, why: GlasshatchError) -> float:
        """A try failed; how long to wait, of which up to half is left to chance, no less than was asked."""
        wanted_s = min(self._pace.longest_s, self._pace.first_s * 2.0 ** min(self.failures, 40))
        asked_s = float(getattr(why, "retry_after_s", 0.0))
        pause_s = max(asked_s, wanted_s * (0.5 + self._chance() / 2))
        self.failures += 1
        self.why = why
        self._due_ns = self._clock.monotonic_ns() + int(pause_s * _SECOND_NS)
        return pause_s

    def pause_s(self) -> float:
        """How long the next try is not due."""
        return max(0.0, (self._due_ns - self._clock.monotonic_ns()) / _SECOND_NS)

    def rate(self) -> float:
        """Events a second over the last minute, or since the start if that is shorter ago."""
        now_ns = self._clock.monotonic_ns()
        while self._delivered and self._delivered[0][0] < now_ns - _WINDOW_NS:
            self._delivered.popleft()
        span_ns = min(_WINDOW_NS, max(_SECOND_NS, now_ns - self._begun_ns))
        return sum(count for _, count in list(self._delivered)) * _SECOND_NS / span_ns

    def may_note(self) -> bool:
        """Whether the record may be told again what left."""
        return self._clock.monotonic_ns() - self._noted_ns >= self._pace.note_s * _SECOND_NS

    def noted(self) -> None:
        """It was told."""
        self._noted_ns = self._clock.monotonic_ns()

    def overdue_s(self, *, caught_up: bool) -> int:
        """For how long the export has been behind, if that is longer than it may be; else 0."""
        now_ns = self._clock.monotonic_ns()
        if caught_up:
            self._caught_up_ns = now_ns
        behind_s = (now_ns - self._caught_up_ns) / _SECOND_NS
        return int(behind_s) if behind_s > self._pace.behind_s + self._pace.linger_s else 0
