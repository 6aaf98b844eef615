"""Packs: a fixed run of entries, compressed and sealed bundle by bundle, behind a table of offsets.

    pack  = header (64) || table || bundles without gaps
    table = per bundle: offset u64, length u32, CRC-32 of its sealed bytes u32; then the table's CRC-32

A pack is written once, synced, and never changed.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

from ...errors import VerificationError
from .layout import HEADER_BYTES, FileHeader
from .tiles import BUNDLE_ENTRIES

_ROW = struct.Struct(">QII")
_CRC_BYTES = 4
MAX_BUNDLE_BYTES = BUNDLE_ENTRIES * (65_535 + 2)


class BundlePlace(msgspec.Struct, frozen=True):
    """Where one sealed bundle lies in its pack."""

    offset: int
    length: int
    crc: int

    def intact(self, sealed: bytes) -> bool:
        """Whether these are the bytes that the table speaks of."""
        return len(sealed) == self.length and zlib.crc32(sealed) == self.crc


def bundle_context(header: FileHeader, bundle: int) -> bytes:
    """What a sealed bundle is bound to: its pack and its place in it."""
    return header.encode() + bundle.to_bytes(4, "big")


def table_row(offset: int, sealed: bytes) -> bytes:
    """What the table says of a sealed bundle at this offset."""
    return _ROW.pack(offset, len(sealed), zlib.crc32(sealed))


def encode_table(header: FileHeader, rows: list[bytes]) -> bytes:
    """All that stands before the bundles."""
    table = b"".join(rows)
    return header.encode() + table + zlib.crc32(table).to_bytes(_CRC_BYTES, "big")


def table_end(bundles: int) -> int:
    """The offset of the first bundle."""
    return HEADER_BYTES + bundles * _ROW.size + _CRC_BYTES


def decode_table(data: bytes, header: FileHeader, file_bytes: int) -> list[BundlePlace]:
    """The table of a pack whose first `table_end(header.parts)` bytes are `data`.

    Raises:
        VerificationError: The table is not what was written, or the bundles do not fill the file exactly.
    """
    end = table_end(header.parts)
    if header.parts == 0 or header.extent != header.parts * BUNDLE_ENTRIES or len(data) < end:
        raise VerificationError(
            "the pack is too short for its table", expected=str(end), found=str(len(data))
        )
    table = data[HEADER_BYTES : end - _CRC_BYTES]
    if zlib.crc32(table) != int.from_bytes(data[end - _CRC_BYTES : end], "big"):
        raise VerificationError("the CRC of the pack's table is wrong")
    places = [BundlePlace(*row) for row in _ROW.iter_unpack(table)]
    at = end
    for place in places:
        if place.offset != at:
            raise VerificationError(
                "the pack's bundles leave a gap", expected=str(at), found=str(place.offset)
            )
        at += place.length
    if at != file_bytes:
        raise VerificationError("the pack has another size", expected=str(at), found=str(file_bytes))
    return places
