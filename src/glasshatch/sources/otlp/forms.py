"""How log records stand in a body: a request in protobuf, one in JSON, or one in JSON a line.

Every record is an item of its own, and carries what it needs of its resource and scope beside it: one that
cannot be read costs only itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import msgspec

from ...errors import ConfigError, PeerError, TooLarge
from ..forms import Form, Options, whole_lines
from ..items import MAX_ITEM_BYTES, MAX_ITEMS, Item, Piece, is_whole, lines_follow
from . import jsonform, wire
from .origins import origin_of
from .plain import Origin, PlainRecord

FORMATS: Final = ("", "protobuf", "json", "lines")
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_UNREAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOTHING: Final = Origin(source=origin_of({}, {}).source)
_CUT_OFF: Final = "is cut off or no protobuf"


def otlp_form(options: Options) -> Form:
    """The form of one delivery or file.

    Raises:
        ConfigError: There is no such format.
    """
    format = options.get("format", "")
    if format not in FORMATS:
        raise ConfigError("is no form of OTLP", key="format", hint="protobuf, json or lines")
    taken = _Apart(format)
    return Form(taken.split, taken.read, taken.ends, line_ends=False)


class _Where(msgspec.Struct, frozen=True):
    """Beside a piece: what its resource and scope say, how it is read, and what is wrong with it already."""

    origin: Origin
    read: Callable[[bytes], dict[str, Any]]
    problem: str = ""


class _Apart:
    """One body on its way into records; what was met in it tells equal records apart."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._body = b""
        self._met: Counter[tuple[bytes, bytes]] = Counter()
        self._pieces: list[Piece] = []
        self._parts = 0
        self._cut = 0
        self._by_lines: bool | None = None

    def split(self, body: bytes, first: int = 1) -> list[Piece]:
        """The records, not yet read.

        Raises:
            PeerError: The body is not in the format that it is said to have: nothing in it can be read.
            TooLarge: It has too many records.
        """
        self._body = body
        format = self._format or _told_by(body)
        if format == "protobuf":
            self._protobuf(body)
        elif self._format == "json":
            self._json(body)
        elif format == "json":
            self._line(body, first)
        else:
            self._lines(body, first)
        return self._pieces

    def ends(self, data: bytes, final: bool) -> int:
        """Up to where there are whole requests; one that is not a line ends with its file."""
        if self._by_lines is None:
            self._by_lines = self._format == "lines" or (not self._format and _told_by(data) == "lines")
        return whole_lines(data, final) if self._by_lines else len(data) if final else 0

    def read(self, piece: Piece) -> Item:
        """The record in plain form, or what is wrong with it."""
        place, data = piece[0], bytes(piece[1])
        where = piece[-1]
        assert isinstance(where, _Where)
        problem = where.problem
        if not problem and len(data) > MAX_ITEM_BYTES:
            problem = f"has more than {MAX_ITEM_BYTES} bytes"
        if problem:
            return Item(place, None, data, problem)
        try:
            record = where.read(data)
        except wire.Broken as broken:
            return Item(place, None, data, f"is no log record, from byte {broken.at} on")
        except UnicodeDecodeError:
            return Item(place, None, data, "is not UTF-8")
        except RecursionError:
            return Item(place, None, data, "is nested too deeply")
        except jsonform.Wrong as wrong:
            return Item(place, None, data, f"is no log record: {wrong}")
        except msgspec.DecodeError as error:
            return Item(place, None, data, f"is no log record: {_shown(error)}")
        self._met[where.origin.digest, data] += 1
        number = self._met[where.origin.digest, data]
        return Item(place, PlainRecord(record, where.origin, number, self._delivery), data)

    def _delivery(self) -> bytes:
        return self._digest

    @cached_property
    def _digest(self) -> bytes:
        return hashlib.blake2b(self._body, digest_size=16).digest()

    def _protobuf(self, body: bytes) -> None:
        try:
            for number, start, stop in wire.parts_of(body, 0, len(body)):
                if number == 1:
                    self._count()
                    self._resource(body, start, stop)
        except wire.Broken as broken:
            self._broken(body, broken.at, len(body))
        if self._format and self._cut and self._cut == len(self._pieces):
            raise _no_request("protobuf")

    def _resource(self, body: bytes, start: int, stop: int) -> None:
        resource, scopes = b"", []
        broken_at = -1
        try:
            for number, begin, end in wire.parts_of(body, start, stop):
                if number == 1:
                    resource += body[begin:end]  # a message that comes in parts is their sum
                elif number == 2:
                    self._count()
                    scopes.append((begin, end))
        except wire.Broken as broken:
            broken_at = broken.at
        for begin, end in scopes:
            self._scope(body, begin, end, resource)
        if broken_at >= 0:
            self._broken(body, broken_at, stop)

    def _scope(self, body: bytes, start: int, stop: int, resource: bytes) -> None:
        scope, records = b"", []
        broken_at = -1
        try:
            for number, begin, end in wire.parts_of(body, start, stop):
                if number == 2:
                    records.append((begin, end))
                elif number == 1:
                    scope += body[begin:end]
        except wire.Broken as broken:
            broken_at = broken.at
        where = _where(resource, scope, wire.read_resource, wire.read_scope, wire.read_record)
        self._room(len(self._pieces) + len(records))
        places = enumerate(records, len(self._pieces) + 1)
        self._pieces += [(place, body[begin:end], where) for place, (begin, end) in places]
        if broken_at >= 0:
            self._broken(body, broken_at, stop)

    def _broken(self, body: bytes, start: int, stop: int) -> None:
        """What is left of a message that is not whole: nobody can say what is in it."""
        self._cut += 1
        rest = body[start : min(stop, start + MAX_ITEM_BYTES)]
        self._add(rest, _Where(_NOTHING, wire.read_record, _CUT_OFF))

    def _json(self, body: bytes) -> None:
        try:
            request = jsonform.read_request(body)
        except _UNREAD:
            raise _no_request("JSON") from None
        if request.resource_logs is None and body.strip() not in (b"{}", b""):
            raise PeerError(
                "the body has no resourceLogs", hint="send an ExportLogsServiceRequest; nothing was stored"
            )
        self._request(request, 0)

    def _lines(self, body: bytes, first: int) -> None:
        for place, line in enumerate(body.split(b"\n"), first):
            if line := line.strip().removeprefix(b"\xef\xbb\xbf"):
                self._line(line, place)

    def _line(self, line: bytes, place: int) -> None:
        """One request; what is none is an item that is not understood."""
        try:
            request = jsonform.read_request(line)
        except _UNREAD:
            self._add(line, _Where(_NOTHING, jsonform.read_record, "is no request of OTLP in JSON"), place)
            return
        if request.resource_logs is None:
            self._add(line, _Where(_NOTHING, jsonform.read_record, "has no resourceLogs"), place)
        self._request(request, place)

    def _request(self, request: jsonform.JsonRequest, place: int) -> None:
        for one in request.resource_logs or ():
            for scope in one.scope_logs or ():
                where = _where(
                    bytes(one.resource), bytes(scope.scope),
                    jsonform.read_resource, jsonform.read_scope, jsonform.read_record,
                )  # fmt: skip
                for record in scope.log_records or ():
                    self._add(bytes(record), where, place)

    def _add(self, data: bytes, where: _Where, place: int = 0) -> None:
        self._room(len(self._pieces))
        self._pieces.append((place or len(self._pieces) + 1, data, where))

    def _count(self) -> None:
        self._parts += 1
        self._room(self._parts)

    def _room(self, count: int) -> None:
        if count > MAX_ITEMS:
            raise TooLarge(
                f"the delivery has more than {MAX_ITEMS} records",
                hint="send it in several; nothing was stored",
            )


def _where(
    resource: bytes,
    scope: bytes,
    read_resource: Callable[[bytes], dict[str, Any]],
    read_scope: Callable[[bytes], dict[str, Any]],
    read: Callable[[bytes], dict[str, Any]],
) -> _Where:
    """What a resource and a scope say; records under one that cannot be read are not understood either."""
    digest = hashlib.blake2b(resource + b"\0" + scope, digest_size=16).digest()
    try:
        return _Where(origin_of(read_resource(resource), read_scope(scope), digest), read)
    except (wire.Broken, jsonform.Wrong, *_UNREAD):
        return _Where(_NOTHING, read, "stands under a resource or scope that cannot be read")


def _told_by(body: bytes) -> str:
    """The format of a body, as its bytes tell it; protobuf begins with what reads as a line end."""
    begun = body.lstrip(_BLANK)
    if begun[:1] == b"{":
        first, end, rest = begun.partition(b"\n")
        if is_whole(first) or (end and lines_follow(rest)):
            return "lines"
        if is_whole(begun):
            return "json"
    return (
        "protobuf" if body[:1] == b"\n" and _is_protobuf(body) else "json" if begun[:1] == b"{" else "lines"
    )


def _is_protobuf(body: bytes) -> bool:
    try:
        return all(number == 1 for number, _, _ in wire.parts_of(body, 0, len(body)))
    except wire.Broken:
        return False


def _shown(error: msgspec.DecodeError) -> str:
    """What a decoder says, which names members and types and never repeats a value."""
    return str(error).replace("`", "")[:150]


def _no_request(kind: str) -> PeerError:
    return PeerError(f"the body is no request of OTLP in {kind}", hint="nothing was stored")
