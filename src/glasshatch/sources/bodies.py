"""Bodies of deliveries and files: decompressed within a limit, and taken apart into items."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import msgspec
import zstandard

from ..errors import PeerError, TooLarge

MAX_BODY_BYTES: Final = 128 * 1024 * 1024
"""How long a delivery may be once it is decompressed."""

MAX_ITEM_BYTES: Final = 1024 * 1024
"""How long one item may be; the stored event is shorter still."""

_PIECE = 256 * 1024


class Item(msgspec.Struct, frozen=True):
    """One item: its place from 1, its value, or what is wrong with it and its bytes."""

    place: int
    value: Any
    data: bytes
    problem: str = ""


def decode_body(data: bytes, encoding: str, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body without its Content-Encoding.

    Memory never exceeds the limit by much, however well the body was compressed.

    Raises:
        TooLarge: It would be longer than the limit.
        PeerError: The encoding is not known, or the body is not in it or incomplete.
    """
    if encoding in ("", "identity"):
        if len(data) > limit:
            raise _too_large(limit)
        return data
    out = bytearray()
    with open_decoded(io.BytesIO(data), encoding) as stream:
        while piece := read_piece(stream):
            out += piece
            if len(out) > limit:
                raise _too_large(limit)
    return bytes(out)


def open_decoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """A stream of what is inside; raises `PeerError` for an encoding that is not known."""
    if encoding in ("gzip", "x-gzip"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    if encoding == "zstd":
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            stream, read_across_frames=True
        )
        return cast(BinaryIO, reader)
    if encoding in ("", "identity"):
        return stream
    raise PeerError(f"the encoding {encoding[:20]!r} is not known", hint="send gzip, zstd, or none")


def read_piece(stream: BinaryIO, size: int = _PIECE) -> bytes:
    """The next part of a decoded stream; raises `PeerError` where it is broken off or garbled."""
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        raise PeerError(
            "the compressed data is damaged or incomplete", hint="send it again from the beginning"
        ) from None


def split(body: bytes, first: int = 1) -> Iterator[Item]:
    """The items of a delivery: one JSON value, an array, a Kubernetes list (`items`), or one a line."""
    stripped = body.lstrip()
    if not stripped:
        return
    if stripped[:1] in b"[{" and (whole := _whole(stripped)) is not None:
        yield from whole
        return
    yield from lines(body.split(b"\n"), first)


def lines(found: list[bytes], first: int) -> Iterator[Item]:
    """One item a line; empty lines are none."""
    for place, line in enumerate(found, first):
        if line.strip():
            yield item_of(place, line.strip())


def item_of(place: int, data: bytes) -> Item:
    """A line as an item."""
    if len(data) > MAX_ITEM_BYTES:
        return Item(place, None, data, f"has more than {MAX_ITEM_BYTES} bytes")
    try:
        return Item(place, msgspec.json.decode(data), data)
    except UnicodeDecodeError:
        return Item(place, None, data, "is not UTF-8")
    except msgspec.DecodeError:
        return Item(place, None, data, "is not JSON" if _is_utf8(data) else "is not UTF-8")
    except RecursionError:
        return Item(place, None, data, "is nested too deeply")


def _whole(body: bytes) -> list[Item] | None:
    """The items of a body that is one JSON value; None if it is none as a whole."""
    if body[:1] == b"{" and b"\n" in body.strip():
        end = body.index(b"\n")
        if item_of(1, body[:end].strip()).problem == "":
            return None  # the first line stands by itself: one a line
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _raw_items(body) if body[:1] == b"[" else None
    if isinstance(value, list):
        return [_valued(place, item) for place, item in enumerate(value, 1)]
    if isinstance(value, dict) and isinstance(value.get("items"), list) and "kind" in value:
        return [_valued(place, item) for place, item in enumerate(value["items"], 1)]
    return [item_of(1, body.strip())]


def _raw_items(body: bytes) -> list[Item] | None:
    """An array some item of which cannot be read: the others are not lost for it."""
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return [item_of(place, bytes(item)) for place, item in enumerate(items, 1)]


def _valued(place: int, value: Any) -> Item:
    return Item(place, value, b"")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the delivery has more than {limit // 1024**2} MiB once decompressed",
        hint="send it in several; nothing was stored",
    )
