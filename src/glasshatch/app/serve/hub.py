"""Hands events on to whoever tails the record; a slow reader learns that events were skipped."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

import msgspec

from ...api.values import RecordedEvent
from ...errors import Unavailable
from ...events import Event, decode
from ...index.columns import placed
from .merging import Entry

Wanted = Callable[[Event], bool]

_WAITING = 10_000
MAX_TAILS = 64


class Hub:
    """Every entry passes once; each tail keeps what it wants in a bounded queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tails: set[HubTail] = set()
        self._closed = False

    def publish(self, entries: Sequence[Entry]) -> None:
        """Offer entries to all tails; never blocks."""
        with self._lock:
            tails = list(self._tails)
        if not tails:
            return
        for ledger, index, data in entries:
            event = _decoded(data)
            if event is None:
                continue
            event = placed(event, ledger)
            for tail in tails:
                tail.offer(RecordedEvent(index, msgspec.Raw(data), ledger), event)

    def tail(self, wanted: Wanted) -> HubTail:
        """Events that are wanted, from now on.

        Raises:
            Unavailable: Too many tails are open, or the server stops.
        """
        with self._lock:
            if self._closed or len(self._tails) >= MAX_TAILS:
                raise Unavailable(
                    "no more tails can be followed at the moment", hint="close one, or try again later"
                )
            tail = HubTail(wanted, self._forget)
            self._tails.add(tail)
        return tail

    def close(self) -> None:
        """End every tail."""
        with self._lock:
            self._closed = True
            tails = list(self._tails)
        for tail in tails:
            tail.end("the server stops", "it is back in a moment")

    def _forget(self, tail: HubTail) -> None:
        with self._lock:
            self._tails.discard(tail)


class HubTail:
    """One reader's events."""

    def __init__(self, wanted: Wanted, forget: Callable[[HubTail], None]) -> None:
        self._wanted = wanted
        self._forget = forget
        self._waiting: queue.Queue[RecordedEvent | None] = queue.Queue(_WAITING)
        self._ended: Unavailable | None = None

    def offer(self, recorded: RecordedEvent, event: Event) -> None:
        """Queue the event if it is wanted; a full queue ends the tail, which then says so."""
        if self._ended is not None or not self._wanted(event):
            return
        try:
            self._waiting.put_nowait(recorded)
        except queue.Full:
            self.end("events came faster than they were read, and some were skipped", "narrow the query")

    def end(self, message: str, hint: str) -> None:
        """Let the reader know after what is queued."""
        self._ended = Unavailable(message, hint=hint)
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return  # the reader finds out when the queue is empty

    def next(self, timeout_s: float) -> list[RecordedEvent]:
        """What arrived, oldest first; empty after the timeout.

        Raises:
            Unavailable: The tail has ended; says why.
        """
        found: list[RecordedEvent] = []
        try:
            item = self._waiting.get(timeout=timeout_s)
            while item is not None:
                found.append(item)
                item = self._waiting.get_nowait()
        except queue.Empty:
            pass
        if not found and self._ended is not None:
            raise self._ended
        return found

    def close(self) -> None:
        """The reader goes."""
        self._forget(self)


def _decoded(data: bytes) -> Event | None:
    try:
        return decode(data)
    except Exception:
        return None  # of a newer schema: a tail shows what this version understands
