"""What is held back to be counted, in a file that outlives the process: `DIR/held`.

Memory that is mapped from a file is the system's: a process that is killed between two instructions leaves
every count it had stored. Each entry is four numbers (state, count, newest time, length) and the frame of the
event that is to be told, which is encrypted as in the spool; the numbers stand in clear.

    state 0: not yet, or never, an entry      1: held      2: told, that is in the spool

An entry is told under the id it got at its beginning, so a crash between telling it and marking it so makes
a copy that the server knows as such.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path

import msgspec

from ..errors import TooLarge, Unavailable
from ..events import Event
from .frames import Frames

MAX_EVENT_BYTES = 60_000
_SIZE_BYTES = 1 << 20
_RESERVE_BYTES = 16 << 10
"""Of the file, for entries that tell of what was dropped, which must find room when others do not."""
_HEAD_BYTES = 32
_HELD, _TOLD = 1, 2
_COUNTS_BYTES = 200
"""What is added when it is told."""
_AGAIN_SECONDS = 1.0
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


class _Entry:
    """One event to come."""

    __slots__ = ("at", "count", "event", "last_ns", "until_ns")

    def __init__(self, event: Event, count: int, last_ns: int, until_ns: int, at: int) -> None:
        self.event = event
        self.count = count
        self.last_ns = last_ns
        self.until_ns = until_ns
        self.at = at


class Held:
    """Counts by key, each told as one event when its window is over. Safe from any thread."""

    def __init__(self, path: Path, frames: Frames, keep: Callable[[Event], object]) -> None:
        """Take over what an earlier process left; it is told by the next `tell`.

        Args:
            keep: Makes an event safe in the spool, or raises `Unavailable`.
        """
        self._path = path
        self._frames = frames
        self._keep = keep
        # It tells while it counts when a window is over, and telling may have to count what it displaced.
        self._lock = threading.RLock()
        self._entries: dict[Hashable, _Entry] = {}
        self._file: mmap.mmap | None = None
        self._descriptor = -1
        self._due_ns = 0
        self._synced_s = 0.0
        self._free = 0
        if path.exists() and path.stat().st_size == _SIZE_BYTES:
            self._open()
            self._recover()

    def count(
        self, key: Hashable, now_ns: int, window_ns: int, first: Callable[[], Event], more: int = 1
    ) -> str:
        """Count one more of a key; when this returns kill -9 does not lose it.

        Args:
            first: The event that is to be told of all, if this begins a window.

        Returns:
            The id of that event.

        Raises:
            Unavailable: Neither this file nor the spool has room.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and now_ns >= entry.until_ns and self._tell(key, entry):
                entry = None
            if entry is None:
                event = first()
                entry = self._entries[key] = _Entry(
                    event, more, now_ns, now_ns + window_ns, self._write(event, more, now_ns)
                )
                self._due_ns = min(self._due_ns, entry.until_ns)
                return event.id
            entry.count += more
            entry.last_ns = now_ns
            numbers = self._numbers
            numbers[entry.at + 1] = entry.count
            numbers[entry.at + 2] = now_ns
            return entry.event.id

    def tell(self, now_ns: int | None = None) -> float | None:
        """Tell what is due at this time, or everything; in how many seconds something is due next.

        What finds no room in the spool stays held, and is tried again a second later.
        """
        with self._lock:
            if now_ns is not None and now_ns < self._due_ns and self._entries:
                return (self._due_ns - now_ns) / 1e9
            left = False
            for key, entry in list(self._entries.items()):
                if now_ns is None or now_ns >= entry.until_ns:
                    left = not self._tell(key, entry) or left
            if not self._entries:
                self._empty()
                return None
            self._due_ns = min(entry.until_ns for entry in self._entries.values())
            return _AGAIN_SECONDS if left or now_ns is None else max(0.0, (self._due_ns - now_ns) / 1e9)

    def sync(self) -> None:
        """Bring to the disk what is held, once a second; what fails is left to the next time."""
        now_s = time.monotonic()
        with self._lock:
            if self._descriptor < 0 or now_s - self._synced_s < _AGAIN_SECONDS:
                return
            self._synced_s = now_s
            descriptor = os.dup(self._descriptor)  # for it may be closed while the disk is waited for
        try:
            with contextlib.suppress(OSError):
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let the file go, with what is still held in it."""
        with self._lock:
            self._close()

    def _tell(self, key: Hashable, entry: _Entry) -> bool:
        try:
            self._keep(told(entry.event, entry.count, entry.last_ns))
        except Unavailable:
            return False
        # Killed here, it is told again under the same id.
        self._numbers[entry.at] = _TOLD
        if self._entries.get(key) is entry:
            del self._entries[key]
        return True

    def _write(self, event: Event, count: int, now_ns: int) -> int:
        """Begin an entry; its place among the numbers."""
        data = _encoder.encode(event)
        if len(data) > MAX_EVENT_BYTES - _COUNTS_BYTES:
            raise TooLarge(
                f"the event has {len(data)} bytes, at most {MAX_EVENT_BYTES} are taken",
                hint="shorten its attrs",
            )
        frame = self._frames.seal(data)
        file = self._room(_HEAD_BYTES + len(frame), event.action)
        at = self._free
        begin = at + _HEAD_BYTES
        file[begin : begin + len(frame)] = frame
        numbers, place = self._numbers, at // 8
        numbers[place + 1], numbers[place + 2], numbers[place + 3] = count, now_ns, len(frame)
        numbers[place] = _HELD  # last: until then there is no entry
        self._free = -(-(begin + len(frame)) // 8) * 8
        return place

    def _room(self, size: int, action: str) -> mmap.mmap:
        limit = _SIZE_BYTES if action == DROPPED else _SIZE_BYTES - _RESERVE_BYTES
        if self._free + size > limit:
            # Windows that end early tell smaller counts, and lose nothing.
            for key, entry in list(self._entries.items()):
                self._tell(key, entry)
            if not self._entries:
                self._empty()
        if self._free + size > limit:
            raise Unavailable(
                "the spool is full: the server has not taken events for long",
                hint="look at the server, or give the spool more room",
            )
        return self._file or self._open()

    def _open(self) -> mmap.mmap:
        """Map the file. Its room is taken before: a page that the disk has no room for kills a process."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _SIZE_BYTES)
                file = self._file = mmap.mmap(descriptor, _SIZE_BYTES)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        except OSError as error:
            raise Unavailable(
                f"the spool cannot be written: {error.strerror}", hint="look at its disk"
            ) from None
        # Native and aligned: each is stored by one instruction, so a kill leaves the old or the new number.
        self._numbers = memoryview(file).cast("Q")
        self._free = 0
        return file

    def _recover(self) -> None:
        numbers = self._numbers
        while self._free + _HEAD_BYTES < _SIZE_BYTES and numbers[self._free // 8]:
            place, begin = self._free // 8, self._free + _HEAD_BYTES
            state, count, last_ns, length = numbers[place : place + 4]
            for data, _ in self._frames.opened(self._file[begin : begin + length] if self._file else b""):
                if state == _HELD:
                    event = _decoder.decode(data)
                    self._entries[event.id] = _Entry(event, count, last_ns, 0, place)
            self._free = -(-(begin + length) // 8) * 8

    def _empty(self) -> None:
        """Begin anew with zeros, which end the entries for who reads them."""
        if self._file is not None and self._free:
            self._close()
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            self._numbers.release()
            self._file.close()
            os.close(self._descriptor)
            self._file, self._descriptor = None, -1
            self._free = 0


DROPPED = "recording.dropped"
"""The action that tells of events that were not recorded; `attrs.cause` says why."""


def told(event: Event, count: int, last_ns: int) -> Event:
    """An event with how often it was, unless it is an ordinary one that was once."""
    if count == 1 and event.action != DROPPED and "coalesced" not in event.attrs:
        return event
    counted = {"count": count, "first_time": event.time, "last_time": str(last_ns)}
    return msgspec.structs.replace(event, attrs={**event.attrs, "coalesced": counted})
