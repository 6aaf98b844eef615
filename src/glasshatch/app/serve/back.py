"""The back: index, detection, the public API and the page, all behind the ledger. It keeps no truth."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import uvloop

from ...api.server import ApiServer
from ..config import LoadedConfig, load_config
from ..desk import ForwardedPart, FrontAuthenticator
from ..home import Home
from .lifeline import Lifeline


def run_back(config: Path) -> None:
    """Run the back of a configuration until SIGTERM; the front of the same directory is up.

    Raises:
        ConfigError: A setting cannot be used, or the API's port is taken.
    """
    lifeline = Lifeline()
    uvloop.run(_serve(load_config(config), lifeline))


async def _serve(loaded: LoadedConfig, lifeline: Lifeline) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    home = Home(loaded.data)
    authenticator = FrontAuthenticator(home.front_socket)
    desk = ForwardedPart(home.front_socket)
    api = ApiServer(desk, authenticator, home.socket, loaded.config.server.api)
    try:
        await api.start()
        lifeline.ready(f"API on unix:{home.socket}")
        await stop.wait()
    finally:
        await api.stop()
