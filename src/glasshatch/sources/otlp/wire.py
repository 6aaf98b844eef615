"""OTLP's binary form taken apart: protobuf's wire format, read by hand. Pure.

The messages are those of opentelemetry-proto: `ExportLogsServiceRequest` down to `LogRecord`. They are read
here and not through the generated classes because a record that is broken then costs only itself, where
protobuf refuses the whole request; both take about the same time. The tests hold this reader against the
generated classes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from struct import unpack_from
from typing import Any, Final

from .plain import canonical_key, canonical_number, canonical_text, fraction

_DEEPEST: Final = 64
_TOO_DEEP: Final = "[TOO DEEP]"
_MOST_KNOWN: Final = 8_192
_LONGEST_KNOWN: Final = 256
_WIDTHS: Final = {1: 8, 5: 4}
"""How many bytes a value of a wire type of fixed width has."""

_known: dict[bytes, tuple[str, Any]] = {}
"""Attributes that came before, by their bytes: most of a record says the same as the record before it.

Whole tuples are put in and taken out, so several threads may use it; values in it are never changed.
"""


class Broken(Exception):
    """The bytes are no message of this kind; says from which byte on."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def parts_of(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """The length-delimited fields of a message: number, begin and end of each; others are passed over.

    Raises:
        Broken: What follows is no field, or ends behind the message; what was given before it stands.
    """
    at = start
    while at < stop:
        begun = at
        try:
            tag, at = _varint(data, at)
            kind = tag & 7
            if kind == 2:
                length, at = _varint(data, at)
                end = at + length
                if end > stop or tag < 8:
                    raise Broken(begun)
                yield tag >> 3, at, end
                at = end
                continue
            at = _passed(data, at, kind)
        except IndexError:
            raise Broken(begun) from None
        if at > stop or tag < 8:
            raise Broken(begun)


def read_record(data: bytes) -> dict[str, Any]:
    """A `LogRecord` in plain form; raises `Broken`, or `UnicodeDecodeError` where a text is none."""
    record: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    known, at, size = _known, 0, len(data)
    try:
        while at < size:
            tag = data[at]
            if tag not in _LENGTHS:
                at = _number_field(record, data, at)
                continue
            length = data[at + 1]
            at += 2
            if length > 127:
                length, at = _varint(data, at - 1)
            end = at + length
            if end > size:
                raise Broken(at)
            part = data[at:end]
            at = end
            if tag == 0x32:
                key, value = known.get(part) or _attribute(part)
                attributes[key] = value
            else:
                name, read = _LENGTHS[tag]
                record[name] = read(part)
    except IndexError:
        raise Broken(size) from None
    if at > size:
        raise Broken(size)
    record["attributes"] = attributes
    return record


def _number_field(record: dict[str, Any], data: bytes, at: int) -> int:
    """Take a number of a record in, or pass over what is not known; gives where it ends."""
    tag = data[at]
    if tag in _FIXED:
        name, width = _FIXED[tag]
        record[name] = _fixed(data, at + 1, width)
        return at + 1 + width
    if tag in _VARINTS:
        record[_VARINTS[tag]], at = _varint(data, at + 1)
        return at
    return _unknown(data, at, _RECORD)


_RECORD = frozenset((1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12))
_KEY_VALUE = frozenset((1, 2))
_ANY_VALUE = frozenset(range(1, 8))


def read_resource(data: bytes) -> dict[str, Any]:
    """A `Resource`: its attributes."""
    return _attributes(data, 1, 0)


def read_scope(data: bytes) -> dict[str, Any]:
    """An `InstrumentationScope`: name, version, attributes."""
    scope: dict[str, Any] = {}
    for number, start, stop in parts_of(data, 0, len(data)):
        if number in (1, 2):
            scope["name" if number == 1 else "version"] = canonical_text(data[start:stop].decode())
    if attributes := _attributes(data, 3, 0):
        scope["attributes"] = attributes
    return scope


def _attributes(data: bytes, field: int, depth: int) -> dict[str, Any]:
    """The `KeyValue`s under a field; of a key that is there twice the last one counts."""
    parts = (data[start:stop] for number, start, stop in parts_of(data, 0, len(data)) if number == field)
    return dict(_key_value(part, depth) for part in parts)


def _attribute(data: bytes) -> tuple[str, Any]:
    """One `KeyValue`, remembered if it is short."""
    found = _key_value(data, 0)
    if len(data) <= _LONGEST_KNOWN and not isinstance(found[1], (list, dict)):
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[data] = found
    return found


def _key_value(data: bytes, depth: int) -> tuple[str, Any]:
    key, value, at, size = "", None, 0, len(data)
    try:
        while at < size:
            tag = data[at]
            if tag in (0x0A, 0x12):
                length = data[at + 1]
                at += 2
                if length > 127:
                    length, at = _varint(data, at - 1)
                end = at + length
                if end > size:
                    raise Broken(at)
                if tag == 0x0A:
                    key = data[at:end].decode()
                else:
                    value = read_value(data[at:end], depth)
                at = end
            else:
                at = _unknown(data, at, _KEY_VALUE)
    except IndexError:
        raise Broken(size) from None
    if at > size:
        raise Broken(size)
    return (key if key.isascii() else canonical_key(key)), value


def read_value(data: bytes, depth: int) -> Any:
    """An `AnyValue` in canonical form: fractions and long integers as texts, bytes in base64."""
    if depth > _DEEPEST:
        return _TOO_DEEP
    value, at, size = None, 0, len(data)
    try:
        while at < size:
            tag = data[at]
            if tag in _LONG_VALUES:
                length, begin = _varint(data, at + 1)
                at = begin + length
                if at > size:
                    raise Broken(begin)
                value = _long_value(tag, data[begin:at], depth)
            elif tag in (0x10, 0x18):
                number, at = _varint(data, at + 1)
                value = number != 0 if tag == 0x10 else canonical_number(_signed(number))
            elif tag == 0x21:
                value = fraction(unpack_from("<d", data, at + 1)[0]) if at + 9 <= size else None
                at += 9
            else:
                at = _unknown(data, at, _ANY_VALUE)
    except IndexError:
        raise Broken(size) from None
    if at > size:
        raise Broken(size)
    return value


_LONG_VALUES = frozenset((0x0A, 0x2A, 0x32, 0x3A))


def _long_value(tag: int, data: bytes, depth: int) -> Any:
    if tag == 0x0A:
        return _text(data)
    if tag == 0x3A:
        return base64.b64encode(data).decode()
    if tag == 0x32:
        return _attributes(data, 1, depth + 1) if depth < _DEEPEST else _TOO_DEEP
    found = parts_of(data, 0, len(data))
    return [read_value(data[start:stop], depth + 1) for number, start, stop in found if number == 1]


def _text(data: bytes) -> str:
    text = data.decode()
    return text if text.isascii() else canonical_text(text)


_FIXED: Final = {0x09: ("timeUnixNano", 8), 0x59: ("observedTimeUnixNano", 8), 0x45: ("flags", 4)}
_VARINTS: Final = {0x10: "severityNumber", 0x38: "droppedAttributesCount"}
_LENGTHS: Final[dict[int, tuple[str, Callable[[bytes], Any]]]] = {
    0x1A: ("severityText", _text), 0x2A: ("body", lambda data: read_value(data, 0)), 0x32: ("", bytes),
    0x4A: ("traceId", bytes.hex), 0x52: ("spanId", bytes.hex), 0x62: ("eventName", _text),
}  # fmt: skip
"""The fields of a record by their tags: each has one byte."""


def _signed(number: int) -> int:
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def _fixed(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise Broken(at)
    return int.from_bytes(data[at : at + width], "little")


def _unknown(data: bytes, at: int, fields: frozenset[int]) -> int:
    """Pass over a field that this reader does not know; a known one in another form is none of ours."""
    begun = at
    tag, at = _varint(data, at)
    if tag < 8 or tag >> 3 in fields:
        raise Broken(begun)
    if tag & 7 == 2:
        length, at = _varint(data, at)
        return at + length
    return _passed(data, at, tag & 7)


def _passed(data: bytes, at: int, kind: int) -> int:
    """Behind a value of a wire type that is not length-delimited; groups are not read."""
    if kind == 0:
        return _varint(data, at)[1]
    if kind in _WIDTHS:
        return at + _WIDTHS[kind]
    raise Broken(at)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; raises `IndexError` behind the end, `Broken` beyond 64 bits."""
    found = data[at]
    if found < 128:
        return found, at + 1
    found &= 127
    for place in range(1, 10):
        byte = data[at + place]
        found |= (byte & 127) << 7 * place
        if byte < 128:
            return found, at + place + 1
    raise Broken(at)
