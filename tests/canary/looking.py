"""Looks at every byte of a directory: as it lies there, unpacked, and out of the stores that hold it."""

from __future__ import annotations

import base64
import bz2
import contextlib
import gzip
import io
import lzma
import re
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import hyperscan
import pyarrow
import pyarrow.parquet
import zstandard

from fixtures.parquet import rows_of

from .birds import Canary, needles

_SHORTEST = 8
_PACKED_TEXT = re.compile(rb"(?:H4sI|eJ[wxyz]|KLUv)[A-Za-z0-9+/_-]{20,}={0,2}")
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_LZ4_BLOCK = 0x82
# A method, and two sizes below 2^26: none of them has anything in its highest byte but three.
_BLOCK = re.compile(rb"[\x82\x90](?=.{3}[\x00-\x03].{3}[\x00-\x03])", re.DOTALL)
_MOST = 64 << 20


class Looker:
    """Knows all needles of all canaries; which of them are in some bytes is one pass."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._owners: list[Canary] = []
        patterns: list[bytes] = []
        flags: list[int] = []
        for canary in canaries:
            for needle, any_case in needles(canary):
                if len(needle) < _SHORTEST:
                    continue
                patterns.append(needle)
                caseless = hyperscan.HS_FLAG_CASELESS if any_case else 0
                flags.append(hyperscan.HS_FLAG_SINGLEMATCH | caseless)
                self._owners.append(canary)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns), flags=flags,
            literal=True,
        )  # fmt: skip
        self._known: dict[tuple[str, int, int], set[str]] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def in_bytes(self, data: bytes) -> set[str]:
        """The names of the canaries that are in the bytes, packed texts in them unpacked."""
        found: set[str] = set()
        # Without its zeroes, UTF-16 of either order is plain text.
        for layer in {data, data.replace(b"\0", b""), *_packed_texts(data)}:
            hits: set[int] = set()
            self._database.scan(layer, match_event_handler=lambda one, *_, hits=hits: hits.add(one))
            found |= {self._owners[one].name for one in hits}
        return found

    def in_directory(self, directory: Path) -> tuple[int, dict[str, set[str]]]:
        """How many files there are, and by canary the files that hold it, however packed."""
        while True:
            try:
                return self._in_directory(directory)
            except FileNotFoundError:
                # A running index merges its parts: what was in the file lies in another one now.
                continue

    def _in_directory(self, directory: Path) -> tuple[int, dict[str, set[str]]]:
        files = [path for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink()]
        found: dict[str, set[str]] = {}
        for path in files:
            for name in self._in_file(path):
                found.setdefault(name, set()).add(str(path.relative_to(directory)))
        return len(files), found

    def _in_file(self, path: Path) -> set[str]:
        """What is in a file; one that did not change since it was looked at is not looked at again."""
        facts = path.stat()
        key = (str(path), facts.st_mtime_ns, facts.st_size)
        if key not in self._known:
            self._known[key] = {name for layer in layers(path) for name in self.in_bytes(layer)}
        return self._known[key]

    def in_parts(self, parts: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
        """The same for named bytes, such as what a ledger holds once decrypted."""
        found: dict[str, set[str]] = {}
        for name, data in parts:
            for canary in self.in_bytes(data):
                found.setdefault(canary, set()).add(name)
        return found


def layers(path: Path) -> Iterator[bytes]:
    """A file as it lies there, and everything that is packed in it."""
    data = path.read_bytes()
    yield data.replace(bytes(4096), b"")
    if data.startswith(b"SQLite format 3\0"):
        yield _rows(path)
    if data.startswith(b"PAR1"):
        yield str(rows_of(pyarrow.parquet.read_table(io.BytesIO(data)))).encode()
    yield from _members(data)
    if "chdb" in path.parts:
        yield from clickhouse_blocks(data)


def _rows(path: Path) -> bytes:
    """A database as its own reader sees it, write-ahead log included."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda data: data.decode(errors="replace")
        return "\n".join(connection.iterdump()).encode(errors="replace")


def _members(data: bytes) -> Iterator[bytes]:
    """What was packed with gzip or zstd and begins anywhere in the bytes, or is packed as a whole."""
    for magic, unpack in ((_GZIP, _gunzip), (_ZSTD, _unzstd)):
        start = data.find(magic)
        while start >= 0:
            if inner := unpack(data[start:]):
                yield inner
            start = data.find(magic, start + 1)
    for whole in (zlib.decompress, bz2.decompress, lzma.decompress):
        with contextlib.suppress(Exception):
            yield whole(data)


def _gunzip(data: bytes) -> bytes:
    try:
        # As far as it goes: what a crash cut off is looked at too.
        return zlib.decompressobj(wbits=31).decompress(data, _MOST)
    except zlib.error:
        return b""


def _unzstd(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        return b""


def clickhouse_blocks(data: bytes) -> Iterator[bytes]:
    """The blocks of a column file: 16 bytes of checksum, method, both sizes, then LZ4 or zstd.

    They are looked for everywhere, because the small files of an index are packed into one.
    """
    for match in _BLOCK.finditer(data, 16):
        place = match.start()
        packed, plain = struct.unpack_from("<II", data, place + 1)
        if not 9 < packed <= len(data) - place or not 0 < plain <= _MOST:
            continue
        codec = "lz4_raw" if data[place] == _LZ4_BLOCK else "zstd"
        with contextlib.suppress(Exception):
            inner = data[place + 9 : place + packed]
            yield pyarrow.decompress(inner, plain, codec=codec, asbytes=True)


def _packed_texts(data: bytes) -> Iterator[bytes]:
    """Base64 of gzip, zlib or zstd inside a text, unpacked."""
    for match in _PACKED_TEXT.finditer(data):
        text = match[0].replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        with contextlib.suppress(Exception):  # a text may look like it by chance, and be of another length
            packed = base64.b64decode(text + b"=" * (-len(text) % 4))
            yield gzip.decompress(packed) if packed[:2] == _GZIP[:2] else zlib.decompress(packed)
