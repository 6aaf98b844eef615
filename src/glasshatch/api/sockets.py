"""Where the API listens: Unix sockets of any path length, and loopback TCP; standard library only."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from ..errors import ConfigError

_MAX_PATH_BYTES = 107


def listen_unix(path: Path) -> socket.socket:
    """A listening socket that only its owner may open.

    The caller holds the directory's server lock, so a socket file that is there is a leftover.

    Raises:
        ConfigError: The folder cannot be written.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with _short(path) as address:
            # Between bind and listen nobody can connect, so the mode is right before it matters.
            listener.bind(address)
            os.chmod(address, 0o600)
            listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(f"the API cannot listen here: {error.strerror}", file=str(path)) from None
    return listener


def connect_unix(path: Path, timeout: float) -> socket.socket:
    """A connection to the server behind a socket file; raises `OSError` as `socket.connect` does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        with _short(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; there is no TLS here, so nothing else is allowed.

    Raises:
        ConfigError: The address is not loopback, or the port is taken.
    """
    require_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the API cannot listen on {host}:{port}: {error.strerror}",
            key="server.api",
            hint="choose another port, or stop what uses this one",
        ) from None
    return listener


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


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path, or for one too long for a socket address another name of it through /proc."""
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
