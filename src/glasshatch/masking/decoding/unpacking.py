"""What compressed bytes hold, up to a bound: a bomb is not unpacked further than what can be scanned."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Protocol

import zstandard

MOST = 1 << 20
"""Bytes that one run may unpack to."""
_MOST_MEMORY = 64 << 20
"""Bytes that a stream may ask for to be unpacked: xz and zstd name their windows themselves."""
_STEP = 64
_FAILED = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)


class _Stream(Protocol):
    def take(self, octets: bytes, most: int) -> bytes: ...
    def unused(self) -> bytes: ...


def unpacked(octets: bytes, *, raw: bool = False) -> tuple[bytes, int]:
    """The unpacked bytes and how many were read, also of a stream that is cut off or damaged.

    Nothing is unpacked of what is no stream. Bytes behind the end of a stream are not read.

    Args:
        raw: The bytes are DEFLATE without a header (RFC 1951), as SAML has it in addresses.

    Raises:
        OverflowError: There are more than can be looked at.
    """
    used = len(octets)
    try:
        stream = _opened(octets, raw)
        out = stream.take(octets, MOST + 1)
        used -= len(stream.unused())
    except _FAILED:
        # In small steps up to the damage: what can be read there can be read by others too.
        out = _before_damage(octets, raw)
    if len(out) > MOST:
        raise OverflowError("compressed text that grows beyond what can be scanned")
    return out, used


def _before_damage(octets: bytes, raw: bool) -> bytes:
    out = bytearray()
    try:
        stream = _opened(octets, raw)
        for start in range(0, len(octets), _STEP):
            out += stream.take(octets[start : start + _STEP], MOST + 1 - len(out))
            if len(out) > MOST:
                break
    except _FAILED:
        pass
    return bytes(out)


def _opened(octets: bytes, raw: bool) -> _Stream:
    if octets.startswith(b"BZh"):
        return _Bounded(bz2.BZ2Decompressor())
    if octets.startswith(b"\xfd7zXZ\x00"):
        return _Bounded(lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MOST_MEMORY))
    if octets.startswith(b"\x28\xb5\x2f\xfd"):
        return _Zstd()
    # Bit 5 takes gzip and zlib alike; a negative width takes neither header (zlib's manual).
    return _Bounded(zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32))


class _Decompressor(Protocol):
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, octets: bytes, most: int, /) -> bytes: ...


class _Bounded:
    """A stream that is told how much it may give."""

    def __init__(self, stream: _Decompressor) -> None:
        self._stream = stream

    def take(self, octets: bytes, most: int) -> bytes:
        return self._stream.decompress(octets, most)

    def unused(self) -> bytes:
        return self._stream.unused_data


class _Zstd:
    """zstd gives all of a piece at once: pieces so small that of one come 2 MiB at most."""

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_MOST_MEMORY).decompressobj()
        self._left = b""

    def take(self, octets: bytes, most: int) -> bytes:
        out = bytearray()
        for start in range(0, len(octets), _STEP):
            if len(out) > most:
                break
            try:
                out += self._stream.decompress(octets[start : start + _STEP])
                if self._stream.eof:
                    self._left = self._stream.unused_data + octets[start + _STEP :]
                    break
            except zstandard.ZstdError:
                if not out:
                    raise
                break
        return bytes(out[: most + 1])

    def unused(self) -> bytes:
        return self._left
