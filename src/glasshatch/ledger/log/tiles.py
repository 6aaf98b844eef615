"""Entry bundles and tile names, byte for byte as C2SP tlog-tiles has them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

import msgspec

from ...errors import VerificationError

BUNDLE_ENTRIES = 256
LENGTH_BYTES = 2
_LENGTH = struct.Struct(">H")
_MAX_LEVEL = 63
_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


class TileName(msgspec.Struct, frozen=True):
    """Which tile: its level (None for a bundle of entries), its number and how wide it is."""

    level: int | None
    number: int
    width: int


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after another, each behind its length as a big-endian uint16."""
    length = _LENGTH.pack
    return b"".join([part for entry in entries for part in (length(len(entry)), entry)])


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """Exactly `count` entries that fill `data` exactly.

    Raises:
        VerificationError: A length reaches past the end, or bytes are left over.
    """
    entries = []
    at, end = 0, len(data)
    for _ in range(count):
        start = at + LENGTH_BYTES
        at = start + (data[at] << 8 | data[at + 1]) if start <= end else end + 1
        # A slice past the end is silently shorter in Python, so the end is checked before cutting.
        if at > end:
            raise VerificationError("an entry reaches past the end of its bundle")
        entries.append(data[start:at])
    if at != end:
        raise VerificationError("a bundle has bytes after its last entry", expected=str(at), found=str(end))
    return entries


def tile_path(level: int | str, number: int, width: int = BUNDLE_ENTRIES) -> str:
    """The path of a tile: `tile/<L>/<N>[.p/<W>]`; the level of bundles is `entries`."""
    groups = []
    while True:
        number, rest = divmod(number, 1000)
        groups.append(f"{rest:03d}")
        if not number:
            break
    name = "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])
    partial = f".p/{width}" if width < BUNDLE_ENTRIES else ""
    return f"tile/{level}/{name}{partial}"


def parse_tile_path(path: str) -> TileName | None:
    """What `tile_path` names; None for anything that it would not have written just so."""
    match = _TILE.fullmatch(path)
    if match is None:
        return None
    level = None if match[1] == "entries" else int(match[1])
    number = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else BUNDLE_ENTRIES
    if width == 0 or (level or 0) > _MAX_LEVEL:
        return None
    canonical = tile_path("entries" if level is None else level, number, width) == path
    return TileName(level, number, width) if canonical else None
