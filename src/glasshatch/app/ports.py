"""Free ports on loopback, for servers that Glasshatch starts for its own use."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
ATTEMPTS = 5
"""How often a start that lost its port is worth another one."""

_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_240
_TRIES = 100


def free_port(host: str = LOOPBACK) -> int:
    """A port of `host` that nothing listens on now.

    It lies below the range from which the system serves outgoing connections and listeners without a
    port of their own, as any of them could take it between this look and the caller's bind. Another
    program that binds a fixed port still can: who starts a server tries again with another port.

    Raises:
        OSError: The host is not this machine's, or it has no free port at all.
    """
    candidates = range(_LOWEST, _first_ephemeral())
    for port in random.sample(candidates, min(_TRIES, len(candidates))):
        with contextlib.suppress(OSError):
            return _bound(host, port)
    return _bound(host, 0)


def _bound(host: str, port: int) -> int:
    with socket.socket() as probe:
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _first_ephemeral() -> int:
    """The first port that the system gives out by itself (ip_local_port_range of ip(7)); 32768 by default."""
    try:
        return int(_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
