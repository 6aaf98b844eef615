"""A tail that says in the record how much it showed, without an event for every event."""

from __future__ import annotations

import contextlib
import threading
import time

from ...api.ports import Events
from ...api.values import RecordedEvent
from ...errors import GlasshatchError
from ...identity import Identity
from ..access import shown
from .coalescing import Note, note_read

EVERY_SECONDS = 300.0


class RecordedTail:
    """Events as they come, without what is hidden from their reader.

    That somebody follows is recorded before they begin, by who makes this. How many events they were shown
    is recorded every five minutes in which there were some, and at the end.
    """

    def __init__(
        self, tail: Events, hidden: tuple[str, ...], caller: Identity, query: str, note: Note
    ) -> None:
        self._tail = tail
        self._hidden = hidden
        self._caller = caller
        self._query = query
        self._note = note
        self._shown = 0
        self._noted_s = time.monotonic()

    def next(self, timeout_s: float) -> list[RecordedEvent]:
        """What has come; raises as the tail does."""
        found = [shown(event, self._hidden) for event in self._tail.next(timeout_s)]
        self._shown += len(found)
        return found

    def settle(self) -> None:
        """Record what was shown, if it is time; blocks, and raises if it cannot be recorded."""
        if self._shown and time.monotonic() - self._noted_s >= EVERY_SECONDS:
            self._note_shown()

    def close(self) -> None:
        """Follow no more. What was shown last is recorded beside the caller, who may be an event loop."""
        self._tail.close()
        if self._shown:
            threading.Thread(target=self._last, name="tail-note").start()

    def _last(self) -> None:
        with contextlib.suppress(GlasshatchError):
            self._note_shown()

    def _note_shown(self) -> None:
        count, self._shown, self._noted_s = self._shown, 0, time.monotonic()
        try:
            note_read(self._note, self._caller, "tail", {"query": self._query, "part": "shown"}, count)
        except GlasshatchError:
            self._shown += count
            raise
