"""What lies where in a ledger's directory, and the 64-byte header that every binary file starts with."""

from __future__ import annotations

import re
import struct
import zlib

import msgspec

from ...errors import ConfigError, VerificationError

FORMAT = 1
FORMAT_FILE = "format"
FORMAT_TEXT = b"glasshatch ledger\nformat %d\n"
KEY_FILE = "key.vkey"
SUCCESSION_FILE = "succession"
KEYS_FILE = "keys"
"""Under this path a published log shows its keys over time."""
LOCK_FILE = "lock"
CHECKPOINT_FILE = "checkpoint"
PRUNED_FILE = "pruned"
"""Only in a pruned ledger: the proof of the entry that says from which index on entries are kept."""
PRUNING_FILE = "pruning"
"""Only while a ledger is pruned: how many entries there were before the pruning was recorded."""
WAL, ENTRIES, HASHES, CHECKPOINTS = "wal", "entries", "hashes", "checkpoints"
BLOBS = "blobs"
"""Only in a ledger that keeps what is too large for an entry: a file for each, under its SHA-256."""
DIRECTORIES = (WAL, ENTRIES, HASHES, CHECKPOINTS)
NOTES_PER_FILE = 4096
TEMPORARY_SUFFIX = ".tmp"

AES_256_GCM = 1
NO_COMPRESSION, ZSTD = 0, 1
SEGMENT_MAGIC, PACK_MAGIC = b"GHWL", b"GHPK"
HEADER_BYTES = 64
_HEADER = struct.Struct(">4sHBB8s16sQQQI")
_CRC = struct.Struct(">I")


class FileHeader(msgspec.Struct, frozen=True):
    """The header of a segment, pack or blob: format version, cipher, key id, salt, then four numbers.

    Segment: `number` is its epoch, `first` the durable size when it was prepared, `extent` its size
    in bytes, `parts` 0. Pack: its number, its first index, how many entries, how many bundles. Blob: its
    number, the index of its entry, how many plain bytes, 1.
    """

    magic: bytes
    compression: int
    key_id: str
    salt: bytes
    number: int
    first: int
    extent: int
    parts: int

    def encode(self) -> bytes:
        """The 64 bytes, the last four of which are the CRC-32 of the others."""
        head = _HEADER.pack(
            self.magic,
            FORMAT,
            AES_256_GCM,
            self.compression,
            bytes.fromhex(self.key_id),
            self.salt,
            self.number,
            self.first,
            self.extent,
            self.parts,
        )
        return head + _CRC.pack(zlib.crc32(head))

    @property
    def key_context(self) -> bytes:
        """What a file's own key is derived from: its kind and its random salt."""
        return self.magic + self.salt


def decode_header(data: bytes, magic: bytes) -> FileHeader:
    """Read a header.

    Raises:
        VerificationError: Not such a header, or changed.
        ConfigError: Sound, but of a newer format or another cipher than this program knows.
    """
    if len(data) < HEADER_BYTES:
        raise VerificationError("the file is shorter than its header", expected="64", found=str(len(data)))
    head = data[: _HEADER.size]
    if data[:4] != magic:
        raise VerificationError("the header has the wrong magic", expected=magic.hex(), found=data[:4].hex())
    check = zlib.crc32(head)
    stored = _CRC.unpack_from(data, _HEADER.size)[0]
    if check != stored:
        raise VerificationError("the header's CRC is wrong", expected=f"{stored:08x}", found=f"{check:08x}")
    found, version, cipher, compression, key_id, salt, number, first, extent, parts = _HEADER.unpack(head)
    if version != FORMAT:
        raise ConfigError(f"file format {version}, this program knows {FORMAT}", hint="upgrade glasshatch")
    if cipher != AES_256_GCM or compression not in (NO_COMPRESSION, ZSTD):
        raise ConfigError(
            f"cipher {cipher} or compression {compression} is none that this program knows",
            hint="upgrade glasshatch",
        )
    return FileHeader(found, compression, key_id.hex(), salt, number, first, extent, parts)


def segment_name(number: int) -> str:
    return f"{WAL}/{number:08d}.seg"


def pack_name(number: int) -> str:
    return f"{ENTRIES}/{number:08d}.pack"


def level_name(level: int) -> str:
    return f"{HASHES}/level-{level}"


def notes_name(number: int) -> str:
    return f"{CHECKPOINTS}/{number:08d}.notes"


_NUMBERED = {
    WAL: re.compile(r"([0-9]{8,})\.seg"),
    ENTRIES: re.compile(r"([0-9]{8,})\.pack"),
    HASHES: re.compile(r"level-([0-9]{1,2})"),
    CHECKPOINTS: re.compile(r"([0-9]{8,})\.notes"),
}
_NAMES = {WAL: segment_name, ENTRIES: pack_name, HASHES: level_name, CHECKPOINTS: notes_name}


def file_number(directory: str, name: str) -> int | None:
    """The number in a file's name; None if no such file belongs there."""
    match = _NUMBERED[directory].fullmatch(name)
    if match is None:
        return None
    number = int(match.group(1))
    return number if _NAMES[directory](number) == f"{directory}/{name}" else None


def check_format(data: bytes, file: str = FORMAT_FILE) -> int:
    """Accept exactly this program's ledger format, and return it; errors name `file`.

    Raises:
        ConfigError: A newer one.
        VerificationError: No format file at all.
    """
    if data == FORMAT_TEXT % FORMAT:
        return FORMAT
    match = re.fullmatch(rb"glasshatch ledger\nformat ([1-9][0-9]{0,5})\n", data)
    if match:
        raise ConfigError(
            f"the ledger has format {int(match.group(1))}, this program knows {FORMAT}",
            file=file,
            hint="upgrade glasshatch",
        )
    raise VerificationError("not the format file of a ledger", where=file)
