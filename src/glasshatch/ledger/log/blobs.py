"""What is too large for an entry: how it lies in its file, how an entry names it, and how it is opened.

    blob = header (64) || sealed bytes (zstd, AES-256-GCM) || CRC-32 of its hash and the sealed bytes

It lies under the SHA-256 of its plain bytes, in the folder of its entry. Blobs are numbered in the order of
their entries, so that one that is missing in between shows without any key.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Final

import msgspec
import zstandard

from ...errors import GlasshatchError, VerificationError
from ...events import decode
from ...keys import Envelope
from .layout import BLOBS, HEADER_BYTES, ZSTD, FileHeader, decode_header

BLOB_MAGIC = b"GHBL"
BLOB_REL: Final = "blob"
"""The relation of an event's link whose id is the SHA-256 of its whole bytes, which are kept beside it."""
MAX_BLOB_BYTES: Final = 16 << 20
BLOB_MARK: Final = b'"rel":"blob"'
"""No entry without these bytes names a blob."""

FOLDER_ENTRIES: Final = 4_096
"""A folder has the blobs of so many entries. A start looks into the last one; packs end where folders do."""
_CRC_BYTES = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9]{8,}")


class BlobPlace(msgspec.Struct, frozen=True, order=True):
    """Where a blob lies: the number of its folder, and the SHA-256 of its plain bytes in hex."""

    folder: int
    digest: str

    @property
    def path(self) -> str:
        """The file, in the ledger's directory."""
        return f"{folder_path(self.folder)}/{self.digest}"


def blob_place(index: int, digest: str) -> BlobPlace:
    """Where the blob of entry `index` lies."""
    return BlobPlace(index // FOLDER_ENTRIES, digest)


def folder_of(index: int) -> int:
    """The number of the folder for the blob of entry `index`."""
    return index // FOLDER_ENTRIES


def folder_path(number: int) -> str:
    """A folder of blobs, in the ledger's directory."""
    return f"{BLOBS}/{number:08d}"


def folder_number(name: str) -> int | None:
    """The number in the name of a folder; None if no such folder belongs there."""
    number = int(name) if _FOLDER.fullmatch(name) else -1
    return number if folder_path(number) == f"{BLOBS}/{name}" else None


def is_digest(name: str) -> bool:
    """Whether this is a SHA-256 in hex, as blobs are called."""
    return _DIGEST.fullmatch(name) is not None


def blob_of(entry: bytes) -> str:
    """The SHA-256 of the whole bytes of which an entry is the short form; empty for an entry that is whole.

    Nobody else can write such an entry: a link of that kind that comes from outside is renamed before.
    """
    if BLOB_MARK not in entry:
        return ""
    try:
        event = decode(entry)
    except (GlasshatchError, RecursionError):
        return ""
    # Ours is the last, behind those that the event brought with it.
    found = [link.id for link in event.links if link.rel == BLOB_REL and is_digest(link.id)]
    return found[-1] if found else ""


def seal_blob(key: Envelope, salt: bytes, number: int, index: int, payload: bytes, digest: str) -> bytes:
    """The whole file of the `number`-th blob, that of entry `index`."""
    header = FileHeader(BLOB_MAGIC, ZSTD, key.id, salt, number, index, len(payload), 1)
    packed = zstandard.ZstdCompressor(level=3).compress(payload)
    sealed = key.derive(header.key_context).seal(packed, _context(header, digest))
    return header.encode() + sealed + _crc(sealed, digest)


def decode_blob(data: bytes, place: BlobPlace) -> FileHeader:
    """The header of a blob whose bytes are those that were written there.

    Raises:
        VerificationError: They were changed, or are those of another blob.
        ConfigError: It is of a newer format.
    """
    header = blob_header(data, place)
    sealed, stored = data[HEADER_BYTES:-_CRC_BYTES], data[max(HEADER_BYTES, len(data) - _CRC_BYTES) :]
    if _crc(sealed, place.digest) != stored:
        raise VerificationError("the CRC of a blob is wrong", where=f"{place.path} at {HEADER_BYTES}")
    return header


def blob_header(data: bytes, place: BlobPlace) -> FileHeader:
    """The header at the beginning of a blob's file; raises as `decode_blob`."""
    try:
        header = decode_header(data[:HEADER_BYTES], BLOB_MAGIC)
    except VerificationError as error:
        raise VerificationError(
            error.message, where=f"{place.path} at 0", expected=error.expected, found=error.found
        ) from None
    if folder_of(header.first) != place.folder or header.compression != ZSTD or header.parts != 1:
        raise VerificationError(
            "the blob is of another entry than its place says", where=f"{place.path} at 0",
            expected=f"folder {place.folder}", found=f"entry {header.first}",
        )  # fmt: skip
    return header


def open_blob(data: bytes, place: BlobPlace, envelope: Callable[[str], Envelope]) -> bytes:
    """The plain bytes of a blob, which have the hash that it lies under.

    Raises:
        VerificationError: They are others, or its file was changed.
        ConfigError: It is of a newer format.
    """
    header = decode_blob(data, place)
    key = envelope(header.key_id).derive(header.key_context)
    packed = key.open(data[HEADER_BYTES:-_CRC_BYTES], _context(header, place.digest))
    try:
        payload = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BLOB_BYTES)
    except zstandard.ZstdError:
        raise VerificationError("a blob does not unpack", where=place.path) from None
    found = hashlib.sha256(payload).hexdigest()
    if found != place.digest:
        raise VerificationError(
            "a blob has another hash", where=place.path, expected=place.digest, found=found
        )
    return payload


def _context(header: FileHeader, digest: str) -> bytes:
    """What the sealed bytes are bound to: their file, and the name it has."""
    return header.encode() + bytes.fromhex(digest)


def _crc(sealed: bytes, digest: str) -> bytes:
    return zlib.crc32(sealed, zlib.crc32(bytes.fromhex(digest))).to_bytes(_CRC_BYTES, "big")
