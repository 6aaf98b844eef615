"""Brings acknowledgements from the ledger's thread into the event loop, many with one wake-up."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from ...errors import GlasshatchError
from ...events import Receipt

Deliver = Callable[[int, str], None]


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
