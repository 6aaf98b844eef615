"""Where the API listens: Unix sockets of any path length, and loopback TCP; standard library only."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ..errors import ConfigError
from ..sdk.connection import connect_unix, require_loopback, short_path

__all__ = ["connect_unix", "listen_tcp", "listen_unix"]


def listen_unix(path: Path) -> socket.socket:
    """A listening socket that only its owner may open.

    The caller holds the directory's server lock, so a socket file that is there is a leftover.

    Raises:
        ConfigError: The folder cannot be written.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with short_path(path) as address:
            # Between bind and listen nobody can connect, so the mode is right before it matters.
            listener.bind(address)
            os.chmod(address, 0o600)
            listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(f"the API cannot listen here: {error.strerror}", file=str(path)) from None
    return listener


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
