"""Between the event loop and the ledger's thread: records go there together, answers come back together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from ...errors import GlasshatchError, Unavailable, place_of_bug
from ...events import Draft, Event, EventSink, Receipt, Submission

_log = logging.getLogger("glasshatch.gateway")
Deliver = Callable[[int, str], None]

_LATEST_SECONDS = 0.002
"""How long a record that nobody waits for may lie here."""


class Outgoing:
    """The records of one turn of the event loop, handed over as one: one lock, one scan, one wake-up.

    Their order is kept. What somebody waits for leaves at the end of the turn, and all before it; the rest
    leaves with it, or soon. A crash loses what lies here, of which nothing was acknowledged.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: EventSink) -> None:
        self._loop = loop
        self._sink = sink
        self._items: list[Submission] = []
        self._leaving = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: Event | Draft, mailbox: Mailbox, deliver: Deliver, ticket: int) -> None:
        """A record whose answer somebody waits for."""
        self._items.append((record, lambda result: mailbox.post(deliver, ticket, result)))
        if not self._leaving:
            self._leaving = True
            self._loop.call_soon(self.leave)

    def aside(self, record: Event | Draft) -> None:
        """A record that nobody waits for; drafts, of which there are many, may lie a moment."""
        self._items.append((record, None))
        if not isinstance(record, Draft):
            self.leave()
        elif self._timer is None and not self._leaving:
            self._timer = self._loop.call_later(_LATEST_SECONDS, self.leave)

    def leave(self) -> None:
        """Hand over what there is."""
        self._leaving = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items, self._items = self._items, []
        if not items:
            return
        try:
            self._sink.submit_many(items)
        except Exception as error:
            # A bug of the sink's. Who waits is refused; of the rest the numbers in the record show a gap.
            _log.error("gateway failure: %s", place_of_bug(error))
            for _, done in items:
                if done:
                    done(Unavailable("the record could not be made"))


class Mailbox:
    """Thread-safe on one side, loop-only on the other. Order is kept; each letter is delivered once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._letters: deque[tuple[Deliver, int, str]] = deque()
        self._armed = False

    def post(self, deliver: Deliver, ticket: int, result: Receipt | GlasshatchError) -> None:
        """From any thread: the answer to a record."""
        error = "" if isinstance(result, Receipt) else result.message
        self._letters.append((deliver, ticket, error))
        if not self._armed:
            self._armed = True
            # The loop may be closed by now; then nobody waits for the letter either.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        # Disarmed before looking: a letter posted from here on arms it again, so none is left lying.
        self._armed = False
        while self._letters:
            deliver, ticket, error = self._letters.popleft()
            deliver(ticket, error)
