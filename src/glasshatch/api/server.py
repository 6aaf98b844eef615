"""The API's server: one thread with an event loop of its own, apart from the gateway's."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn
from litestar import Router

from ..errors import ConfigError, Unavailable, place_of_bug
from .http import create_app
from .ports import Authenticator, Desk, TlogSettings
from .sockets import listen_tcp, listen_unix

_START_SECONDS = 15.0


class ApiServer:
    """Serves the API on a Unix socket and, if asked, on a loopback address."""

    def __init__(
        self,
        desk: Desk,
        authenticator: Authenticator,
        unix: Path,
        tcp: str = "",
        unexpected: Callable[[BaseException], None] | None = None,
        page: Router | None = None,
        *,
        use: bool = False,
        tlog: TlogSettings | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            unix: The socket file; its folder exists and belongs to this server alone.
            tcp: `host:port` on loopback, or nothing.
            unexpected: Told of exceptions that are our bugs; by default their type and place go to
                standard error, and never their message, which could hold values.
            page: What is served for people outside of `/v1`.
            use: Serve the record's use too; `desk` is then a `UseDesk`.
            tlog: The ledger's tiles, if they are served here.
        """
        self._unix = unix
        self._tcp = tcp
        config = uvicorn.Config(
            create_app(desk, authenticator, unexpected or _complain, page, use=use, tlog=tlog),
            loop="uvloop",
            lifespan="off",
            log_config=None,
            # An access log would hold what people searched for; the record has every read.
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=256,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self.tcp_address: tuple[str, int] | None = None

    async def start(self) -> None:
        """Listen; requests are answered when this returns.

        Raises:
            ConfigError: The socket's folder or the port cannot be used.
            Unavailable: The server did not come up.
        """
        sockets = self._listen()
        self._thread = threading.Thread(target=self._run, args=(sockets,), name="api", daemon=True)
        self._thread.start()
        if not await asyncio.to_thread(self._ready.wait, _START_SECONDS) or not self._server.started:
            await self.stop()
            raise Unavailable("the API did not start", hint="see the server's log")

    async def stop(self) -> None:
        """Stop listening, finish what runs (at most five seconds), and remove the socket.

        May be called when `start` was not, or failed.
        """
        self._server.should_exit = True
        if self._thread:
            await asyncio.to_thread(self._thread.join)
            self._unix.unlink(missing_ok=True)

    def _listen(self) -> list[socket.socket]:
        sockets = [listen_unix(self._unix)]
        if self._tcp:
            try:
                sockets.append(listen_tcp(*_address(self._tcp)))
            except BaseException:
                sockets[0].close()
                self._unix.unlink(missing_ok=True)
                raise
            host, port = sockets[1].getsockname()[:2]
            self.tcp_address = (host, port)
        return sockets

    def _run(self, sockets: list[socket.socket]) -> None:
        try:
            with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
                runner.run(self._serve(sockets))
        finally:
            self._ready.set()
            for listener in sockets:
                listener.close()

    async def _serve(self, sockets: list[socket.socket]) -> None:
        async with asyncio.TaskGroup() as tasks:
            # Off the main thread uvicorn leaves signals alone, which are the caller's.
            serving = tasks.create_task(self._server.serve(sockets))
            while not self._server.started and not serving.done():
                await asyncio.sleep(0.005)
            self._ready.set()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError("is no address", key="server.api", hint="for example: 127.0.0.1:7443")
    return host.strip("[]"), int(port)


def _complain(error: BaseException) -> None:
    sys.stderr.write(f"glasshatch: a bug in the API: {place_of_bug(error)}\n")
