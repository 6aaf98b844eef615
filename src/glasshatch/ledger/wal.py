"""The write-ahead log: one frame and one fdatasync per group; what `append` returned survives power loss."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from ..keys import OVERHEAD_BYTES, Envelope
from .files import Files
from .log import HASH_BYTES
from .log.frames import Frame, fill_frame, frame_bytes, frame_header
from .log.layout import WAL
from .options import LedgerOptions
from .segments import Segment, Spares


class Wal:
    """Owned by the writer thread; `prepare`, `retire` and `reuse` belong to threads behind it."""

    def __init__(
        self,
        directory: Path,
        data_key: Envelope,
        options: LedgerOptions,
        random: Callable[[int], bytes],
    ) -> None:
        self._directory = directory
        self._files: Files = options.files
        self._spares = Spares(directory, data_key, options, random)
        self._lock = threading.Lock()
        self._current: Segment | None = None
        self._segments: list[Segment] = []
        self._previous_crc = 0
        self._size = 0
        self._buffer = bytearray()

    @property
    def space_wanted(self) -> threading.Event:
        """Set when there is something to `prepare`."""
        return self._spares.wanted

    def resume(self, segments: list[Segment], size: int, previous_crc: int, spares: list[Segment]) -> None:
        """Continue after what recovery found; the last of `segments` is written on."""
        self._segments = segments
        self._current = segments[-1] if segments else None
        self._size, self._previous_crc = size, previous_crc
        self._spares.resume(spares, segments)

    def append(self, bundle: bytes, hashes: bytes, time_ns: int) -> tuple[Segment, Frame]:
        """Write one group, encoded, and sync it: when this returns, every entry survives power loss.

        When it raises `OSError`, nothing of the group may be acknowledged, and this log must not be
        written again: what the disk holds of the group is unknown until the next recovery.
        """
        count, sealed_bytes = len(hashes) // HASH_BYTES, len(bundle) + OVERHEAD_BYTES
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

    def use(self, data_key: Envelope) -> None:
        """Seal every segment from the next one on under another key; raises `OSError` from the disk."""
        self._spares.use(data_key)

    def prepare(self) -> None:
        """Have a zeroed, synced segment ready, if there is none."""
        self._spares.prepare(self._size)

    def retire(self, below: int) -> list[Segment]:
        """Take the segments out that hold only entries below `below`; the newest written one always stays.

        It stays because its last frame is what tells recovery where the log ends. What is returned can still
        be read until it is given to `reuse`.
        """
        with self._lock:
            old = [s for s in self._segments[:-1] if s.last <= below]
            self._segments = self._segments[len(old) :]
        # Oldest first: after a crash in between, the rest is still one unbroken run.
        for segment in old:
            self._spares.retire(segment)
        if old:
            self._files.sync_directory(self._directory / WAL)
        return old

    def reuse(self, retired: list[Segment]) -> None:
        """Let go of what `retire` returned, from which nobody reads any more."""
        for segment in retired:
            self._spares.reuse(segment)

    def close(self) -> None:
        """Close the files; nothing is written."""
        for segment in self._segments:
            os.close(segment.descriptor)
        self._spares.close()
        self._segments, self._current = [], None

    def _room(self, needed: int) -> memoryview:
        """Bytes for a frame, the same ones each time: fresh ones would cost more than the encryption."""
        if len(self._buffer) < needed:
            self._buffer = bytearray(needed)
        return memoryview(self._buffer)[:needed]

    def _segment_for(self, needed: int) -> Segment:
        if self._current is not None and self._current.room >= needed:
            return self._current
        segment = self._spares.take(needed, self._size)
        with self._lock:
            self._segments.append(segment)
        self._current = segment
        return segment
