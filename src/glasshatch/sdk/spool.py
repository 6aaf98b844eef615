"""The local spool: what `record()` answered is on this disk, encrypted, until the server acknowledged it.

    DIR/key        32 bytes, mode 0600, unless the key is handed in
    DIR/lock       held by the one process that owns the spool
    DIR/<n>.spool  segments: a magic, then frames of length, CRC-32, nonce and AES-256-GCM ciphertext
    DIR/<n>.refused  one event each that the server refuses for good, kept for a person to look at
    DIR/held       what is counted before it is written (held.py)

A crash leaves at most one torn frame at the end of the newest segment; nobody was answered for it, and it
is cut off. Segments that were sent but not yet removed are sent again, which the events' ids make harmless.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import ConfigError, Conflict, Unavailable
from ..wholefiles import sync_folder, write_whole
from .frames import MAGIC, Frames, ends_of

_SEGMENT_BYTES = 1 << 20
_MEMORY_BYTES = 4 << 20
"""What was appended last is also kept here, so that sending it neither reads nor decrypts."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in the spool: before it, everything is acknowledged."""

    segment: int
    offset: int = len(MAGIC)


class Batch(msgspec.Struct, frozen=True):
    """Events in order, and the place behind each of them."""

    events: list[bytes]
    ends: list[Place]


class Full(Unavailable):
    """The spool holds as much as it may."""


class Spool:
    """One directory, owned by one process. Safe from any thread."""

    def __init__(self, directory: Path, *, key: bytes = b"", limit_bytes: int, durable: bool) -> None:
        """Open or make a spool.

        Args:
            key: 32 bytes; by default a file beside the segments, which protects copies of them only.
            limit_bytes: `append` refuses when the segments have grown so large.
            durable: Whether `append` waits for the disk; without it a power loss may cost the newest.

        Raises:
            Conflict: Another process has it open.
            ConfigError: The directory cannot be used, or the key does not open what is in it.
        """
        self._directory = directory
        self._limit = limit_bytes
        self._durable = durable
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = _take(directory)
            self._key = key
            self.frames = Frames(key, directory)
            self._sizes = {int(path.stem): path.stat().st_size for path in directory.glob("*.spool")}
        except OSError as error:
            raise ConfigError(f"the spool cannot be used: {error.strerror}", file=str(directory)) from None
        self._active = -1
        self._descriptor = -1
        self._mend()
        self._acknowledged = Place(min(self._sizes, default=0))
        self._total = sum(self._sizes.values())
        self._end = max((Place(*one) for one in self._sizes.items()), default=self._acknowledged)
        self._synced, self._unsyncable = self._end, Place(-1)
        self._left_behind: list[int] = []
        self._made_a_file = False
        # Each with the place before and behind it; the first is next to be sent if its place is reached.
        self._memory: deque[tuple[Place, Place, bytes]] = deque()
        self._memory_bytes = 0
        _opened.add(self)

    def other_frames(self) -> Frames:
        """Frames under the same key, for a writer with a lock of its own."""
        return Frames(self._key, self._directory)

    @property
    def directory(self) -> Path:
        """Where it lies."""
        return self._directory

    def append(self, event: bytes) -> None:
        """Keep an event; when this returns it survives a crash, and power loss if durable.

        Raises:
            Full: The spool may hold no more; the event is not kept.
            Unavailable: The disk takes no more; the event is not kept.
        """
        with self._lock:
            frame = self.frames.seal(event)
            if self._total + len(frame) > self._limit:
                raise Full(
                    "the spool is full: the server has not taken events for long",
                    hint="look at the server, or give the spool more room",
                )
            end = self._write(frame)
            self._remember(event, end)
        if self._durable:
            self._sync(end)

    def sync(self) -> None:
        """Bring to the disk what is not there yet; whatever fails is left to the next time."""
        with contextlib.suppress(Unavailable):
            self._sync(self._end)

    def read(self, count: int, size: int) -> Batch:
        """The oldest events that are not acknowledged, at most so many and about so many bytes."""
        batch = Batch([], [])
        with self._lock:
            place, sizes = self._acknowledged, dict(self._sizes)
            remembered = self._memory and place >= self._memory[0][0]
            newest = list(itertools.islice(self._memory, count)) if remembered else []
        stored = newest and ((event, end) for _, end, event in newest)
        for event, end in stored or self._stored(place, sizes, size):
            batch.events.append(event)
            batch.ends.append(end)
            size -= len(event)
            if len(batch.events) == count or size <= 0:
                break
        return batch

    def acknowledge(self, place: Place) -> None:
        """Everything before the place is the server's now; whole segments before it are removed."""
        with self._lock:
            self._acknowledged = max(place, self._acknowledged)
            self._forget(self._acknowledged)
            for number in sorted(self._sizes):
                finished = number < place.segment or (
                    number == place.segment and place.offset >= self._sizes[number]
                )
                if not finished:
                    break
                self._remove(number)

    def oldest(self) -> tuple[int, int]:
        """The oldest segment and how many events in it are not acknowledged; (-1, 0) if there is none."""
        with self._lock:
            number = min(self._sizes, default=-1)
            if number < 0:
                return -1, 0
            offset = self._acknowledged.offset if number == self._acknowledged.segment else len(MAGIC)
            data = self._slice(number, offset, self._sizes[number], _SEGMENT_BYTES * 2)
            return number, len(ends_of(data, 0))

    def drop(self, number: int) -> None:
        """Remove a segment with what is in it, to make room; nothing if it is gone already."""
        with self._lock:
            if number in self._sizes:
                end = Place(number, self._sizes[number])
                self._acknowledged = max(end, self._acknowledged)
                self._forget(self._acknowledged)
                self._remove(number)

    def refuse(self, event: bytes) -> Path:
        """Put an event aside that the server will never take; returns where it lies, encrypted."""
        with self._lock:
            frame = self.frames.seal(event)
        number = len(list(self._directory.glob("*.refused")))
        path = self._directory / f"{number:08d}.refused"
        write_whole(path, MAGIC + frame)
        return path

    @property
    def pending(self) -> bool:
        """Whether anything waits for the server."""
        return self._end > self._acknowledged

    def close(self) -> None:
        """Let the directory go; what is unsent stays in it."""
        with self._syncing, self._lock:
            self._close_active()
            for descriptor in self._left_behind:
                os.close(descriptor)
            self._left_behind = []
            if self._owner >= 0:
                os.close(self._owner)
                self._owner = -1

    def abandon(self) -> None:
        """Close descriptors in a child of the owner, without a lock, which another thread may have had."""
        for descriptor in (self._descriptor, self._owner, *self._left_behind):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._active = self._owner = -1
        self._left_behind = []

    def _stored(self, place: Place, sizes: dict[int, int], size: int) -> Iterator[tuple[bytes, Place]]:
        """Events from the disk, and the place behind each."""
        for segment in sorted(number for number in sizes if number >= place.segment):
            offset = place.offset if segment == place.segment else len(MAGIC)
            with contextlib.suppress(FileNotFoundError):  # it was dropped meanwhile
                for event, end in self.frames.opened(self._slice(segment, offset, sizes[segment], size)):
                    yield event, Place(segment, offset + end)

    def _write(self, frame: bytes) -> Place:
        if self._descriptor < 0 or self._sizes[self._active] >= _SEGMENT_BYTES:
            self._open_next()
        end = self._sizes[self._active]
        try:
            if os.pwrite(self._descriptor, frame, end) < len(frame):
                raise OSError(28, "No space left on device")
        except OSError as error:
            # A torn frame must not stand before later ones: it is cut off, or ends this segment.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, end)
            self._leave_active()
            raise _unwritable(error) from None
        self._sizes[self._active] = end + len(frame)
        self._total += len(frame)
        return Place(self._active, end + len(frame))

    def _sync(self, place: Place) -> None:
        """Wait until the disk has everything before the place; whoever waits meanwhile is served too.

        Raises:
            Unavailable: It does not take it. The event is written and may still arrive.
        """
        if self._synced >= place:
            return
        with self._syncing:
            if self._synced >= place:
                return
            with self._lock:
                # Copies, for another thread may close ours while the disk is waited for.
                files, self._left_behind = self._left_behind, []
                if self._descriptor >= 0:
                    files.append(os.dup(self._descriptor))
                end, folder, self._made_a_file = self._end, self._made_a_file, False
            try:
                if place <= self._unsyncable:
                    raise OSError(5, "Input/output error")
                for descriptor in files:
                    os.fdatasync(descriptor)
                if folder:
                    sync_folder(self._directory)
            except OSError as error:
                # The system tells of a lost page only once: nobody may ask again and hear that all is well,
                # neither for what was written to that file meanwhile.
                with self._lock:
                    self._unsyncable = self._end
                    self._close_active()
                raise _unwritable(error) from None
            finally:
                for descriptor in files:
                    os.close(descriptor)
            self._synced = max(end, self._synced)

    def _remember(self, event: bytes, end: Place) -> None:
        self._memory.append((self._end, end, event))
        self._end = end
        self._memory_bytes += len(event)
        while self._memory_bytes > _MEMORY_BYTES:
            self._memory_bytes -= len(self._memory.popleft()[2])

    def _forget(self, place: Place) -> None:
        while self._memory and self._memory[0][1] <= place:
            self._memory_bytes -= len(self._memory.popleft()[2])

    def _open_next(self) -> None:
        self._leave_active()
        number = max([*self._sizes, self._acknowledged.segment, self._end.segment], default=0) + 1
        path, descriptor = self._path(number), -1
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if os.write(descriptor, MAGIC) < len(MAGIC):
                raise OSError(28, "No space left on device")
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
                path.unlink(missing_ok=True)
            raise _unwritable(error) from None
        self._descriptor = descriptor
        self._made_a_file = True
        self._active = number
        self._sizes[number] = len(MAGIC)
        self._total += len(MAGIC)

    def _remove(self, number: int) -> None:
        if number == self._active:
            self._close_active()
        self._path(number).unlink(missing_ok=True)
        self._total -= self._sizes.pop(number)

    def _leave_active(self) -> None:
        """Write to it no more, and keep it open until it is on the disk: somebody may be waiting for that."""
        if self._descriptor >= 0:
            self._left_behind.append(self._descriptor)
        self._descriptor = self._active = -1

    def _close_active(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = self._active = -1

    def _mend(self) -> None:
        """Leave out what a crash tore, and check that the key opens what is there."""
        for number in sorted(self._sizes):
            data = self._slice(number, 0, self._sizes[number], _SEGMENT_BYTES * 2)
            if not data.startswith(MAGIC) and len(data) >= len(MAGIC):
                raise ConfigError("is no spool segment", file=str(self._path(number)))
            ends = [end for _, end in self.frames.opened(data, len(MAGIC))]
            if ends:
                self._sizes[number] = ends[-1]
            else:
                self._path(number).unlink()
                del self._sizes[number]

    def _slice(self, number: int, start: int, stop: int, size: int) -> bytes:
        """Bytes of a segment; a frame more than asked for, so that at least one is whole."""
        with self._path(number).open("rb") as file:
            file.seek(start)
            return file.read(min(stop - start, size + 2 * _SEGMENT_BYTES))

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:016d}.spool"


_opened: weakref.WeakSet[Spool] = weakref.WeakSet()


def _in_child() -> None:
    """A child has copies of descriptors, which would keep the spool locked when its owner has ended."""
    for spool in list(_opened):
        spool.abandon()


os.register_at_fork(after_in_child=_in_child)


def _unwritable(error: OSError) -> Unavailable:
    return Unavailable(f"the spool cannot be written: {error.strerror}", hint="look at its disk")


def _take(directory: Path) -> int:
    owner = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise Conflict(
            f"the spool {directory} is open in another process",
            hint="give each process a directory of its own",
        ) from None
    return owner
