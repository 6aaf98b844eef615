"""The write-ahead log's frames: chained by CRC, holding leaf hashes in clear and the entries sealed.

    frame   = header (32) || count leaf hashes || sealed bundle || crc (4)
    header  = "GHFR" || crc of the previous frame || first index u64 || count u32
              || sealed bytes u32 || time ns u64
    crc     = CRC-32 of everything before it, started with the previous frame's crc

The leaf hashes let anybody check the tree up to the last durable entry without a secret.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import msgspec

from .hashing import HASH_BYTES
from .layout import HEADER_BYTES

FRAME_MAGIC = b"GHFR"
FRAME_HEADER = struct.Struct(">4sIQIIQ")
FRAME_CRC_BYTES = 4
_ZEROES = bytes(1 << 16)
FRAME_OVERHEAD = FRAME_HEADER.size + FRAME_CRC_BYTES


class Frame(msgspec.Struct, frozen=True):
    """Where a frame lies in its segment, and what its header says."""

    offset: int
    previous: int
    first: int
    count: int
    sealed_bytes: int
    time_ns: int
    crc: int

    @property
    def header(self) -> bytes:
        """The header's bytes: what the sealed bundle is bound to."""
        return frame_header(self.previous, self.first, self.count, self.sealed_bytes, self.time_ns)

    @property
    def hashes_at(self) -> int:
        return self.offset + FRAME_HEADER.size

    @property
    def sealed_at(self) -> int:
        return self.hashes_at + self.count * HASH_BYTES

    @property
    def end(self) -> int:
        """The offset behind the frame."""
        return self.sealed_at + self.sealed_bytes + FRAME_CRC_BYTES


def frame_header(previous: int, first: int, count: int, sealed_bytes: int, time_ns: int) -> bytes:
    """The first 32 bytes of a frame."""
    return FRAME_HEADER.pack(FRAME_MAGIC, previous, first, count, sealed_bytes, time_ns)


def frame_bytes(count: int, sealed_bytes: int) -> int:
    """How long a frame is."""
    return FRAME_OVERHEAD + count * HASH_BYTES + sealed_bytes


def fill_frame(
    frame: memoryview, header: bytes, hashes: bytes, seal: Callable[[memoryview], None], previous: int
) -> int:
    """Write a frame into exactly its bytes; returns its CRC. `seal` writes the sealed bundle in its place."""
    sealed_at = len(header) + len(hashes)
    frame[: len(header)] = header
    frame[len(header) : sealed_at] = hashes
    seal(frame[sealed_at:-FRAME_CRC_BYTES])
    crc = zlib.crc32(frame[:-FRAME_CRC_BYTES], previous)
    frame[-FRAME_CRC_BYTES:] = crc.to_bytes(FRAME_CRC_BYTES, "big")
    return crc


def frame_at(segment: bytes, offset: int) -> Frame | None:
    """The frame that starts here, if its bytes are whole and its CRC is right by its own chain value."""
    body = offset + FRAME_HEADER.size
    if body > len(segment):
        return None
    magic, previous, first, count, sealed_bytes, time_ns = FRAME_HEADER.unpack_from(segment, offset)
    end = body + count * HASH_BYTES + sealed_bytes
    if magic != FRAME_MAGIC or not count or end + FRAME_CRC_BYTES > len(segment):
        return None
    crc = zlib.crc32(memoryview(segment)[offset:end], previous)
    if crc != int.from_bytes(segment[end : end + FRAME_CRC_BYTES], "big"):
        return None
    return Frame(offset, previous, first, count, sealed_bytes, time_ns, crc)


class SegmentScan(msgspec.Struct, frozen=True):
    """What was found in a segment behind its header."""

    frames: tuple[Frame, ...]
    end: int
    """The offset behind the last good frame."""
    dirty_at: int
    """The first byte after `end` that is not zero; -1 if there is none."""
    later_at: int
    """The offset of a good frame beyond the damage; -1 if there is none. Then this is no torn tail."""


def scan_segment(segment: bytes, first: int | None, previous: int | None) -> SegmentScan:
    """Follow the chain from its start; `first` and `previous` are what it must continue, None if unknown."""
    frames = []
    at = HEADER_BYTES
    while frame := frame_at(segment, at):
        if first not in (None, frame.first) or previous not in (None, frame.previous):
            break
        frames.append(frame)
        at, first, previous = frame.end, frame.first + frame.count, frame.crc
    dirty_at = _first_nonzero(segment, at)
    return SegmentScan(tuple(frames), at, dirty_at, _later_frame(segment, dirty_at) if dirty_at >= 0 else -1)


def _first_nonzero(data: bytes, start: int) -> int:
    at, end = start, len(data)
    # Comparing is many times quicker than looking for a byte, and nearly all of a segment's rest is zero.
    while at < end and data.startswith(_ZEROES[: end - at], at):
        at += len(_ZEROES)
    rest = data[at : at + len(_ZEROES)]
    kept = len(rest.lstrip(b"\0"))
    return at + len(rest) - kept if kept else -1


def _later_frame(segment: bytes, start: int) -> int:
    at = segment.find(FRAME_MAGIC, start)
    while at >= 0:
        if frame_at(segment, at):
            return at
        at = segment.find(FRAME_MAGIC, at + 1)
    return -1
