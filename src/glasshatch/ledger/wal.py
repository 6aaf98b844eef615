"""The write-ahead log: one frame and one fdatasync per group; what `append` returned survives power loss."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import VerificationError
from ..keys import OVERHEAD_BYTES, Envelope
from .files import Files, write_new
from .log import encode_bundle
from .log.frames import Frame, fill_frame, frame_bytes, frame_header
from .log.layout import (
    HEADER_BYTES,
    NO_COMPRESSION,
    SEGMENT_MAGIC,
    WAL,
    FileHeader,
    segment_name,
)
from .options import LedgerOptions

_SALT_BYTES = 16


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


class Wal:
    """Owned by the writer thread; only `prepare` and `retire` may be called by others."""

    def __init__(
        self,
        directory: Path,
        data_key: Envelope,
        options: LedgerOptions,
        random: Callable[[int], bytes],
    ) -> None:
        self._directory = directory
        self._data_key = data_key
        self._options = options
        self._files: Files = options.files
        self._random = random
        self._lock = threading.Lock()
        self._space_wanted = threading.Event()
        self._spares: list[Segment] = []
        self._current: Segment | None = None
        self._segments: list[Segment] = []
        self._next_number = 0
        self._previous_crc = 0
        self._size = 0
        self._extent = options.segment_bytes
        self._buffer = bytearray()

    @property
    def space_wanted(self) -> threading.Event:
        """Set when the spare segment was taken, so that another is prepared outside the writer's path."""
        return self._space_wanted

    def resume(self, segments: list[Segment], size: int, previous_crc: int, spares: list[Segment]) -> None:
        """Continue after what recovery found; the last of `segments` is written on."""
        self._segments = segments
        self._current = segments[-1] if segments else None
        self._size, self._previous_crc, self._spares = size, previous_crc, spares
        numbers = [segment.header.number for segment in [*segments, *spares]]
        self._next_number = max(numbers, default=-1) + 1
        extents = [segment.header.extent for segment in segments[-1:]]
        self._extent = min(max(self._extent, *extents, 0), self._options.max_segment_bytes)

    def append(self, entries: list[bytes], hashes: bytes, time_ns: int) -> tuple[Segment, Frame]:
        """Write one group and sync it: when this returns, every entry survives power loss.

        When it raises `OSError`, nothing of the group may be acknowledged, and this log must not be
        written again: what the disk holds of the group is unknown until the next recovery.
        """
        bundle = encode_bundle(entries)
        count, sealed_bytes = len(entries), len(bundle) + OVERHEAD_BYTES
        data = self._room(frame_bytes(count, sealed_bytes))
        segment = self._segment_for(len(data))
        header = frame_header(self._previous_crc, self._size, count, sealed_bytes, time_ns)
        crc = fill_frame(
            data,
            header,
            hashes,
            lambda place: segment.envelope.seal_into(place, bundle, header),
            self._previous_crc,
        )
        frame = Frame(segment.offset, self._previous_crc, self._size, count, sealed_bytes, time_ns, crc)
        # A crash before the sync returns leaves a torn or an unacknowledged frame at the tail.
        # Recovery drops the one and keeps the other; neither was acknowledged.
        self._files.pwrite(segment.descriptor, data, segment.offset)
        self._files.fdatasync(segment.descriptor)
        self._previous_crc, self._size = crc, self._size + count
        segment.offset, segment.last = frame.end, self._size
        return segment, frame

    def _room(self, needed: int) -> memoryview:
        """Bytes for a frame, the same ones each time: fresh ones would cost more than the encryption."""
        if len(self._buffer) < needed:
            self._buffer = bytearray(needed)
        return memoryview(self._buffer)[:needed]

    def use(self, data_key: Envelope) -> None:
        """Seal every segment from the next one on under another key; raises `OSError` from the disk."""
        with self._lock:
            self._data_key = data_key
            self._discard_spares()
        self._space_wanted.set()

    def prepare(self) -> None:
        """Have a zeroed, synced segment ready, if there is none."""
        self._space_wanted.clear()
        with self._lock:
            if not self._spares:
                self._spares.append(self._make_segment())

    def retire(self, below: int) -> list[Segment]:
        """Delete the segments that hold only entries below `below`; the newest written one always stays.

        It stays because its last frame is what tells recovery where the log ends.
        """
        with self._lock:
            old = [s for s in self._segments[:-1] if s.last <= below]
            self._segments = self._segments[len(old) :]
        for segment in old:
            # Oldest first: after a crash in between, the rest is still one unbroken run.
            self._files.unlink(segment.path)
        if old:
            self._files.sync_directory(self._directory / WAL)
        return old

    def close(self) -> None:
        """Close the files; nothing is written."""
        for segment in [*self._segments, *self._spares]:
            os.close(segment.descriptor)
        self._segments, self._spares, self._current = [], [], None

    def _segment_for(self, needed: int) -> Segment:
        if self._current is not None and self._current.room >= needed:
            return self._current
        with self._lock:
            if self._spares and self._spares[0].room < needed:
                self._discard_spares()
            segment = self._spares.pop(0) if self._spares else self._make_segment()
            self._segments.append(segment)
        self._current = segment
        self._space_wanted.set()
        return segment

    def _discard_spares(self) -> None:
        """Spares that are too small, or under an older key: empty, so they may go, the last one first."""
        while self._spares:
            spare = self._spares.pop()
            self._files.unlink(spare.path)
            os.close(spare.descriptor)
            self._next_number = spare.header.number
        self._extent = max(self._extent, self._options.segment_bytes)

    def _make_segment(self) -> Segment:
        number = self._next_number
        path = self._directory / segment_name(number)
        header = FileHeader(
            SEGMENT_MAGIC,
            NO_COMPRESSION,
            self._data_key.id,
            self._random(_SALT_BYTES),
            number,
            self._size,
            self._extent,
            0,
        )
        # Zeroes are written, not reserved: a later fdatasync then need not change the file's extents.
        write_new(self._files, path, header.encode().ljust(self._extent, b"\0"))
        descriptor = self._files.open(path)
        self._next_number = number + 1
        self._grow()
        return Segment(path, descriptor, header, self._data_key)

    def _grow(self) -> None:
        """Double the next segment once a ledger has filled a few: small ledgers stay small."""
        if self._next_number % 4 == 0:
            self._extent = min(self._extent * 2, self._options.max_segment_bytes)
