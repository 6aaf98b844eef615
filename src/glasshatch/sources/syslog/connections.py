"""Syslog over TCP (RFC 6587) and TLS (RFC 5425): many senders, of whom none holds up another.

Back-pressure is TCP's own: while the hopper is full nobody is read, and senders keep what they have. There is
no acknowledgement in the protocol: what a crash finds in the kernel's buffers and in the hopper is lost.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from typing import Any, Final, cast

from ..receiving import Counts, Door, Listening, cannot_listen, server_context
from .framing import Frame, Framer
from .hopper import Hopper
from .receive import STRANGER, Numbered, plain_address

_MOST_CONNECTIONS: Final = 1_000
_MOST_OF_ONE: Final = 100
_HANDSHAKE_SECONDS: Final = 15.0
_UNENDED_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 1.0
_BACKLOG: Final = 256
_ACCEPTS_A_TURN: Final = 50


class ConnectionReceiver:
    """One TCP port on the server's event loop, with TLS or without."""

    def __init__(self, listening: Listening, door: Door) -> None:
        self._listening = listening
        self._door = door
        self._hopper = Hopper(door, self._room)
        self._socket: socket.socket | None = None
        self._context: ssl.SSLContext | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._greeting: set[asyncio.Task[None]] = set()
        self._of_one: Counter[str] = Counter()
        self._turn = 0
        self.numbered = Numbered(listening)
        self.senders: set[Sender] = set()

    async def start(self) -> None:
        """Listen; raises `ConfigError` if the address is taken."""
        self._context = server_context(self._listening) if self._listening.certificate else None
        family = socket.AF_INET6 if ":" in self._listening.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((self._listening.host, self._listening.port))
            self._socket.listen(_BACKLOG)
        except OSError as error:
            self._socket.close()
            self._socket = None
            raise cannot_listen(self._listening, error) from None
        self._loop = asyncio.get_running_loop()
        self._hopper.start()
        self._loop.add_reader(self._socket, self._accept)
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    async def stop(self) -> None:
        """Listen no more, cut everybody, and hand over what came whole."""
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        if self._timer is not None:
            self._timer.cancel()
        for task in self._greeting:
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)
        for sender in list(self.senders):
            sender.cut("cut off: the server stopped")
        await asyncio.to_thread(self._hopper.close)

    def counts(self) -> Counts:
        """How it is doing."""
        return Counts(connections=len(self.senders), received=self.numbered.count)

    @property
    def full(self) -> bool:
        """Whether nobody should be read now."""
        return self._hopper.full

    def take(self, frame: Frame, sender: Sender) -> None:
        """One message of a sender; when it fills the hopper, everybody waits."""
        item = self.numbered.item(frame.data, sender.peer, sender.peer_name, frame.problem)
        if not self._hopper.put(item):
            for one in self.senders:
                one.wait()

    def left(self, sender: Sender) -> None:
        """A connection is over."""
        self.senders.discard(sender)
        self._let_go(sender.peer)

    def _let_go(self, peer: str) -> None:
        self._of_one[peer] -= 1
        if self._of_one[peer] <= 0:
            del self._of_one[peer]

    def _accept(self) -> None:
        """Let in who may, before a byte is read or a handshake costs anything."""
        assert self._socket is not None
        for _ in range(_ACCEPTS_A_TURN):
            try:
                connection, (seen, *_) = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:
                # No descriptor is left: what is open goes on, and the others wait in the backlog.
                self._rest()
                return
            peer = plain_address(seen)
            if reason := self._refusal(peer):
                self._door.refuse(peer, reason)
                connection.close()
                continue
            self._of_one[peer] += 1
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            task = self._loop.create_task(self._greet(connection, peer))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    def _refusal(self, peer: str) -> str:
        if not self._door.allows(peer):
            return STRANGER
        if len(self.senders) + len(self._greeting) >= _MOST_CONNECTIONS:
            return f"{_MOST_CONNECTIONS} connections are open"
        return f"has {_MOST_OF_ONE} connections open" if self._of_one[peer] >= _MOST_OF_ONE else ""

    def _rest(self) -> None:
        assert self._socket is not None
        self._loop.remove_reader(self._socket)
        self._loop.call_later(_LOOK_SECONDS, self._accept_again)

    def _accept_again(self) -> None:
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._accept)

    async def _greet(self, connection: socket.socket, peer: str) -> None:
        """The handshake, where there is one; a failed one costs its sender only."""
        sender = Sender(self, peer)
        timeout = {"ssl_handshake_timeout": _HANDSHAKE_SECONDS} if self._context else {}
        try:
            await self._loop.connect_accepted_socket(lambda: sender, connection, ssl=self._context, **timeout)
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:
            connection.close()
            if not sender.made:
                self._let_go(peer)
            if isinstance(error, asyncio.CancelledError):
                raise
            self._door.refuse(peer, _handshake_problem(error))

    def _room(self) -> None:
        self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        """Everybody may send again. Who is first may fill the hopper alone, so that each is first in turn."""
        order = list(self.senders)
        self._turn = (self._turn + 1) % max(len(order), 1)
        for one in (*order[self._turn :], *order[: self._turn]):
            one.go_on()

    def _look(self) -> None:
        """Cut who began a message and does not end it: else a few could hold every connection for ever."""
        now_s = time.monotonic()
        for sender in list(self.senders):
            since_s = 0.0 if sender.waits else sender.unended_since_s
            if since_s and now_s - since_s > _UNENDED_SECONDS:
                sender.cut("cut off: the rest did not come in a minute")
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)


class Sender(asyncio.Protocol):
    """One connection."""

    def __init__(self, receiver: ConnectionReceiver, peer: str) -> None:
        self._receiver = receiver
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self.waits = False
        self.peer = peer
        self.peer_name = ""
        self.unended_since_s = 0.0
        self.made = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.made = cast(asyncio.Transport, transport), True
        self.peer_name = _name_in(transport.get_extra_info("peercert"))
        self._receiver.senders.add(self)
        if self._receiver.full:
            self.wait()

    def data_received(self, data: bytes) -> None:
        frames = self._framer.feed(data)
        self._take(frames)
        if frames or not self._framer.pending:
            self.unended_since_s = 0.0
        if self._framer.pending and not self.unended_since_s:
            self.unended_since_s = time.monotonic()
        if self._framer.broken:
            self._close()

    def eof_received(self) -> bool:
        self._take(self._framer.end())
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._take(self._framer.end("cut off: the connection broke" if error else ""))
        self._receiver.left(self)
        self._transport = None

    def cut(self, why: str) -> None:
        """End it now; a message that has begun is kept as one that did not end."""
        self._take(self._framer.end(why))
        self._close()

    def wait(self) -> None:
        """Read nothing on."""
        if self._transport is not None and not self.waits and not self._transport.is_closing():
            self.waits = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._transport is not None and self.waits and not self._transport.is_closing():
            self.waits = False
            # The time while it was our turn to wait is not the sender's.
            self.unended_since_s = time.monotonic() if self._framer.pending else 0.0
            self._transport.resume_reading()

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            self._receiver.take(frame, self)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _handshake_problem(error: Exception) -> str:
    """Why a handshake failed, in words of the library and none of the sender's."""
    reason = getattr(error, "reason", "") or type(error).__name__
    return f"the TLS handshake failed: {str(reason).lower().replace('_', ' ')}"


def _name_in(certificate: Any) -> str:
    """The name that a verified certificate says: its first DNS name, else its common name."""
    if not certificate:
        return ""
    names = [text for kind, text in certificate.get("subjectAltName", ()) if kind == "DNS"]
    common = [text for part in certificate.get("subject", ()) for kind, text in part if kind == "commonName"]
    return next(iter((*names, *common)), "")
