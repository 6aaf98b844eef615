"""The front's watch over its record: what a crash left is settled before anybody connects, gaps are told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from ...errors import GlasshatchError
from ...gateway import GatewayServer
from ..gaps import GapKeeper, Teller
from ..house import House

_EVERY_SECONDS = 5.0


def open_gaps(house: House) -> GapKeeper:
    """The watch of an opened house."""
    return GapKeeper(
        house.home.derived / "sessions" / "book.json",
        house.ledgers.items,
        house.recorder,
        Teller(house.clock, tenant=house.tenant, instance=str(os.getpid())),
        house.clock,
    )


async def watch_gaps(gaps: GapKeeper, gateway: GatewayServer | None) -> None:
    """Look until cancelled; trouble is said and looked into again, it never stops the server.

    Without a gateway here, workers serve the sessions, and whoever keeps them settles those of a lost one.
    """
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        live = gateway.session_ids if gateway is not None else ()
        look = asyncio.ensure_future(asyncio.to_thread(gaps.look, live, str(os.getpid())))
        try:
            await asyncio.shield(look)
        except (GlasshatchError, OSError) as error:
            sys.stderr.write(f"glasshatch: the watch for gaps: {_words(error)}\n")
        except asyncio.CancelledError:
            # The ledger must not close under a thread that reads it.
            gaps.stop()
            with contextlib.suppress(GlasshatchError, OSError):
                await look
            raise


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, GlasshatchError) else type(error).__name__
