"""A worker's way to record: its redacted entries go to the front, which makes them durable and says so."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ...api.answers import raised
from ...api.sockets import connect_unix
from ...errors import GlasshatchError, PeerError, Unavailable
from ...events import Done, Receipt
from ...ledger import Large
from ..frames import frame, receive, send
from .values import Entries, Hello, ToWorker

_CONNECT_SECONDS = 10.0
_PART_BYTES = 16 << 20
Item = tuple[bytes | Large, Done | None]
_LOST = "the record cannot be reached at the moment"


class FarRecord:
    """The recording connection of a worker. From any thread; what is handed in first is recorded first.

    When the front is gone nothing can be recorded any more: whoever waits is told, and `lost` is called.
    """

    def __init__(
        self,
        path: Path,
        hello: Hello,
        cancel: Callable[[int, bytes], object],
        lost: Callable[[], None],
    ) -> None:
        """`cancel` hears of cancel requests for this worker's sessions; both from a thread of its own."""
        self._connection = connect_unix(path, _CONNECT_SECONDS)
        self._connection.settimeout(None)
        send(self._connection, hello)
        self._cancel = cancel
        self._lost = lost
        self._lock = threading.Lock()
        self._waiting: dict[int, Done | None] = {}
        self._next = 0
        self._late: deque[bytes] = deque()
        self._wake = threading.Condition(self._lock)
        self._over = False
        threading.Thread(target=self._listen, name="recorded", daemon=True).start()
        threading.Thread(target=self._send_late, name="recording", daemon=True).start()

    def submit_all(self, ledger: str, items: Sequence[Item]) -> None:
        """Hand entries on; each `done` hears of its own exactly once, from another thread."""
        for part in _parts(items):
            entries = [
                (one.entry, one.payload, one.digest) if isinstance(one, Large) else (one, b"", "")
                for one, _ in part
            ]
            self._submit(frame(msgspec.msgpack.encode(Entries(ledger, entries))), [done for _, done in part])

    def _submit(self, data: bytes, dones: Sequence[Done | None]) -> None:
        with self._lock:
            if not self._over:
                self._waiting.update(enumerate(dones, self._next))
                self._next += len(dones)
                self._send(data)
                return
        for done in dones:
            if done is not None:
                done(Unavailable(_LOST, hint="the server's front is restarting"))

    def flush(self, timeout_s: float) -> None:
        """Wait until everything handed in has its answer, for so long at most."""
        with self._lock:
            self._wake.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """End the connection; nothing is lost by that, and nobody is told."""
        self._lost = lambda: None
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        """At once if the socket takes it, as it nearly always does: another thread would cost its wake-up."""
        if not self._late:
            try:
                sent = self._connection.send(data, socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                return  # the listening thread sees the same end, and tells who waits
            data = data[sent:]
        if data:
            self._late.append(data)
            self._wake.notify_all()

    def _send_late(self) -> None:
        while True:
            with self._lock:
                while not self._late and not self._over:
                    self._wake.wait()
                if self._over:
                    return
                data = self._late[0]
            try:
                self._connection.sendall(data)
            except OSError:
                return
            with self._lock:
                # Only now: while it is there, nobody sends past it.
                self._late.popleft()

    def _listen(self) -> None:
        try:
            while True:
                self._take(receive(self._connection, ToWorker))
        except (OSError, PeerError):
            pass
        finally:
            # Also after a bug of ours: who hears no answers any more must not go on.
            self._end()

    def _take(self, said: ToWorker) -> None:
        for one in said.recorded:
            if one.problem is not None:
                self._tell(one.number, raised(one.problem))
            else:
                self._tell(one.number, Receipt(one.index, one.leaf_hash))
        if said.cancel is not None:
            self._cancel(*said.cancel)

    def _tell(self, number: int, answer: Receipt | GlasshatchError) -> None:
        with self._lock:
            done = self._waiting.pop(number, None)
            if not self._waiting:
                self._wake.notify_all()
        if done is not None:
            done(answer)

    def _end(self) -> None:
        with self._lock:
            self._over = True
            waiting, self._waiting = self._waiting, {}
            self._wake.notify_all()
        for done in waiting.values():
            if done is not None:
                done(Unavailable(_LOST, hint="the server's front is restarting"))
        self._lost()


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Items that fit one frame together; what is kept beside an entry alone may take a quarter of it."""
    start = size = 0
    for at, (one, _) in enumerate(items):
        cost = len(one) + (len(one.payload) if isinstance(one, Large) else 0)
        if size and size + cost > _PART_BYTES:
            yield items[start:at]
            start, size = at, 0
        size += cost
    if items:
        yield items[start:]


class FarLedger:
    """One of the front's ledgers, as far as a worker's recorder needs it."""

    def __init__(self, record: FarRecord, name: str) -> None:
        self._record = record
        self._name = name

    def submit_all(self, items: Sequence[Item]) -> None:
        """Append entries in this order."""
        self._record.submit_all(self._name, items)
