"""Segments of the log: zeroed ahead of need, and used again once their entries lie in packs.

Zeroes are written, not reserved: a later fdatasync then need not change the file's extents. They are
written a little at a time, each part synced, so that a sync of the log never waits behind many of them.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import VerificationError
from ..keys import Envelope
from .files import Files
from .log.frames import Frame
from .log.layout import (
    HEADER_BYTES,
    NO_COMPRESSION,
    SEGMENT_MAGIC,
    TEMPORARY_SUFFIX,
    WAL,
    FileHeader,
    segment_name,
)
from .options import LedgerOptions

_SALT_BYTES = 16
_ZEROES = bytes(1024 * 1024)
_READY = 2
"""How many segments wait at most; a fresh one is made only when none does."""


class Segment:
    """One open segment file; knows where its next frame goes and the envelope of its own key."""

    def __init__(self, path: Path, descriptor: int, header: FileHeader, data_key: Envelope) -> None:
        self.path = path
        self.descriptor = descriptor
        self.header = header
        self.envelope = data_key.derive(header.key_context)
        self.offset = HEADER_BYTES
        self.last = 0
        """One past the last index in it; 0 while it is empty."""
        self.free = False
        """Whether it was taken out of the log to be used again."""

    @property
    def room(self) -> int:
        return self.header.extent - self.offset

    def read(self, frame: Frame) -> bytes:
        """The bundle of a frame, decrypted.

        Raises:
            VerificationError: The sealed bytes do not open.
        """
        sealed = os.pread(self.descriptor, frame.sealed_bytes, frame.sealed_at)
        try:
            return self.envelope.open(sealed, frame.header)
        except VerificationError as error:
            where = f"{WAL}/{self.path.name} at {frame.sealed_at}"
            raise VerificationError(error.message, where=where, hint=error.hint) from None


def open_to_read(path: Path) -> int:
    """Open a segment so that its ledger does not use it again before the descriptor is closed.

    Raises:
        FileNotFoundError: It is not there, or is just being retired: look again.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    raise FileNotFoundError(path)


class Spares:
    """Segments that wait to be written. `take` is the writer's, the rest belongs to threads behind it."""

    def __init__(
        self, directory: Path, data_key: Envelope, options: LedgerOptions, random: Callable[[int], bytes]
    ) -> None:
        self.wanted = threading.Event()
        """Set when a segment was taken or became free: `prepare` then has something to do."""
        self._directory = directory
        self._data_key = data_key
        self._options = options
        self._files: Files = options.files
        self._random = random
        # Taken again by who makes one because none fits: the writer must never wait for itself.
        self._making = threading.RLock()
        self._ready: deque[Segment] = deque()
        self._worn: deque[Segment] = deque()
        self._next_number = 0
        self._extent = options.segment_bytes

    def resume(self, ready: list[Segment], written: list[Segment]) -> None:
        """Continue with the empty segments that recovery found, behind those that are written."""
        self._ready = deque(ready)
        self._next_number = max((s.header.number for s in [*written, *ready]), default=-1) + 1
        extents = [segment.header.extent for segment in written[-1:]]
        self._extent = min(max(self._extent, *extents, 0), self._options.max_segment_bytes)

    def take(self, needed: int, size: int) -> Segment:
        """The next segment, with room for `needed` bytes; made now if none is ready.

        Args:
            size: How many entries are durable.
        """
        segment = self._next_ready(needed)
        if segment is None:
            # Whoever makes one just now is nearly done: waiting is quicker than making another beside it.
            with self._making:
                segment = self._next_ready(needed) or self._make(size)
        self.wanted.set()
        return segment

    def prepare(self, size: int) -> None:
        """Have a segment ready; and clean those that became free, as long as there is use for them."""
        self.wanted.clear()
        with self._making:
            while not self._ready or (self._worn and len(self._ready) < _READY):
                self._ready.append(self._make(size))

    def use(self, data_key: Envelope) -> None:
        """Make segments under another key from now on; what waits under the old one goes."""
        with self._making:
            self._data_key = data_key
            self._discard()
        self.wanted.set()

    def retire(self, segment: Segment) -> None:
        """Take a segment out of the log; `reuse` gets it once nobody reads from it any more.

        Somebody else's lock on it (`open_to_read`) keeps its bytes: its name goes, and it is not used again.
        """
        if segment.header.extent == self._extent and len(self._worn) < _READY and _lock(segment):
            temporary = segment.path.with_name(segment.path.name + TEMPORARY_SUFFIX)
            self._files.rename(segment.path, temporary)
            segment.path, segment.free = temporary, True
        else:
            self._files.unlink(segment.path)

    def reuse(self, segment: Segment) -> None:
        """Have a retired segment cleaned for another use, or let it go; the directory was synced since.

        Synced, because else a power loss could bring its old name back with the new bytes.
        """
        if segment.free:
            self._worn.append(segment)
            self.wanted.set()
        else:
            os.close(segment.descriptor)

    def close(self) -> None:
        """Close the files; what was retired goes."""
        for segment in self._worn:
            segment.path.unlink(missing_ok=True)
        for segment in [*self._ready, *self._worn]:
            os.close(segment.descriptor)
        self._ready.clear()
        self._worn.clear()

    def _next_ready(self, needed: int) -> Segment | None:
        try:
            if self._ready[0].room < needed:
                with self._making:
                    self._discard()
            return self._ready.popleft()
        except IndexError:
            return None

    def _discard(self) -> None:
        """Segments that are too small or under an older key: empty, so they may go, the last one first."""
        while self._ready:
            spare = self._ready.pop()
            self._files.unlink(spare.path)
            os.close(spare.descriptor)
            self._next_number = spare.header.number
        self._extent = max(self._extent, self._options.segment_bytes)

    def _make(self, size: int) -> Segment:
        """A segment of zeroes with a header and a name; `_making` is held.

        A crash before the rename leaves a temporary file, which the next start removes.
        """
        path = self._directory / segment_name(self._next_number)
        temporary, descriptor, extent = self._blank(path)
        header = FileHeader(
            SEGMENT_MAGIC,
            NO_COMPRESSION,
            self._data_key.id,
            self._random(_SALT_BYTES),
            self._next_number,
            size,
            extent,
            0,
        )
        try:
            for at in range(0, extent, len(_ZEROES)):
                self._files.pwrite(descriptor, _ZEROES[: extent - at], at)
                self._files.fdatasync(descriptor)
            self._files.pwrite(descriptor, header.encode(), 0)
            self._files.fsync(descriptor)
        except OSError:
            # The space goes back at once: a full disk may be full because of this very file.
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        self._files.rename(temporary, path)
        self._files.sync_directory(path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        self._next_number += 1
        self._grow()
        return Segment(path, descriptor, header, self._data_key)

    def _blank(self, path: Path) -> tuple[Path, int, int]:
        """A file to be zeroed: its temporary name, its descriptor, and how long it is to be."""
        if self._worn:
            worn = self._worn.popleft()
            return worn.path, worn.descriptor, worn.header.extent
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.unlink(missing_ok=True)
        return temporary, self._files.create(temporary), self._extent

    def _grow(self) -> None:
        """Double the next segment once a ledger has filled a few: small ledgers stay small."""
        if self._next_number % 4 == 0:
            self._extent = min(self._extent * 2, self._options.max_segment_bytes)


def _lock(segment: Segment) -> bool:
    with suppress(OSError):
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
