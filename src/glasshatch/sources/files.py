"""Files of a source, read in batches of lines; `.gz` and `.zst` are opened on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..errors import ConfigError, PeerError
from .bodies import MAX_ITEM_BYTES, open_decoded, read_piece

_BATCH_LINES = 1_000
_BATCH_BYTES = 4 * 1024 * 1024
_ENCODINGS = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}


class Lines(msgspec.Struct, frozen=True):
    """Whole lines of a file: the place of the first from 1, their bytes, and how much of the file is read."""

    first: int
    body: bytes
    read_bytes: int
    total_bytes: int


def read_lines(path: Path) -> Iterator[Lines]:
    """The lines of a file in batches that fit memory.

    A file that is one JSON value over many lines, as a pretty-printed array, comes as one batch.

    Raises:
        ConfigError: It cannot be read.
        PeerError: Its compression is damaged; what stood before was given, and the message names the line.
    """
    try:
        total = path.stat().st_size
        with path.open("rb") as raw:
            yield from _batches(raw, open_decoded(raw, _ENCODINGS.get(path.suffix.lower(), "")), total, path)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None


def _batches(raw: BinaryIO, stream: BinaryIO, total: int, path: Path) -> Iterator[Lines]:
    first, kept, whole = 1, b"", None
    broken: PeerError | None = None
    while True:
        try:
            piece = read_piece(stream, _BATCH_BYTES)
        except PeerError as error:
            piece, broken = b"", error
        kept += piece
        if whole is None:
            whole = _is_one_value(kept)
        ended = not piece
        if whole and not ended:
            if len(kept) > 128 * MAX_ITEM_BYTES:
                raise PeerError(f"{path} is one value of more than 128 MiB", hint="write one item a line")
            continue
        end = len(kept) if ended and not broken else kept.rfind(b"\n") + 1
        for body, count in _parts(kept[:end], whole):
            yield Lines(first, body, raw.tell(), total)
            first += count
        kept = kept[end:]
        if broken:
            raise PeerError(
                f"{path}, line {first}: {broken.message}", hint="mend the file and run the command again"
            )
        if ended:
            return


def _parts(body: bytes, whole: bool) -> Iterator[tuple[bytes, int]]:
    if whole:
        if body.strip():
            yield body, 1
        return
    found = body.split(b"\n")
    if found and not found[-1]:
        found.pop()
    for start in range(0, len(found), _BATCH_LINES):
        part = found[start : start + _BATCH_LINES]
        yield b"\n".join(part), len(part)


def _is_one_value(begun: bytes) -> bool:
    """Whether a file is an array or an object over several lines, rather than one item a line."""
    stripped = begun.lstrip()
    if stripped[:1] == b"[":
        return True
    line = stripped.split(b"\n", 1)[0].strip()
    return stripped[:1] == b"{" and b"\n" in stripped and not _complete(line)


def _complete(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A line that is broken in itself is still a line if it closes what it opens.
        return line.endswith(b"}") and len(line) > 1
    return True
