"""A worker: one of several processes that serve sessions on one port, while the front keeps what is true.

It holds nothing that outlives it. Without the front nothing can be decided or recorded, so a worker that has
lost it ends at once, and its clients' connections with it; the supervisor starts another.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from ...clock import SystemClock
from ...gateway import GatewayServer
from ...keys import DEFAULT_LEDGER
from ..authority import PolicyAuthority
from ..config import LoadedConfig, load_config
from ..feeds.kinds import kinds_of
from ..home import Home
from ..house import make_redactor
from ..opening import load_engine, load_masking, make_tokens, open_keyring
from ..recorder import Recorder
from ..reviews.rules import ReviewRules
from ..streams import make_streams
from ..workers import (
    FarAuthenticator,
    FarEndings,
    FarLedger,
    FarRecord,
    FarReviews,
    FarStanding,
    FarUsage,
    Hello,
    Line,
    Page,
    Siblings,
)
from .doorway import Ground, imaged, make_gateway
from .files import allow_files
from .lifeline import Lifeline
from .supervisor import LOST_FRONT_CODE

_FLUSH_SECONDS = 10.0


def run_worker(config: Path, number: int, workers: int) -> None:
    """Serve sessions of a configuration until SIGTERM, as number so-and-so of so many; the front is up.

    Raises:
        ConfigError: A setting cannot be used.
        Unavailable: The front is away.
    """
    lifeline = Lifeline()
    lifeline.wait()
    uvloop.run(_Worker(load_config(config), number, workers).serve(lifeline))


class _Worker:
    """The gateway of this process, and its two lines to the front."""

    def __init__(self, loaded: LoadedConfig, number: int, workers: int) -> None:
        self._loaded = loaded
        self._home = Home(loaded.data)
        self._keys = self._home.keyring(loaded.config.tenant)
        self._hello = Hello(number, str(os.getpid()), records=False)
        self._page = Page(self._home.workers_page, workers)
        # Looked at before it is read: a change in between is then read again.
        self._seen = self._stamp()
        keyring = open_keyring(loaded)
        self._epoch = keyring.token_epoch
        self._masking = load_masking(loaded)
        self._redactor = make_redactor(loaded, load_engine(loaded), keyring, self._masking)
        self._gateway: GatewayServer | None = None

    async def serve(self, lifeline: Lifeline) -> None:
        """Until SIGTERM; running statements may finish."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        socket = self._home.workers_socket
        record = FarRecord(
            socket,
            Hello(self._hello.number, self._hello.instance, records=True),
            cancel=lambda process, key: loop.call_soon_threadsafe(self._cancel, process, key),
            lost=_end,
        )
        line = Line(socket, self._hello, lost=_end)
        gateway = self._gateway = self._make_gateway(record, line)
        allow_files(self._loaded.config.gateway.sessions)
        await gateway.start()
        lifeline.ready(f"worker {self._hello.number}")
        await stop.wait()
        await gateway.stop(self._loaded.config.server.drain_seconds)
        # What the sessions said last is in the record before the front is told to stop.
        await asyncio.to_thread(record.flush, _FLUSH_SECONDS)
        line.close()
        record.close()

    def _cancel(self, process: int, key: bytes) -> None:
        """A cancel request that arrived at another worker; before there are sessions it is nobody's."""
        if self._gateway is not None:
            self._gateway.cancel(process, key)

    def _make_gateway(self, record: FarRecord, line: Line) -> GatewayServer:
        loaded, clock = self._loaded, SystemClock()
        standing = FarStanding(line, self._page, self._renew)
        streams = make_streams(loaded, kinds_of(loaded), self._home.ledger_names())
        recorder = Recorder(
            FarLedger(record, DEFAULT_LEDGER),
            self._redactor,
            streams,
            lambda name: FarLedger(record, name),
        )
        return make_gateway(
            Ground(
                loaded=loaded,
                clock=clock,
                redactor=self._redactor,
                masking=self._masking,
                sink=recorder,
                authenticator=FarAuthenticator(self._home.workers_socket, self._hello),
                authority=PolicyAuthority(standing.policy, standing, clock, imaged(loaded)),
                usage=FarUsage(line),
                reviewing=FarReviews(self._home.workers_socket, self._hello, ReviewRules(loaded, clock)),
                siblings=Siblings(self._hello.number, self._page, line),
                endings=FarEndings(line, self._page),
            )
        )

    def _renew(self) -> None:
        """Something changed: if it was the keyring, new tokens are made with the newest key."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        # The configuration too: after a rewrap it names another master key.
        keyring = open_keyring(load_config(self._loaded.file))
        self._seen = stamp
        if keyring.token_epoch != self._epoch:
            self._epoch = keyring.token_epoch
            self._redactor.renew(make_tokens(keyring))

    def _stamp(self) -> tuple[int, int]:
        status = self._keys.stat()
        return status.st_ino, status.st_mtime_ns


def _end() -> None:
    """The front is gone: nothing may pass any more, not even to the end of what runs."""
    sys.stderr.write("glasshatch: a worker lost the front and ends\n")
    sys.stderr.flush()
    os._exit(LOST_FRONT_CODE)
