"""OTLP's JSON form taken apart: protobuf's JSON, with ids in hexadecimal and numbers for enumerations. Pure.

OTLP 1.x, "JSON Protobuf Encoding": names in lower camel case, 64-bit integers as decimal texts or numbers,
bytes in base64 but `traceId` and `spanId` in hexadecimal, unknown members ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import msgspec

from .plain import canonical_key, canonical_number, canonical_text, fraction

_DEEPEST: Final = 64
_TOO_DEEP: Final = "[TOO DEEP]"
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-f]*")
_FRACTIONS: Final = frozenset(("NaN", "Infinity", "-Infinity"))
_LEVELS: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
_LEVEL = re.compile(r"SEVERITY_NUMBER_(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)([234]?)")


class Wrong(ValueError):
    """A member cannot be what it should be; the message names it and no value."""


_EMPTY: Final = msgspec.Raw(b"{}")


class _Message(msgspec.Struct, rename="camel"):
    """A message of OTLP; what it does not know is ignored."""


class JsonScope(_Message):
    """`ScopeLogs`."""

    scope: msgspec.Raw = _EMPTY
    log_records: list[msgspec.Raw] | None = None


class JsonResource(_Message):
    """`ResourceLogs`."""

    resource: msgspec.Raw = _EMPTY
    scope_logs: list[JsonScope] | None = None


class JsonRequest(_Message):
    """`ExportLogsServiceRequest`."""

    resource_logs: list[JsonResource] | None = None


class _Value(_Message):
    string_value: str | msgspec.UnsetType | None = msgspec.UNSET
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _Array | None = None
    kvlist_value: _List | None = None
    bytes_value: str | None = None


class _Pair(_Message):
    key: str = ""
    value: _Value | None = None


class _Array(_Message):
    values: list[_Value] | None = None


class _List(_Message):
    values: list[_Pair] | None = None


class _Attributed(_Message):
    attributes: list[_Pair] | None = None


class _Scope(_Message):
    name: str | None = None
    version: str | None = None
    attributes: list[_Pair] | None = None


class _Record(_Message):
    time_unix_nano: int | str | None = None
    observed_time_unix_nano: int | str | None = None
    severity_number: int | str | None = None
    severity_text: str | None = None
    body: _Value | None = None
    attributes: list[_Pair] | None = None
    dropped_attributes_count: int | str | None = None
    flags: int | str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


_requests = msgspec.json.Decoder(JsonRequest)
_records = msgspec.json.Decoder(_Record)
_resources = msgspec.json.Decoder(_Attributed | None)
_scopes = msgspec.json.Decoder(_Scope | None)


def read_request(data: bytes | memoryview) -> JsonRequest:
    """A request whose records are not yet read; raises `msgspec.DecodeError` and its like."""
    return _requests.decode(data)


def read_record(data: bytes) -> dict[str, Any]:
    """A `LogRecord` in plain form; raises `Wrong`, or what decoding does."""
    given = _records.decode(data)
    record: dict[str, Any] = {"attributes": _attributes(given.attributes, 0)}
    for name, number in (
        ("timeUnixNano", given.time_unix_nano),
        ("observedTimeUnixNano", given.observed_time_unix_nano),
        ("droppedAttributesCount", given.dropped_attributes_count),
        ("flags", given.flags),
    ):
        if number is not None:
            record[name] = _unsigned(number, name)
    if given.severity_number is not None:
        record["severityNumber"] = _level(given.severity_number)
    for name, text in (("severityText", given.severity_text), ("eventName", given.event_name)):
        if text:
            record[name] = canonical_text(text)
    for name, id in (("traceId", given.trace_id), ("spanId", given.span_id)):
        if id:
            record[name] = _id(id, name)
    if given.body is not None:
        record["body"] = _value(given.body, 0)
    return record


def read_resource(data: bytes) -> dict[str, Any]:
    """A `Resource`: its attributes."""
    given = _resources.decode(data)
    return {} if given is None else _attributes(given.attributes, 0)


def read_scope(data: bytes) -> dict[str, Any]:
    """An `InstrumentationScope`: name, version, attributes."""
    given = _scopes.decode(data) or _Scope()
    parts = {"name": given.name, "version": given.version}
    scope: dict[str, Any] = {name: canonical_text(text) for name, text in parts.items() if text}
    if given.attributes:
        scope["attributes"] = _attributes(given.attributes, 0)
    return scope


def _attributes(given: list[_Pair] | None, depth: int) -> dict[str, Any]:
    return {
        canonical_key(one.key): None if one.value is None else _value(one.value, depth) for one in given or ()
    }


def _value(given: _Value, depth: int) -> Any:
    """In canonical form, as the binary reader gives it."""
    text = given.string_value
    if isinstance(text, str):
        return text if text.isascii() else canonical_text(text)
    if given.int_value is not None:
        return canonical_number(_integer(given.int_value, "intValue"))
    if given.bool_value is not None:
        return given.bool_value
    if given.double_value is not None:
        return _fraction(given.double_value)
    if given.bytes_value is not None:
        return _bytes(given.bytes_value)
    if depth >= _DEEPEST and (given.array_value or given.kvlist_value):
        return _TOO_DEEP
    if given.array_value is not None:
        return [_value(one, depth + 1) for one in given.array_value.values or ()]
    if given.kvlist_value is not None:
        return _attributes(given.kvlist_value.values, depth + 1)
    return None


def _integer(given: int | str, name: str) -> int:
    if isinstance(given, str):
        if not _INTEGER.fullmatch(given):
            raise Wrong(f"{name} is no integer")
        given = int(given)
    if not -(2**63) <= given < 2**64:
        raise Wrong(f"{name} has more than 64 bits")
    return given


def _unsigned(given: int | str, name: str) -> int:
    number = _integer(given, name)
    if number < 0:
        raise Wrong(f"{name} is below zero")
    return number


def _level(given: int | str) -> int:
    """A number; some senders write the name that protobuf has for it."""
    if isinstance(given, str) and (found := _LEVEL.fullmatch(given)):
        return _LEVELS[found[1]] + int(found[2] or 1) - 1
    return 0 if given == "SEVERITY_NUMBER_UNSPECIFIED" else _unsigned(given, "severityNumber")


def _fraction(given: float | str) -> str:
    if isinstance(given, str):
        if given in _FRACTIONS:
            return given
        try:
            given = float(given)
        except ValueError:
            raise Wrong("doubleValue is no number") from None
    return fraction(given)


def _bytes(given: str) -> str:
    """In the form that the binary reader gives, whichever alphabet they came in."""
    try:
        padded = given.replace("-", "+").replace("_", "/") + "=" * (-len(given) % 4)
        return base64.b64encode(base64.b64decode(padded, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise Wrong("bytesValue is not in base64") from None


def _id(given: str, name: str) -> str:
    id = given.lower()
    if not _HEXADECIMAL.fullmatch(id):
        raise Wrong(f"{name} is not hexadecimal")
    return id
