"""One clock for all sessions of a server: each is told when something is due in it.

A timer of its own would cost every idle session more memory than the rest of its waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from ...clock import Clock
from ..core import Tick
from .driver import SessionDriver

_BEAT_SECONDS = 0.25


async def keep_time(
    drivers: Callable[[], Collection[SessionDriver]], clock: Clock, beat: Callable[[], None]
) -> None:
    """Look at all sessions four times a second, until cancelled; `beat` is called each time before."""
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        beat()
        now_ns = clock.monotonic_ns()
        for driver in [one for one in drivers() if one.conversation.due_ns <= now_ns]:
            driver.feed(Tick())
