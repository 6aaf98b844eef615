"""A Unix socket of a server's own processes: one thread for each connection, which are few."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from ..api.sockets import listen_unix
from ..errors import GlasshatchError


class Attendance:
    """Listens, and lets `attend` see each connection to its end; what a peer does wrong ends its own only.

    The socket may be opened by the server's own account only, which holds the keys anyway.
    """

    def __init__(self, path: Path, attend: Callable[[socket.socket], None]) -> None:
        self._path = path
        self._attend = attend
        self.stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen; raises `ConfigError` if the folder cannot be used."""
        self._listener = listen_unix(self._path)
        self._spawn(self._accept)

    def stop(self) -> None:
        """End every connection."""
        self.stopping.set()
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._path.unlink(missing_ok=True)

    def _spawn(self, work: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=self._path.stem, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listener is not None
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            self._spawn(lambda connection=connection: self._see(connection))  # type: ignore[misc]

    def _see(self, connection: socket.socket) -> None:
        with (
            contextlib.closing(connection),
            contextlib.suppress(OSError, GlasshatchError, msgspec.DecodeError),
        ):
            self._attend(connection)
        self._connections.discard(connection)
