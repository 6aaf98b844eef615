"""Statements that wait for a review: filed, looked after, and withdrawn when nobody waits any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ...errors import Denied, GlasshatchError, place_of_bug
from ..core import Held, HeldRequest, Hold, Input, Reviewed, Reviewing, Withdraw

_log = logging.getLogger("glasshatch.gateway")
_LOOK_SECONDS = 0.3


class Around(Protocol):
    """What is needed of the server."""

    reviewing: Reviewing

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is over before the server is."""


class Waits:
    """The holds of one session. Belongs to the event loop; what blocks is done on threads beside it."""

    def __init__(self, around: Around, feed: Callable[[Input], None]) -> None:
        self._around = around
        self._feed = feed
        self._left: dict[int, tuple[asyncio.Event, list[str]]] = {}

    def begin(self, effect: Hold) -> None:
        """File a request and wait for what becomes of it."""
        if not self._around.reviewing.holds(effect.wish.resource.id):
            self._feed(Reviewed(effect.ticket, "unheld"))
            return
        left = self._left[effect.ticket] = (asyncio.Event(), [])
        self._around.spawn(self._wait(effect, *left))

    def withdraw(self, effect: Withdraw) -> None:
        """Nobody waits for it any more."""
        left = self._left.get(effect.ticket)
        if left is not None:
            left[1].append(effect.reason)
            left[0].set()

    async def _wait(self, effect: Hold, left: asyncio.Event, why: list[str]) -> None:
        try:
            answer = await self._outcome(effect, left, why)
        except Denied as error:
            answer = Reviewed(effect.ticket, "denied", error.message, error.hint)
        except GlasshatchError as error:
            answer = Reviewed(effect.ticket, "denied", "the review cannot be asked for now", error.message)
        except Exception as error:
            _log.error("gateway failure: %s", place_of_bug(error))
            answer = Reviewed(effect.ticket, "denied", "the review could not be asked for")
        finally:
            self._left.pop(effect.ticket, None)
        if answer is not None:
            self._feed(answer)

    async def _outcome(self, effect: Hold, left: asyncio.Event, why: list[str]) -> Reviewed | None:
        reviewing, ticket = self._around.reviewing, effect.ticket
        filed: HeldRequest | None = await asyncio.to_thread(reviewing.file, effect.wish)
        if filed is None:
            return Reviewed(ticket, "unheld")
        if not left.is_set():
            self._feed(Held(ticket, filed.id, filed.notice, filed.hint))
        while not left.is_set():
            verdict = await asyncio.to_thread(reviewing.verdict, filed.id)
            if verdict is not None:
                return Reviewed(
                    ticket, "approved" if verdict.approved else "denied", verdict.reason, verdict.hint,
                    verdict.grant_id, verdict.access,
                )  # fmt: skip
            await _until(left, _LOOK_SECONDS)
        await asyncio.to_thread(reviewing.withdraw, filed.id, why[0] if why else "")
        return None


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
