"""One clock for all sessions of a server: each is told when something is due in it.

A timer of its own would cost every idle session more memory than the rest of its waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from ...clock import Clock
from ...errors import GlasshatchError
from ...identity import Identity
from ..core import Authority, Cut, Tick
from .driver import SessionDriver

_BEAT_SECONDS = 0.25
_WARDEN_SECONDS = 0.3


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


async def keep_grants(drivers: Callable[[], Collection[SessionDriver]], authority: Authority) -> None:
    """End sessions that rest on a grant which was taken back, within a moment, until cancelled."""
    while True:
        await asyncio.sleep(_WARDEN_SECONDS)
        for driver in list(drivers()):
            resting = driver.conversation.rests_on
            if resting is not None and (reason := _cut_off(authority, *resting)):
                driver.feed(Cut(reason))


def _cut_off(authority: Authority, actor: Identity, grants: frozenset[str]) -> str:
    try:
        return authority.cut_off(actor, grants)
    except GlasshatchError:
        return "it cannot be told at the moment whether its grant still holds"
