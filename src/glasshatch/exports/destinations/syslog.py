"""Syslog as RFC 5424 has it: over UDP (RFC 5426), or TCP (RFC 6587) and TLS (RFC 5425) with octet counting.

Syslog has no acknowledgement of its own. Over TCP and TLS a parcel counts as delivered once the other side's
system has confirmed every byte (the kernel's send queue is empty) and the connection still stands; a program
that dies there before it reads them loses them. Over UDP nothing is ever confirmed.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from ...errors import Unavailable
from ..parcel import Form, Item, Parcel

Transport = Literal["udp", "tcp", "tls"]

AUDIT_FACILITY = 13
"""Log audit, by RFC 5424 §6.2.1."""

MAX_DATAGRAM_BYTES = 65_000
_SEVERITIES = (6, 6, 5, 4, 3, 2, 1)
_CONNECT_S = 5.0
_STALLED_S = 10.0
_STEP_S = 0.002
_PRINTABLE = frozenset(range(33, 127))
_CHUNK_BYTES = 1 << 16


class SyslogTarget(msgspec.Struct, frozen=True):
    """An address, and how messages name this program."""

    transport: Transport
    host: str
    port: int
    hostname: str
    app: str = "glasshatch"
    facility: int = AUDIT_FACILITY


class Syslog:
    """One receiver. Used by one thread; `close` may come from another."""

    def __init__(
        self, target: SyslogTarget, form: Form, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """Nothing is contacted yet. `tls` makes a context for each connection, so files may change."""
        self.where = f"syslog+{target.transport}://{target.host}:{target.port}"
        self._target = target
        self._form = form
        self._tls = tls
        self._socket: socket.socket | None = None

    def deliver(self, parcel: Parcel) -> None:
        """Hand every event over; raises `Unavailable` with the reason, and connects anew the next time."""
        try:
            if self._target.transport == "udp":
                self._datagrams(parcel)
            else:
                self._stream(parcel)
        except ssl.SSLError as error:
            self.close()
            raise Unavailable(f"TLS failed: {error.reason or 'broken off'}") from None
        except OSError as error:
            self.close()
            raise Unavailable(_reason(error)) from None

    def close(self) -> None:
        """Break the connection off; who waits for it gets an error."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def message(self, item: Item) -> bytes:
        """One message: header, no structured data, and the event as UTF-8 (MSG-ANY, so without a BOM)."""
        target, event = self._target, item.event
        priority = target.facility * 8 + _SEVERITIES[min(max(event.severity, 0), len(_SEVERITIES) - 1)]
        head = " ".join((
            f"<{priority}>1", _timestamp(item.recorded_ns), _name(target.hostname, 255),
            _name(target.app, 48), "-", _name(event.action, 32), "-",
        ))  # fmt: skip
        return head.encode("ascii") + b" " + self._form.line(item)

    def _datagrams(self, parcel: Parcel) -> None:
        target = self._target
        if self._socket is None:
            family, kind, _, _, address = socket.getaddrinfo(
                target.host, target.port, type=socket.SOCK_DGRAM
            )[0]
            self._socket = socket.socket(family, kind)
            self._socket.connect(address)
        for item in parcel.items:
            # A receiver cuts what is too long for it; the id stands in front.
            self._socket.send(self.message(item)[:MAX_DATAGRAM_BYTES])

    def _stream(self, parcel: Parcel) -> None:
        sock = self._connected()
        frames = bytearray()
        for item in parcel.items:
            message = self.message(item)
            frames += b"%d " % len(message)
            frames += message
            if len(frames) > _CHUNK_BYTES:
                sock.sendall(frames)
                frames.clear()
        sock.sendall(frames)
        _confirmed(sock)

    def _connected(self) -> socket.socket:
        sock = self._socket
        if sock is not None and _has_ended(sock):
            self.close()
            sock = None
        if sock is None:
            target = self._target
            sock = socket.create_connection((target.host, target.port), _CONNECT_S)
            if self._tls is not None:
                sock = self._tls().wrap_socket(sock, server_hostname=target.host)
            sock.settimeout(_STALLED_S)
            self._socket = sock
        return sock


def _confirmed(sock: socket.socket) -> None:
    """Wait until the other side's system has all that was sent, and see that it has not gone since.

    Raises:
        OSError: It has not, or has; what it got of the last parcel is not known then.
    """
    deadline_s = time.monotonic() + _STALLED_S
    while _unconfirmed_bytes(sock):
        if time.monotonic() > deadline_s:
            raise TimeoutError
        time.sleep(_STEP_S)
    if _has_ended(sock):
        raise ConnectionResetError


def _unconfirmed_bytes(sock: socket.socket) -> int:
    """What TCP has not had acknowledged yet (SIOCOUTQ, which is TIOCOUTQ, on Linux)."""
    (waiting,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
    return int(waiting)


def _has_ended(sock: socket.socket) -> bool:
    """Whether the peer closed. A receiver never speaks; what it says all the same is passed over."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    sock.setblocking(False)
    try:
        while poll.poll(0):
            if not sock.recv(_CHUNK_BYTES):
                return True
        return False
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(_STALLED_S)


def _timestamp(time_ns: int) -> str:
    """RFC 5424 §6.2.3, to the microsecond."""
    if not time_ns:
        return "-"
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=time_ns // 1_000)
    return f"{moment.isoformat(timespec='microseconds')}Z"


def _name(text: str, longest: int) -> str:
    """A field of the header: printable ASCII without blanks, or the word for nothing."""
    return "".join(c if ord(c) in _PRINTABLE else "_" for c in text[:longest]) or "-"


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return error.strerror.lower() if error.strerror else "broke the connection off"
