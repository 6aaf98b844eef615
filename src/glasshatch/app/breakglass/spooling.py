"""What the gateway records in an emergency: to the ledger if it takes it, else to the book.

Of an ordinary session nothing changes: what the ledger does not take does not run. A session behind a sheet
goes on with the book; what that does not take does not run either.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Any

from ...clock import Clock
from ...errors import GlasshatchError, Unavailable
from ...events import Done, Draft, Event, EventSink, Receipt, Submission, event_of
from .door import Door
from .records import Noted

_PATIENCE_SECONDS = 2.0
_AT_ONCE = 200
_IN_BOOK = Receipt(-1, b"")


class SpoolingSink:
    """An `EventSink`. `ledger` is None where there is only the book."""

    def __init__(self, ledger: EventSink | None, door: Door, clock: Clock) -> None:
        self._ledger = ledger
        self._door = door
        self._clock = clock
        self._waiting: queue.SimpleQueue[tuple[Event | Draft, Done | None] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit_many(self, items: Sequence[Submission]) -> None:
        """See `EventSink`."""
        if self._ledger is None:
            for item in items:
                self._put(*item)
            return
        self._ledger.submit_many(
            [
                (record, self._or_book(record, done) if _behind_glass(record) else done)
                for record, done in items
            ]
        )

    def close(self) -> None:
        """Write what waits."""
        with self._starting:
            writer, self._writer = self._writer, None
        if writer is not None:
            self._waiting.put(None)
            writer.join()

    def _or_book(self, record: Event | Draft, done: Done | None) -> Done:
        """Whoever answers first, the ledger or our patience, decides where it goes; twice does no harm: what
        stands in both is recognised by its id."""
        once = threading.Lock()

        def answered(result: Receipt | GlasshatchError) -> None:
            if not once.acquire(blocking=False):
                return
            timer.cancel()
            if isinstance(result, GlasshatchError):
                self._put(record, done)
            elif done:
                done(result)

        timer = threading.Timer(_PATIENCE_SECONDS, answered, [Unavailable("the ledger does not answer")])
        timer.daemon = True
        timer.start()
        return answered

    def _put(self, record: Event | Draft, done: Done | None) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="break-glass book", daemon=True)
                self._writer.start()
        self._waiting.put((record, done))

    def _write(self) -> None:
        """One sync for all that waits, until there is nothing more to come."""
        while (first := self._waiting.get()) is not None:
            batch, over = [first], False
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    over = True
                    break
                batch.append(more)
            self._store(batch)
            if over:
                return

    def _store(self, batch: Sequence[Any]) -> None:
        answer: Receipt | GlasshatchError = _IN_BOOK
        now_ns = self._clock.now_ns()
        try:
            self._door.write(
                *(Noted(at_ns=now_ns, entry=self._door.entry(event_of(one))) for one, _ in batch)
            )
        except GlasshatchError as error:
            answer = error
        except Exception as error:
            # A bug of ours: what waits for it must be refused, not left waiting.
            answer = Unavailable(f"the record could not be made: {type(error).__name__}")
        for _, done in batch:
            if done:
                done(answer)


def _behind_glass(record: Event | Draft) -> bool:
    event = record.form.event if isinstance(record, Draft) else record
    return event.access is not None and event.access.break_glass
