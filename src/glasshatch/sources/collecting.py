"""The answers to a batch on its way into the record, waited for together."""

from __future__ import annotations

import threading

from ..errors import GlasshatchError, Unavailable
from ..events import Receipt

_PATIENCE_SECONDS = 60.0

Answer = Receipt | GlasshatchError


class Collected:
    """Waits until every event of a batch has its answer."""

    def __init__(self, count: int) -> None:
        self._answers: list[Answer | None] = [None] * count
        self._missing = count
        self._condition = threading.Condition()

    def done(self, place: int, answer: Answer) -> None:
        with self._condition:
            self._answers[place] = answer
            self._missing -= 1
            if not self._missing:
                self._condition.notify_all()

    def wait(self) -> list[Answer]:
        """The answers; raises `Unavailable` if one does not come in time."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._missing <= 0, _PATIENCE_SECONDS):
                raise Unavailable("the ledger did not acknowledge in time", hint="deliver it again")
        return [answer for answer in self._answers if answer is not None]
