"""Files of a source, read in batches of lines; compressed ones are opened on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ..errors import ConfigError, PeerError
from .bodies import Decoded, encoding_of, open_decoded, read_piece
from .forms import Form, json_form, whole_lines
from .items import MAX_ITEM_BYTES, Piece, is_whole, lines_follow

_BATCH_LINES = 1_000
_BATCH_BYTES = 4 * 1024 * 1024
_PIECE = 16 * 1024
_LARGEST_VALUE = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Place(msgspec.Struct, frozen=True):
    """Where in a file: behind so many bytes of what is inside (of a file that is one value: so many items),
    and the number of the line that is next."""

    offset: int = 0
    line: int = 1


BEGIN: Final = Place()


class Lines(msgspec.Struct, frozen=True):
    """Whole items of a file: the place of the first line from 1, their bytes, how much of the file is read,
    and the place behind them."""

    first: int
    body: bytes
    read_bytes: int
    total_bytes: int
    behind: Place = BEGIN


def read_lines(path: Path, form: Form | None = None, start: Place = BEGIN) -> Iterator[Lines]:
    """The items of a file in batches that fit memory; `-` is standard input.

    Whether it is compressed is told by its first bytes. A file that is one JSON value over many lines, as
    a pretty-printed array, is given one item a line, and places are those of the items.

    Args:
        form: How items stand in it; by default JSON, one a line or one value.
        start: Where to begin, as an earlier batch gave it.

    Raises:
        ConfigError: It cannot be read.
        PeerError: Its compression is damaged; what stood before was given, and the message names the line.
    """
    form = form or json_form({})
    if str(path) == "-":
        yield from OpenFile(sys.stdin.buffer, 0, "standard input", form, start).batches()
        return
    try:
        with path.open("rb") as raw:
            yield from OpenFile(raw, path.stat().st_size, str(path), form, start).batches()
    except OSError as error:
        raise cannot_be_read(path, error) from None


def cannot_be_read(path: Path, error: OSError) -> ConfigError:
    """Which file it is, why, and what helps."""
    cures = {
        FileNotFoundError: "look at the path, and at whose directory it is",
        IsADirectoryError: f"name the files in it, as {path / '*'}",
        PermissionError: "run the command as an account that may read it",
    }
    return ConfigError(f"cannot be read: {error.strerror}", file=str(path), hint=cures.get(type(error), ""))


class OpenFile:
    """One file on its way: what is read of it and not yet given."""

    def __init__(
        self, raw: BinaryIO, total: int, name: str, form: Form, start: Place = BEGIN, *, final: bool = True
    ) -> None:
        """`final` says that nothing comes behind the file's end, so that its last item is whole."""
        self._raw = raw
        self._total = total
        self._name = name
        self._form = form
        self._final = final
        self._start = start
        encoding = encoding_of(raw.peek(4)[:4])  # type: ignore[attr-defined]
        self._encoding = encoding
        self._stream: Decoded = open_decoded(raw, encoding)
        self._kept = bytearray()
        self._first = start.line
        self._given_bytes = 0
        self._broken: PeerError | None = None
        self._read_bytes = 0
        self._over: Lines | None = None

    def batches(self) -> Iterator[Lines]:
        """What is there from the start on."""
        more = self._more(MAX_ITEM_BYTES if self._start.offset else _BATCH_BYTES)
        if self._kept.startswith(_BOM):
            del self._kept[: len(_BOM)]
            self._given_bytes = len(_BOM)
        if self._form.member and _is_one_value(bytes(self._kept), self._form.member):
            yield from self._value()
        else:
            yield from self._lines(self._skip_to(self._start.offset, more))
        if self._broken:
            raise PeerError(
                f"{self._name}, after line {self._first - 1}: {self._broken.message}",
                hint="mend the file and run the command again",
            )

    def _skip_to(self, offset: int, more: bool) -> bool:
        """Let go what an earlier reader gave."""
        if offset and not self._encoding and self._raw.seekable():
            self._kept.clear()
            self._given_bytes = self._raw.seek(offset)
            return self._more()
        while self._given_bytes < offset:
            part = min(offset - self._given_bytes, len(self._kept))
            del self._kept[:part]
            self._given_bytes += part
            if self._given_bytes < offset and not (more and (more := self._more())) and not self._kept:
                break
        return more

    def _more(self, wanted: int = _BATCH_BYTES) -> bool:
        """Read on; says whether there may be more."""
        wanted += len(self._kept)
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
            # The last item of a broken file is not whole, and comes again when the file is mended.
            whole = bytes(self._kept)
            end = self._form.ends(whole, self._final and not (more or self._broken))
            del self._kept[:end]
            yield from self._given(whole[:end])
            if not more:
                return
            if len(self._kept) > MAX_ITEM_BYTES:
                more = self._skip()
                continue
            more = self._more()

    def _skip(self) -> bool:
        """Let the rest of a line go that is too long anyway; its beginning is enough to be told of it."""
        head = bytes(self._kept[: MAX_ITEM_BYTES + 1]).replace(b"\n", b" ")
        more, length, lines = True, 0, 0
        while more and self._kept.find(b"\n", MAX_ITEM_BYTES if not length else 0) < 0:
            length, lines = length + len(self._kept), lines + self._kept.count(b"\n")
            self._kept.clear()
            more = self._more()
        end = self._kept.find(b"\n", MAX_ITEM_BYTES if not length else 0) + 1 or len(self._kept)
        length, lines = length + end, lines + self._kept.count(b"\n", 0, end)
        del self._kept[:end]
        self._over = self._batch(head, max(lines, 1), length)
        return more

    def _given(self, body: bytes) -> Iterator[Lines]:
        if self._over is not None:
            yield self._over
            self._over = None
        at = 0
        while at < len(body):
            stop = self._stop(body, at)
            part = body[at:stop]
            at = stop
            given = part.removesuffix(b"\n") if self._form.line_ends else part
            yield self._batch(given, part.count(b"\n") or 1, len(part))

    def _stop(self, body: bytes, at: int) -> int:
        """Where a batch ends: behind so many lines; where an item may have several, behind so many bytes."""
        if self._form.ends is not whole_lines:
            if len(body) - at <= _BATCH_BYTES:
                return len(body)
            return at + (self._form.ends(body[at : at + _BATCH_BYTES], False) or len(body) - at)
        stop = at
        for _ in range(_BATCH_LINES):
            stop = body.find(b"\n", stop) + 1
            if not stop:
                return len(body)
        return stop

    def _batch(self, body: bytes, count: int, length: int) -> Lines:
        read = self._raw.tell() if self._total else self._read_bytes
        self._given_bytes += length
        first, self._first = self._first, self._first + count
        return Lines(first, body, read, self._total, Place(self._given_bytes, self._first))

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
        self._first, self._given_bytes = self._start.offset + 1, self._start.offset
        for piece in self._form.split(bytes(self._kept), 1)[self._start.offset :]:
            part.append(_one_line(piece))
            size += len(part[-1])
            if len(part) >= _BATCH_LINES or size > _BATCH_BYTES:
                yield self._batch(b"\n".join(part), len(part), len(part))
                part, size = [], 0
        if part:
            yield self._batch(b"\n".join(part), len(part), len(part))


def _one_line(piece: Piece) -> bytes:
    """An item without line ends, which in JSON stand between its parts only."""
    data = bytes(piece[1][: MAX_ITEM_BYTES + 1])
    return data.replace(b"\n", b" ").replace(b"\r", b" ") or b" "


def _is_one_value(begun: bytes, member: str = "items") -> bool:
    """Whether a file is one array or object, or objects over several lines, rather than one item a line."""
    stripped = begun.lstrip()
    if stripped[:1] not in (b"[", b"{"):
        return False
    line, end, rest = stripped.partition(b"\n")
    if stripped[:1] == b"[":
        return not (line.rstrip().endswith(b"]") and rest.lstrip()[:1] == b"[")
    if not end:
        return b'"%s"' % member.encode() in line
    return not is_whole(line.strip()) and not lines_follow(rest)
