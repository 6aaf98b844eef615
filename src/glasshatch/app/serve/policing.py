"""The running server's policy: its files are looked at now and then, and at once on SIGHUP."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from ...errors import ConfigError, GlasshatchError
from ..house import House
from ..policies import LivePolicy

_LOOK_SECONDS = 0.5


async def keep_policy(house: House) -> None:
    """Look until cancelled; a broken text is said once, and what was in force stays."""
    hup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hup.set)
    try:
        while True:
            asked = await _either(hup)
            try:
                await asyncio.to_thread(_look, house, asked)
            except GlasshatchError as error:
                # A ledger that takes nothing any more is seen, and the server ended, elsewhere.
                sys.stderr.write(f"glasshatch: policy: {error}\n")
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


async def _either(hup: asyncio.Event) -> bool:
    """Wait for a signal or for the next time to look; whether it was a signal."""
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await hup.wait()
    except TimeoutError:
        return False
    hup.clear()
    return True


def _look(house: House, asked: bool) -> None:
    for policies in (house.policies, house.access_policies):
        _look_at(policies, house, asked)


def _look_at(policies: LivePolicy[Any], house: House, asked: bool) -> None:
    before = policies.current
    if asked:
        policies.look(house.note, "SIGHUP")
    else:
        problem = policies.watch(house.note)
        if problem:
            raise ConfigError(f"{problem}; {before.name} {before.hash[:12]} stays in force")
    now = policies.current
    if now is not before:
        sys.stderr.write(f"glasshatch: policy {now.name} {now.hash[:12]} is in force\n")
