"""What was received and is not yet recorded: bounded, handed over by a thread of its own.

A crash loses what is in it: syslog knows no acknowledgement that could be held back. It is small, and
whoever fills it must wait, or lose and count, at the socket.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from ...errors import GlasshatchError, Unavailable
from ..items import Item
from ..receiving import Door

_MOST_ITEMS: Final = 20_000
_MOST_BYTES: Final = 32 * 1024 * 1024
_BATCH_ITEMS: Final = 1_000
_BATCH_BYTES: Final = 4 * 1024 * 1024
_GATHER_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 0.5
_LEAVE_SECONDS: Final = 5.0
OF: Final = "messages"


class Hopper:
    """Safe from any thread. `room` is called, in another thread, when what was full is half empty."""

    def __init__(self, door: Door, room: Callable[[], object]) -> None:
        self._door = door
        self._room = room
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._waiting_for_room = False
        self._changed = threading.Condition()
        self._leave_by: float | None = None
        self._thread = threading.Thread(target=self._run, name="syslog", daemon=True)

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def put(self, item: Item) -> bool:
        """Take an item; False says that it is full now, and that `room` will be called.

        An item is never refused: whoever was told to wait and goes on anyhow is a bug of ours.
        """
        with self._changed:
            self._items.append(item)
            self._bytes += len(item.data)
            if len(self._items) == 1:
                self._changed.notify_all()
            full = len(self._items) >= _MOST_ITEMS or self._bytes >= _MOST_BYTES
            self._waiting_for_room |= full
            return not full

    @property
    def full(self) -> bool:
        """Whether whoever reads must wait."""
        return self._waiting_for_room

    def close(self) -> None:
        """Hand over what is there, within some seconds; what is not taken is counted as lost."""
        with self._changed:
            self._leave_by = time.monotonic() + _LEAVE_SECONDS
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(2 * _LEAVE_SECONDS)
        with self._changed:
            left = len(self._items)
            self._items.clear()
        if left:
            self._door.lost(left, OF, "the record did not take them before the server stopped")

    def _run(self) -> None:
        while batch := self._next():
            self._hand_over(batch)

    def _next(self) -> list[Item]:
        """The next items, once there are some; none when it is time to leave."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._leave_by is not None)
            if len(self._items) < _BATCH_ITEMS and self._leave_by is None:
                # A moment's wait makes one commit of many lines.
                self._changed.wait_for(lambda: self._leave_by is not None, _GATHER_SECONDS)
            batch: list[Item] = []
            size = 0
            while self._items and len(batch) < _BATCH_ITEMS and size < _BATCH_BYTES:
                item = self._items.popleft()
                size += len(item.data)
                batch.append(item)
            self._bytes -= size
            roomy = len(self._items) <= _MOST_ITEMS // 2 and self._bytes <= _MOST_BYTES // 2
            tell = self._waiting_for_room and roomy and self._leave_by is None
            if tell:
                self._waiting_for_room = False
        if tell:
            self._room()
        return batch

    def _hand_over(self, batch: list[Item]) -> None:
        """Until they are durable. Each has an id of its own: a batch that is handed over again doubles
        nothing."""
        while True:
            try:
                self._door.take(batch)
            except Unavailable as error:
                if not self._may_wait():
                    self._door.lost(len(batch), OF, error.message)
                    return
            except GlasshatchError as error:
                self._door.lost(len(batch), OF, error.message)
                return
            except Exception as error:
                # Our own bug costs these lines and says so; the thread goes on for the others.
                self._door.lost(len(batch), OF, f"a bug: {type(error).__name__}")
                return
            else:
                return

    def _may_wait(self) -> bool:
        """Wait before another try; False when it is too late for one."""
        with self._changed:
            if self._leave_by is None:
                self._changed.wait_for(lambda: self._leave_by is not None, _AGAIN_SECONDS)
                return True
        left_s = self._leave_by - time.monotonic()
        time.sleep(min(_AGAIN_SECONDS, max(left_s, 0)))
        return left_s > 0
