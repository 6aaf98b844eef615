"""PostgreSQL's message framing (protocol 3.0): bytes in, whole messages out, nothing unbounded.

Untouched messages keep their raw bytes, so what is not masked is forwarded exactly as it came.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from ....errors import PeerError
from ....masking import run_of

_HEADER = struct.Struct(">BI")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")

Span = tuple[int, int, int]
"""Tag, start and end of one whole message (header included) in a buffer."""

Run = tuple[int, int, int, int]
"""Tag, start and end of whole messages of one tag that follow each other, and how many they are."""

STARTUP_BYTES = 10_000
"""PostgreSQL's own bound for a startup packet."""


class FrameReader:
    """Cuts one direction of a connection into messages, however it was fragmented.

    Holds at most one incomplete message. A message over its limit is refused when its header is
    seen, before its body is buffered.

    Args:
        limit: Largest message in bytes, header included.
        limits: Smaller limits by tag.
        allowed: The only tags that may arrive; None for any. Garbage is so refused at its first byte.
    """

    def __init__(
        self, limit: int, limits: Mapping[int, int] | None = None, allowed: frozenset[int] | None = None
    ) -> None:
        self._limit = limit
        self._limits = limits or {}
        self._allowed = allowed
        self._partial = bytearray()
        self._need = 0

    @property
    def partial_bytes(self) -> int:
        """How much of an incomplete message is held."""
        return len(self._partial)

    def feed(self, data: bytes) -> tuple[bytes, list[Span]]:
        """All messages that are complete now, as spans of the returned buffer.

        Raises:
            PeerError: A length or a tag that no message can have, or a message over its limit.
        """
        data = self._with_partial(data)
        position, size = 0, len(data)
        spans: list[Span] = []
        while size - position >= 5:
            tag, length = _HEADER.unpack_from(data, position)
            end = position + 1 + length
            if length + 1 > self._limit or length < 4 or self._limits or self._allowed:
                self._check(tag, length)
            if end > size:
                break
            spans.append((tag, position, end))
            position = end
        self._keep(data, position, size)
        return data, spans

    def feed_runs(self, data: bytes, joined: frozenset[int]) -> tuple[bytes, list[Run]]:
        """As `feed`, but neighbouring messages of one of these tags are one run; who takes it cuts it.

        Raises:
            PeerError: As `feed`.
        """
        data = self._with_partial(data)
        position, size = 0, len(data)
        runs: list[Run] = []
        while size - position >= 5:
            tag = data[position]
            if tag in joined:
                end, count = run_of(data, position, tag, self._limit)
                if count:
                    runs.append((tag, position, end, count))
                    position = end
                    continue
            tag, length = _HEADER.unpack_from(data, position)
            end = position + 1 + length
            self._check(tag, length)
            if end > size:
                break
            runs.append((tag, position, end, 1))
            position = end
        self._keep(data, position, size)
        return data, runs

    def _with_partial(self, data: bytes) -> bytes:
        """What came, behind what was incomplete; empty while that still is."""
        if not self._partial:
            return data
        self._partial += data
        if len(self._partial) < self._need:
            return b""
        data = bytes(self._partial)
        self._partial.clear()
        return data

    def _keep(self, data: bytes, position: int, size: int) -> None:
        rest = size - position
        if not rest:
            return
        if self._allowed and data[position] not in self._allowed:
            raise PeerError("a message of a kind that has no place in this protocol")
        self._partial += memoryview(data)[position:]
        self._need = 5 if rest < 5 else 1 + _HEADER.unpack_from(data, position)[1]

    def _check(self, tag: int, length: int) -> None:
        if self._allowed is not None and tag not in self._allowed:
            raise PeerError("a message of a kind that has no place in this protocol")
        if length < 4:
            raise PeerError("a message with an impossible length")
        limit = self._limits.get(tag, self._limit)
        if length + 1 > limit:
            raise PeerError(
                f"a message of {length} bytes, the limit is {limit}",
                hint="send large values in parts, or raise the gateway's limit",
            )


def message(tag: bytes, body: bytes = b"") -> bytes:
    """One message: tag, length, body."""
    return tag + (len(body) + 4).to_bytes(4, "big") + body


def cstring(text: str | bytes) -> bytes:
    """A NUL-terminated string; NULs within are dropped, as they would end it early."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return data.replace(b"\0", b"") + b"\0"


class Parse(msgspec.Struct, frozen=True):
    """A statement to prepare under a name (empty: the unnamed one)."""

    name: bytes
    text: bytes
    parameter_types: tuple[int, ...]


class Bind(msgspec.Struct, frozen=True):
    """A portal over a prepared statement, with its values; formats are one per value or column."""

    portal: bytes
    statement: bytes
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]

    def result_format(self, column: int) -> int:
        """0 text or 1 binary, for a result column (protocol: none, one for all, or one each)."""
        if not self.result_formats:
            return 0
        if len(self.result_formats) == 1:
            return self.result_formats[0]
        return self.result_formats[column] if column < len(self.result_formats) else 0


def parse_query(body: bytes) -> bytes:
    """The text of a Query message.

    Raises:
        PeerError: It is not exactly one NUL-terminated string.
    """
    if not body or body.find(b"\0") != len(body) - 1:
        raise PeerError("a malformed Query message")
    return body[:-1]


def parse_parse(body: bytes) -> Parse:
    """Read a Parse message. Raises PeerError if it is malformed."""
    name, position = _string(body, 0, "Parse")
    text, position = _string(body, position, "Parse")
    count, position = _int16(body, position, "Parse")
    types: list[int] = []
    for _ in range(count):
        oid, position = _int32(body, position, "Parse")
        types.append(oid & 0xFFFFFFFF)
    _end(body, position, "Parse")
    return Parse(name, text, tuple(types))


def parse_bind(body: bytes) -> Bind:
    """Read a Bind message. Raises PeerError if it is malformed."""
    portal, position = _string(body, 0, "Bind")
    statement, position = _string(body, position, "Bind")
    formats, position = _formats(body, position)
    count, position = _int16(body, position, "Bind")
    values: list[bytes | None] = []
    for _ in range(count):
        length, position = _int32(body, position, "Bind")
        if length == -1:
            values.append(None)
            continue
        if length < 0 or position + length > len(body):
            raise PeerError("a malformed Bind message")
        values.append(body[position : position + length])
        position += length
    result_formats, position = _formats(body, position)
    _end(body, position, "Bind")
    if len(formats) not in (0, 1, len(values)):
        raise PeerError("a malformed Bind message")
    return Bind(portal, statement, formats, tuple(values), result_formats)


def parse_named(body: bytes, what: str) -> tuple[bytes, bytes]:
    """Kind (`S` or `P`) and name of a Describe or Close message. Raises PeerError if malformed."""
    kind = body[:1]
    if kind not in (b"S", b"P"):
        raise PeerError(f"a malformed {what} message")
    name, position = _string(body, 1, what)
    _end(body, position, what)
    return kind, name


def parse_execute(body: bytes) -> tuple[bytes, int]:
    """Portal and row limit of an Execute message. Raises PeerError if it is malformed."""
    portal, position = _string(body, 0, "Execute")
    limit, position = _int32(body, position, "Execute")
    _end(body, position, "Execute")
    return portal, limit


def _formats(body: bytes, position: int) -> tuple[tuple[int, ...], int]:
    count, position = _int16(body, position, "Bind")
    formats: list[int] = []
    for _ in range(count):
        code, position = _int16(body, position, "Bind")
        if code not in (0, 1):
            raise PeerError("a malformed Bind message")
        formats.append(code)
    return tuple(formats), position


def _string(body: bytes, position: int, what: str) -> tuple[bytes, int]:
    end = body.find(b"\0", position)
    if end < 0:
        raise PeerError(f"a malformed {what} message")
    return body[position:end], end + 1


def _int16(body: bytes, position: int, what: str) -> tuple[int, int]:
    if position + 2 > len(body):
        raise PeerError(f"a malformed {what} message")
    (value,) = _INT16.unpack_from(body, position)
    if value < 0:
        raise PeerError(f"a malformed {what} message")
    return value, position + 2


def _int32(body: bytes, position: int, what: str) -> tuple[int, int]:
    if position + 4 > len(body):
        raise PeerError(f"a malformed {what} message")
    return _INT32.unpack_from(body, position)[0], position + 4


def _end(body: bytes, position: int, what: str) -> None:
    if position != len(body):
        raise PeerError(f"a malformed {what} message")
