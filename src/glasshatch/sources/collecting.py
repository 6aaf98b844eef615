"""The answers to a batch on its way into the record, waited for together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..errors import GlasshatchError, Unavailable
from ..events import Receipt

_PATIENCE_SECONDS = 60.0

Answer = Receipt | GlasshatchError


class Collected:
    """Waits until every event of a batch has its answer."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._last: Receipt | None = None
        self._refused: dict[int, GlasshatchError] = {}
        self._condition = threading.Condition()

    def __call__(self, place: int, answer: Answer) -> None:
        """One event has its answer."""
        self.together((place,), answer)

    def together(self, places: Sequence[int], answer: Answer) -> None:
        """Events have the same answer: the receipt of the last one of them, or why not all are recorded."""
        with self._condition:
            if isinstance(answer, GlasshatchError):
                self._refused.update(dict.fromkeys(places, answer))
            elif self._last is None or answer.index > self._last.index:
                self._last = answer
            self._missing -= len(places)
            if self._missing <= 0:
                self._condition.notify_all()

    def wait(self) -> tuple[Receipt | None, dict[int, GlasshatchError]]:
        """The receipt of the last one that is recorded, and why others are not, by their places.

        Raises:
            Unavailable: An answer does not come in time.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self._missing <= 0, _PATIENCE_SECONDS):
                raise Unavailable("the ledger did not acknowledge in time", hint="deliver it again")
            return self._last, self._refused
