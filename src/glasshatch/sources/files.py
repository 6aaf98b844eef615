"""Files of a source, read in batches of lines; compressed ones are opened on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..errors import ConfigError, PeerError
from .bodies import Decoded, encoding_of, open_decoded, read_piece
from .items import MAX_ITEM_BYTES, Piece, is_whole, lines_follow, split

_BATCH_LINES = 1_000
_BATCH_BYTES = 4 * 1024 * 1024
_PIECE = 16 * 1024
_LARGEST_VALUE = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Lines(msgspec.Struct, frozen=True):
    """Whole lines of a file: the place of the first from 1, their bytes, and how much of the file is read."""

    first: int
    body: bytes
    read_bytes: int
    total_bytes: int


def read_lines(path: Path) -> Iterator[Lines]:
    """The lines of a file in batches that fit memory; `-` is standard input.

    Whether it is compressed is told by its first bytes. A file that is one JSON value over many lines, as
    a pretty-printed array, is given one item a line, and places are those of the items.

    Raises:
        ConfigError: It cannot be read.
        PeerError: Its compression is damaged; what stood before was given, and the message names the line.
    """
    if str(path) == "-":
        yield from _File(sys.stdin.buffer, 0, "standard input").batches()
        return
    try:
        with path.open("rb") as raw:
            yield from _File(raw, path.stat().st_size, str(path)).batches()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None


class _File:
    """One file on its way: what is read of it and not yet given."""

    def __init__(self, raw: BinaryIO, total: int, name: str) -> None:
        self._raw = raw
        self._total = total
        self._name = name
        self._stream: Decoded = open_decoded(raw, encoding_of(raw.peek(4)[:4]))  # type: ignore[attr-defined]
        self._kept = bytearray()
        self._first = 1
        self._broken: PeerError | None = None
        self._read_bytes = 0

    def batches(self) -> Iterator[Lines]:
        more = self._more()
        if self._kept.startswith(_BOM):
            del self._kept[: len(_BOM)]
        yield from self._value() if _is_one_value(bytes(self._kept)) else self._lines(more)
        if self._broken:
            raise PeerError(
                f"{self._name}, after line {self._first - 1}: {self._broken.message}",
                hint="mend the file and run the command again",
            )

    def _more(self) -> bool:
        """Read on; says whether there may be more."""
        wanted = len(self._kept) + _BATCH_BYTES
        while len(self._kept) < wanted:
            try:
                # In small pieces: the one that breaks off is lost with what was in it.
                piece = read_piece(self._stream, _PIECE)
            except PeerError as error:
                self._broken = error
                return False
            if not piece:
                return False
            self._kept += piece
            self._read_bytes += len(piece)
        return True

    def _lines(self, more: bool) -> Iterator[Lines]:
        while True:
            # The last line of a broken file is not whole, and comes again when the file is mended.
            end = self._kept.rfind(b"\n") + 1 if more or self._broken else len(self._kept)
            body = bytes(self._kept[:end])
            del self._kept[:end]
            yield from self._given(body.split(b"\n"))
            if not more:
                return
            if len(self._kept) > MAX_ITEM_BYTES:
                more = self._skip()
                continue
            more = self._more()

    def _skip(self) -> bool:
        """Let the rest of a line go that is too long anyway; its beginning is enough to be told of it."""
        head = bytes(self._kept[: MAX_ITEM_BYTES + 1])
        more = True
        while more and self._kept.find(b"\n") < 0:
            self._kept.clear()
            more = self._more()
        end = self._kept.find(b"\n")
        self._kept[: end + 1 if end >= 0 else len(self._kept)] = head + b"\n"
        return more

    def _given(self, found: list[bytes]) -> Iterator[Lines]:
        if found and not found[-1]:
            found.pop()
        for start in range(0, len(found), _BATCH_LINES):
            part = found[start : start + _BATCH_LINES]
            yield self._batch(b"\n".join(part), len(part))

    def _batch(self, body: bytes, count: int) -> Lines:
        read = self._raw.tell() if self._total else self._read_bytes
        batch = Lines(self._first, body, read, self._total)
        self._first += count
        return batch

    def _value(self) -> Iterator[Lines]:
        while self._more():
            if len(self._kept) > _LARGEST_VALUE:
                raise PeerError(
                    f"{self._name} is one value of more than {_LARGEST_VALUE // 1024**2} MiB",
                    hint="write one item a line",
                )
        if self._broken:
            return
        part: list[bytes] = []
        size = 0
        for piece in split(bytes(self._kept)):
            part.append(_one_line(piece))
            size += len(part[-1])
            if len(part) >= _BATCH_LINES or size > _BATCH_BYTES:
                yield self._batch(b"\n".join(part), len(part))
                part, size = [], 0
        if part:
            yield self._batch(b"\n".join(part), len(part))


def _one_line(piece: Piece) -> bytes:
    """An item without line ends, which in JSON stand between its parts only."""
    data = bytes(piece[1][: MAX_ITEM_BYTES + 1])
    return data.replace(b"\n", b" ").replace(b"\r", b" ") or b" "


def _is_one_value(begun: bytes) -> bool:
    """Whether a file is one array or object, or objects over several lines, rather than one item a line."""
    stripped = begun.lstrip()
    if stripped[:1] not in (b"[", b"{"):
        return False
    line, end, rest = stripped.partition(b"\n")
    if stripped[:1] == b"[":
        return not (line.rstrip().endswith(b"]") and rest.lstrip()[:1] == b"[")
    if not end:
        return b'"items"' in line
    return not is_whole(line.strip()) and not lines_follow(rest)
