"""Syslog over UDP (RFC 5426): a message a datagram, and an honest count of what the kernel dropped.

When the hopper is full nothing is read, the kernel's buffer fills, and the kernel counts what it drops
there: that is the one place where datagrams are lost, and /proc/net/udp tells how many.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Final

from ..receiving import Counts, Door, Listening, cannot_listen
from .hopper import Hopper
from .receive import STRANGER, Numbered, plain_address

_BUFFER_BYTES: Final = 8 * 1024 * 1024
_LONGEST: Final = 65_536
_READS_A_TURN: Final = 200
_LOOK_SECONDS: Final = 1.0
_FORCE_BUFFER = getattr(socket, "SO_RCVBUFFORCE", 33)


class DatagramReceiver:
    """One UDP port on the server's event loop."""

    def __init__(self, listening: Listening, door: Door) -> None:
        self._listening = listening
        self._door = door
        self._numbered = Numbered(listening)
        self._hopper = Hopper(door, self._room)
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drops = 0

    async def start(self) -> None:
        """Listen; raises `ConfigError` if the address is taken."""
        family = socket.AF_INET6 if ":" in self._listening.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        _widen(self._socket)
        try:
            self._socket.bind((self._listening.host, self._listening.port))
        except OSError as error:
            self._socket.close()
            self._socket = None
            raise cannot_listen(self._listening, error) from None
        self._loop = asyncio.get_running_loop()
        self._hopper.start()
        self._loop.add_reader(self._socket, self._read)
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    async def stop(self) -> None:
        """Listen no more, and hand over what came, what is in the kernel's buffer included."""
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket)
        if self._timer is not None:
            self._timer.cancel()
        while not self._hopper.full and self._read_some():
            pass
        self._count_drops()
        self._socket.close()
        self._socket = None
        await asyncio.to_thread(self._hopper.close)

    def counts(self) -> Counts:
        """How it is doing."""
        return Counts(received=self._numbered.count)

    def _read(self) -> None:
        self._read_some()

    def _read_some(self) -> bool:
        """Read, but not for ever: others have their turn on this loop. Says whether there may be more."""
        assert self._socket is not None
        for _ in range(_READS_A_TURN):
            try:
                data, (seen, *_) = self._socket.recvfrom(_LONGEST)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                continue  # an ICMP error about nobody we send to
            address = plain_address(seen)
            if not self._door.allows(address):
                self._door.refuse(address, STRANGER)
            elif not self._hopper.put(self._numbered.item(data, address)):
                self._loop.remove_reader(self._socket)
                return False
        return True

    def _room(self) -> None:
        self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._read)

    def _look(self) -> None:
        self._count_drops()
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    def _count_drops(self) -> None:
        assert self._socket is not None
        drops = dropped_by_kernel(self._socket)
        if drops > self._drops:
            self._door.lost(drops - self._drops, "datagrams", "the kernel's buffer for them was full")
            self._drops = drops


def _widen(one: socket.socket) -> None:
    """As large a buffer as we may have: the kernel's limit binds who is not root."""
    try:
        one.setsockopt(socket.SOL_SOCKET, _FORCE_BUFFER, _BUFFER_BYTES)
    except OSError:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)


def dropped_by_kernel(one: socket.socket) -> int:
    """How many datagrams of this socket the kernel dropped since it was opened; 0 where nobody tells."""
    table = Path("/proc/net/udp6" if one.family == socket.AF_INET6 else "/proc/net/udp")
    inode = str(os.fstat(one.fileno()).st_ino)
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return 0
    return next((int(row[12]) for row in map(str.split, lines) if len(row) > 12 and row[9] == inode), 0)
