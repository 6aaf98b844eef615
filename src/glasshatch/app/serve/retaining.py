"""The running server's retention: looks now and then, at half speed, and prunes what the policy lets go."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from ...api.retention import Pruned
from ...errors import GlasshatchError
from ..config import duration_seconds
from ..house import House
from ..retention import Retention

_FIRST_SECONDS = 60
_REASON = "retention policy"


async def retain(house: House) -> None:
    """Prune until cancelled; trouble is said and tried again at the next time, it never stops the server."""
    section = house.loaded.config.retention
    if not section.keep or not section.automatic:
        return
    retention, every_s = Retention(house, calm=True), duration_seconds(section.every)
    await asyncio.sleep(min(_FIRST_SECONDS, every_s))
    while True:
        try:
            for name, _ in house.ledgers.items():
                while (await _step(retention, name)).more:
                    pass
        except GlasshatchError as error:
            sys.stderr.write(f"glasshatch: retention: {error}\n")
        await asyncio.sleep(every_s)


async def _step(retention: Retention, ledger: str) -> Pruned:
    step = asyncio.ensure_future(asyncio.to_thread(retention.prune, ledger, reason=_REASON))
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        # The ledger must not close under a thread that prunes it.
        retention.stop()
        with contextlib.suppress(GlasshatchError):
            await step
        raise
