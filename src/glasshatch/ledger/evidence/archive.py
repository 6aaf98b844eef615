"""ZIP files in which every byte has one spelling, so that a changed one is found wherever it stands.

Members are stored, never compressed: there is nothing to unpack, so nothing can grow when it is read.
Any zip program opens such a file; only files written exactly this way are read back.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping

from ...errors import TooLarge, VerificationError

MAX_ARCHIVE_BYTES = 512 << 20

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _UNIX, _STORED = 20, 3, 0
_DATE = 0x21
"""1980-01-01, the first day a zip knows: when a bundle was made stands in its manifest, signed for."""
_MODE = 0o100644 << 16
_NAME = re.compile(rb"[a-z0-9]+(?:[.-][a-z0-9]+)*(?:/[a-z0-9]+(?:[.-][a-z0-9]+)*)*")
_MAX_MEMBERS = 65_534
_COMPRESSED = "is compressed: the members of a bundle are stored as they are"


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """The one archive with these members in this order.

    Raises:
        TooLarge: They do not fit into an archive that `read_archive` takes.
    """
    parts: list[bytes] = []
    for name, data in members.items():
        parts += (_local(name.encode(), data), data)
    parts.append(_directory(members))
    if sum(map(len, parts)) > MAX_ARCHIVE_BYTES or len(members) > _MAX_MEMBERS:
        raise TooLarge(f"a bundle has at most {MAX_ARCHIVE_BYTES >> 20} MiB", hint="ask for fewer events")
    return b"".join(parts)


def read_archive(data: bytes) -> dict[str, bytes]:
    """The members of an archive that `write_archive` made, in its order.

    Raises:
        VerificationError: One byte of it is not as that would write it; names the member or the place.
    """
    if len(data) > MAX_ARCHIVE_BYTES:
        raise VerificationError("the file is too large for a bundle", expected=f"{MAX_ARCHIVE_BYTES} bytes")
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04":
        name, content, at = _member(data, at, members)
        members[name] = content
    if not members:
        raise VerificationError("is no zip file that begins with a member", where="byte 0")
    directory = _directory(members)
    if data[at:] != directory:
        raise VerificationError(
            "what follows the members is not their directory",
            where=f"byte {at + _first_difference(data[at:], directory)}, after {next(reversed(members))}",
            expected=f"{len(directory)} bytes",
            found=f"{len(data) - at} bytes",
        )
    return members


def _member(data: bytes, at: int, known: Mapping[str, bytes]) -> tuple[str, bytes, int]:
    where = f"byte {at}, member {len(known) + 1}"
    if len(data) < at + _LOCAL.size:
        raise VerificationError("the file ends in a member's header", where=where)
    _, _, _, method, _, _, crc, size, _, name_bytes, _ = _LOCAL.unpack_from(data, at)
    start = at + _LOCAL.size + name_bytes
    raw = data[at + _LOCAL.size : start]
    if not _NAME.fullmatch(raw):
        raise VerificationError("the name of a member is not one that a bundle has", where=where)
    name = raw.decode()
    if method != _STORED:
        raise VerificationError(_COMPRESSED, where=name)
    if name in known:
        raise VerificationError("stands twice in the file", where=name)
    content = data[start : start + size]
    if len(content) != size:
        raise VerificationError("the file ends in the middle of it", where=name)
    if zlib.crc32(content) != crc:
        raise VerificationError("does not have its CRC", where=name)
    if data[at:start] != _local(raw, content):
        raise VerificationError("its header is not written as a bundle's are", where=name)
    return name, content, start + size


def _local(name: bytes, data: bytes) -> bytes:
    size = len(data)
    return (
        _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, _STORED, 0, _DATE, zlib.crc32(data), size, size, len(name), 0)
        + name
    )


def _directory(members: Mapping[str, bytes]) -> bytes:
    """The central directory and the end of the archive."""
    rows = []
    at = 0
    for name, data in members.items():
        raw, size = name.encode(), len(data)
        rows.append(
            _CENTRAL.pack(
                b"PK\x01\x02", _UNIX << 8 | _VERSION, _VERSION, 0, _STORED, 0, _DATE, zlib.crc32(data),
                size, size, len(raw), 0, 0, 0, 0, _MODE, at,
            )
            + raw
        )  # fmt: skip
        at += _LOCAL.size + len(raw) + size
    table = b"".join(rows)
    return table + _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(table), at, 0)


def _first_difference(left: bytes, right: bytes) -> int:
    same = zip(left, right, strict=False)
    return next((at for at, (one, other) in enumerate(same) if one != other), min(len(left), len(right)))
