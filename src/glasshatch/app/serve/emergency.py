"""A gateway alone, for whoever breaks the glass while the ledger or the control store cannot be used.

It has the keys, the policy's files, the masking rules and the book, and nothing else. What happens here is in
the book; the next good start of the server brings it to the ledger before anything else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from ...clock import SystemClock
from ...errors import ConfigError, GlasshatchError, Unavailable, VerificationError
from ...identity import Identity
from ...masking import Redactor
from ...policy import Grant
from ..authority import PolicyAuthority
from ..breakglass.door import Door
from ..breakglass.entering import GlassAuthenticator
from ..breakglass.opening import lone_door, open_book
from ..breakglass.spooling import SpoolingSink
from ..config import LoadedConfig
from ..home import Home
from ..house import load_policy, make_redactor
from ..limiting import make_usage
from ..opening import load_engine, load_masking, open_keyring
from ..recorder import EventMaker
from ..reviews.channels import open_channels
from ..reviews.notices import Notifier
from ..reviews.telling import tell_break_glass
from .doorway import Ground, make_gateway


class Nobody:
    """A `StandingSource` without a control store: it knows nobody, so nobody is let in by it."""

    def current(self, actor_id: str) -> Identity:
        """Nobody is anything."""
        raise Unavailable("the control store is not open")

    def grants_of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """Nobody holds anything."""
        return ()

    def access(self, grant_id: str) -> Any:
        """Nothing is known of any grant."""
        return None


def may_help(error: GlasshatchError, loaded: LoadedConfig) -> bool:
    """Whether it is the kind of failure that break-glass is for: the ledger or the control store is down.

    A mistake in the configuration is not: that is told, and mended, first.
    """
    if isinstance(error, Unavailable | VerificationError):
        return True
    return isinstance(error, ConfigError) and str(Home(loaded.data).control_db) in error.message


async def serve_emergency(loaded: LoadedConfig, why: GlasshatchError) -> bool:
    """Serve sessions behind sheets until SIGTERM; False at once if no sheet could open anything.

    One process serves them all, also where there are workers: these wait for a front that has its ledger.

    Raises:
        GlasshatchError: The gateway cannot be opened even so.
    """
    lock = await asyncio.to_thread(Home(loaded.data).lock)
    try:
        found = _armed(loaded)
        if found is not None:
            await _serve(loaded, *found, why)
        return found is not None
    finally:
        lock.release()


async def sheets_may_open(loaded: LoadedConfig) -> bool:
    """Whether some sheet could open something, if this server served nothing else."""
    lock = await asyncio.to_thread(Home(loaded.data).lock)
    try:
        found = _armed(loaded)
        if found is not None:
            found[0].book.close()
        return found is not None
    finally:
        lock.release()


def _armed(loaded: LoadedConfig) -> tuple[Door, Redactor] | None:
    """The door without a house, if a sheet could open it, and what redacts its record."""
    keyring = open_keyring(loaded)
    book = open_book(loaded, keyring)
    if not book.exists or book.damage is not None:
        return None
    redactor = make_redactor(loaded, load_engine(loaded), keyring, load_masking(loaded))
    clock = SystemClock()
    maker = EventMaker(clock, tenant=loaded.config.tenant, instance=str(os.getpid()))
    door = lone_door(book, redactor, clock, maker.make)
    if door.armed:
        return door, redactor
    book.close()
    return None


async def _serve(loaded: LoadedConfig, door: Door, redactor: Redactor, why: GlasshatchError) -> None:
    clock, policies = SystemClock(), load_policy(loaded)
    sink = SpoolingSink(None, door, clock)
    gateway = make_gateway(
        Ground(
            loaded=loaded, clock=clock, redactor=redactor, masking=load_masking(loaded), sink=sink,
            authenticator=GlassAuthenticator(None, door),
            authority=PolicyAuthority(lambda: policies.current, Nobody(), clock),
            usage=make_usage(loaded),
        )
    )  # fmt: skip
    notifier = Notifier(
        open_channels(loaded, clock), lambda channel, notice, why: _say(f"channel {channel}: {why}")
    )
    door.told = lambda event: tell_break_glass(notifier, event)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await gateway.start()
    _say(f"BREAK-GLASS ONLY on {loaded.config.gateway.postgres}: {why}")
    _say(
        "sessions open with a sheet and a reason; they are kept in the break-glass book until this is mended"
    )
    try:
        await stop.wait()
    finally:
        await gateway.stop(loaded.config.server.drain_seconds)
        await asyncio.to_thread(sink.close)
        await asyncio.to_thread(notifier.close)
        door.book.close()


def _say(text: str) -> None:
    sys.stderr.write(f"glasshatch: {text}\n")
    sys.stderr.flush()
