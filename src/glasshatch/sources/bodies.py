"""Bodies of deliveries and files: decompressed within a limit, whole or not at all."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO, Final, Protocol

import zstandard

from ..errors import PeerError, TooLarge

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""How long a delivery may be once it is decompressed."""

_PIECE = 256 * 1024
_STEP = 512
"""What is given to zstd at once: four bytes can stand for 128 KiB, so this for 16 MiB."""

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Decoded(Protocol):
    """A stream of what is inside."""

    def read(self, size: int, /) -> bytes: ...


def decode_body(data: bytes, encoding: str, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body without its Content-Encoding.

    Memory never exceeds the limit by much, however well the body was compressed.

    Raises:
        TooLarge: It would be longer than the limit.
        PeerError: The encoding is not known, the body is not in it or incomplete, or what is inside is
            compressed once more.
    """
    body = data
    if encoding not in ("", "identity"):
        body = _inflated(data, encoding, limit) if data else data
    if len(body) > limit:
        raise _too_large(limit)
    if inner := encoding_of(body):
        raise PeerError(
            f"the body is {inner} inside, and Content-Encoding does not say so",
            hint="send Content-Encoding, and compress once",
        )
    return body


def _inflated(data: bytes, encoding: str, limit: int) -> bytes:
    out = bytearray()
    stream = open_decoded(io.BytesIO(data), encoding)
    while piece := read_piece(stream):
        out += piece
        if len(out) > limit:
            raise _too_large(limit)
    return bytes(out)


def encoding_of(begin: bytes) -> str:
    """The compression that data is in, by its first bytes; empty for none that is known."""
    return next((name for magic, name in _MAGIC.items() if begin.startswith(magic)), "")


def open_decoded(stream: BinaryIO, encoding: str) -> Decoded:
    """A stream of what is inside; raises `PeerError` for an encoding that is not known."""
    if encoding in ("gzip", "x-gzip"):
        return gzip.GzipFile(fileobj=stream, mode="rb")
    if encoding == "zstd":
        return _Zstd(stream)
    if encoding in ("", "identity"):
        return stream
    raise PeerError("the encoding is not known", hint="send gzip, zstd, or none")


def read_piece(stream: Decoded, size: int = _PIECE) -> bytes:
    """The next part of a decoded stream; raises `PeerError` where it is broken off or garbled."""
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        raise PeerError(
            "the compressed data is damaged or incomplete", hint="send it again from the beginning"
        ) from None


class _Zstd:
    """Frames one after the other. The library's own reader takes a broken-off frame for its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._given = bytearray()
        self._left = b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; raises `EOFError` if the last frame is not whole, once all before is read."""
        try:
            while len(self._given) < size and self._step():
                pass
        except (EOFError, zstandard.ZstdError):
            if not self._given:
                raise
        out = bytes(self._given[:size])
        del self._given[:size]
        return out

    def _step(self) -> bool:
        data = self._left or self._stream.read(_STEP)
        self._left = b""
        if not data:
            if self._frame is not None:
                raise EOFError
            return False
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._given += self._frame.decompress(data)
        if self._frame.eof:
            self._left, self._frame = self._frame.unused_data, None
        return True


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the delivery has more than {limit // 1024**2} MiB once decompressed",
        hint="send it in several; nothing was stored",
    )
