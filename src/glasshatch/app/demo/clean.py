"""Looking for personal data in every byte a directory holds, also decrypted, decompressed, re-encoded."""

from __future__ import annotations

import base64
import contextlib
import gzip
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import hyperscan
import msgspec
import zstandard

from ..local import open_plaintext


class Hit(msgspec.Struct, frozen=True):
    """A planted value was found; says where, never which value."""

    where: str
    encoding: str


def find_planted(directory: Path, planted: Iterable[str]) -> tuple[list[Hit], int]:
    """Search all bytes under a Glasshatch data directory for the values, in many encodings.

    Returns the hits and how many bytes were searched, plaintexts of encrypted files included.
    """
    searcher = Searcher(planted)
    hits: list[Hit] = []
    total = 0
    for where, data in _everything(directory):
        total += len(data)
        hits += [Hit(where, encoding) for encoding in sorted(searcher.search(data))]
    return hits, total


class Searcher:
    """Finds any of many values in bytes: raw, other case, UTF-16, hex, URL, base64 at three offsets."""

    def __init__(self, planted: Iterable[str]) -> None:
        forms = {form: name for value in planted for name, form in _forms(value) if len(form) >= 6}
        self._names = list(forms.values())
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        escaped = [b"".join(b"\\x%02x" % byte for byte in form) for form in forms]
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        self._database.compile(
            expressions=escaped,
            ids=list(range(len(escaped))),
            elements=len(escaped),
            flags=[flags] * len(escaped),
        )

    def search(self, data: bytes) -> set[str]:
        """The names of the encodings in which a value was found."""
        found: set[str] = set()

        def matched(number: int, start: int, end: int, flags: int, context: object) -> None:
            found.add(self._names[number])

        self._database.scan(data, match_event_handler=matched)
        return found


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    raw = value.encode()
    yield "raw", raw
    yield "utf-16", value.encode("utf-16-le")
    yield "hex", raw.hex().encode()
    yield "url", urllib.parse.quote(value, safe="").encode()
    for offset in range(3):
        # Base64 of the value inside a longer text: drop what the neighbours also decide.
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        yield f"base64+{offset}", encoded[(0, 2, 3)[offset] : len(encoded) - 1]
    digits = "".join(char for char in value if char.isdigit())
    if len(digits) >= 12 and digits == value:
        yield "grouped", " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)).encode()
        yield "dashed", "-".join(digits[at : at + 4] for at in range(0, len(digits), 4)).encode()


def _everything(directory: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        data = file.read_bytes()
        name = str(file.relative_to(directory))
        yield name, data
        for how, inflated in _inflated(data):
            yield f"{name} ({how})", inflated
        if data.startswith(b"SQLite format 3"):
            yield f"{name} (rows)", _rows(file)
    for name, plaintext in open_plaintext(directory):
        yield f"{name} (decrypted)", plaintext


def _inflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(b"\x1f\x8b"):
        yield "gunzipped", gzip.decompress(data)
    at = data.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        # The four bytes may also stand there by chance and be no frame.
        with contextlib.suppress(zstandard.ZstdError):
            yield f"zstd at {at}", zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(b"\x28\xb5\x2f\xfd", at + 1)
    if data[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        yield "inflated", zlib.decompressobj().decompress(data)


def _rows(file: Path) -> bytes:
    """All values of a SQLite database as text; pages may split what a row holds whole."""
    parts: list[str] = []
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            quoted = '"' + table.replace('"', '""') + '"'
            parts += (repr(row) for row in connection.execute(f"SELECT * FROM {quoted}"))
    finally:
        connection.close()
    return "\n".join(parts).encode("utf-8", "replace")
