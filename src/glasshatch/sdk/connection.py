"""Connections to a server: Unix sockets of any path length, https, and http on loopback only."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigError

_MAX_PATH_BYTES = 107


def open_connection(server: str, timeout: float) -> http.client.HTTPConnection:
    """A connection that is made when it is first used.

    Args:
        server: `unix:PATH`, `https://host[:port]`, or `http://` on a loopback address.
        timeout: Seconds for each step.

    Raises:
        ConfigError: The address has another form, or would send the token in clear.
    """
    if server.startswith("unix:"):
        return _UnixConnection(Path(server.removeprefix("unix:")), timeout)
    try:
        url = urlsplit(server)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise _not_understood() from None
    if (
        not host
        or url.scheme not in ("http", "https")
        or url.path not in ("", "/")
        or url.query
        or url.username
    ):
        raise _not_understood()
    if url.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    require_loopback(host)
    return http.client.HTTPConnection(host, port, timeout=timeout)


def connect_unix(path: Path, timeout: float) -> socket.socket:
    """A connection to the server behind a socket file; raises `OSError` as `socket.connect` does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        with short_path(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """The path, or for one too long for a socket address another name of it through /proc."""
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def require_loopback(host: str) -> None:
    """Refuse an address other than loopback, on which a token would travel in clear.

    Raises:
        ConfigError: It is not loopback.
    """
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise ConfigError(
            f"{host} is not a loopback address, and tokens do not travel without TLS",
            hint="use 127.0.0.1, or https:// through a proxy that ends TLS",
        )


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        self.sock = connect_unix(self._path, self._seconds)


def _not_understood() -> ConfigError:
    return ConfigError(
        "the server's address is not understood",
        key="--server",
        hint="use unix:PATH, https://host:port, or http://127.0.0.1:port",
    )
