"""Waiting for events that are yet to come, without holding a thread or outstaying one's welcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from .ports import Tail
from .values import RecordedEvent

HEARTBEAT_SECONDS: Final = 5.0
RECHECK_SECONDS: Final = 2.0
_STEP_SECONDS = 0.1


def _looked_at(tail: Tail, still_allowed: Callable[[], object]) -> None:
    still_allowed()
    tail.settle()


async def follow(tail: Tail, still_allowed: Callable[[], object]) -> AsyncIterator[list[RecordedEvent]]:
    """Batches as they arrive, and an empty one as a sign of life after some silence.

    `still_allowed` is called every two seconds, in a thread, before anything more is handed out; what it
    raises ends the following. So a reader whose token was revoked gets two seconds of events at most.

    Raises:
        Unavailable: The reader was too slow and events were skipped, or the server stops.
    """
    checked_s = quiet_since_s = time.monotonic()
    while True:
        # Asked without patience: a blocking wait would take one of few threads for each open tail,
        # and with all of them taken nobody could even sign in.
        found = tail.next(0.0)
        now_s = time.monotonic()
        if now_s - checked_s >= RECHECK_SECONDS:
            await asyncio.to_thread(_looked_at, tail, still_allowed)
            checked_s = now_s
        if found or now_s - quiet_since_s >= HEARTBEAT_SECONDS:
            quiet_since_s = now_s
            yield found
        else:
            await asyncio.sleep(_STEP_SECONDS)
