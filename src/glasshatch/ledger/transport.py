"""One HTTP exchange with a stranger: bounded in time and size, no redirects, no proxy."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Mapping

import msgspec

from ..errors import ConfigError, PeerError, Unavailable

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 32 << 20
_CHUNK_BYTES = 64 * 1024


class Exchanged(msgspec.Struct, frozen=True):
    """An answer: its status, type and body."""

    status: int
    content_type: str
    body: bytes


class Address(msgspec.Struct, frozen=True):
    """Where to: scheme, host, port and the path in front of every request's own."""

    scheme: str
    host: str
    port: int | None
    prefix: str


def parse_address(url: str, *, key: str) -> Address:
    """An http or https URL; errors name `key`.

    Raises:
        ConfigError: It is none, or it carries a password, query or fragment.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("is no address", key=key, hint="https://host/path") from None
    sound = parts.scheme in ("http", "https") and parts.hostname and url.isascii() and url.isprintable()
    if not sound or " " in url:
        raise ConfigError("is no address", key=key, hint="https://host/path")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigError("may not hold a user, password, query or fragment", key=key)
    return Address(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))


def exchange(
    address: Address,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_SECONDS,
) -> Exchanged:
    """Ask once; the whole answer is in memory when this returns.

    Raises:
        Unavailable: No answer in time, or no connection.
        PeerError: The answer is too large or not HTTP.
    """
    connection = _connect(address, timeout_s)
    overdue = threading.Event()

    def give_up() -> None:
        overdue.set()
        if connection.sock is not None:
            # Ends a wait in another thread. The socket's own timeout would begin anew at each byte.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    watch = threading.Timer(timeout_s, give_up)
    watch.daemon = True
    watch.start()
    try:
        sent = {"User-Agent": "glasshatch", "Connection": "close", "Accept-Encoding": "identity"}
        connection.request(method, f"{address.prefix}/{path}", body, sent | dict(headers or {}))
        response = connection.getresponse()
        data = _read(response)
        if overdue.is_set():
            raise TimeoutError  # a body without a length may have been cut off
        return Exchanged(response.status, response.headers.get_content_type(), data)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(address, TimeoutError() if overdue.is_set() else error) from None
    finally:
        watch.cancel()
        connection.close()


def _connect(address: Address, timeout_s: float) -> http.client.HTTPConnection:
    if address.scheme == "https":
        return http.client.HTTPSConnection(
            address.host, address.port, timeout=timeout_s, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(address.host, address.port, timeout=timeout_s)


def _read(response: http.client.HTTPResponse) -> bytes:
    data = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        data += chunk
        if len(data) > MAX_ANSWER_BYTES:
            raise PeerError("the answer is too large")
    if response.length:
        # A cut-off checkpoint must not look like a false one.
        raise http.client.IncompleteRead(bytes(data), response.length)
    return bytes(data)


def _failed(address: Address, error: Exception) -> Unavailable | PeerError:
    if isinstance(error, http.client.HTTPException):
        return PeerError(f"{address.host} does not speak HTTP as expected")
    if isinstance(error, TimeoutError):
        reason = "no answer in time"
    elif isinstance(error, socket.gaierror):
        reason = "its name is not known"
    elif isinstance(error, ssl.SSLError):
        reason = f"TLS failed: {error.reason or 'broken off'}"
    else:
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return Unavailable(f"{address.host} cannot be reached: {reason}", hint="try again later")
