"""Reads PostgreSQL values, text and binary, as the text a person would see."""

from __future__ import annotations

import datetime
import ipaddress
import re
import struct
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from .pgtypes import (
    BOOL,
    BYTEA,
    DATE,
    FLOATS,
    INET,
    INTEGERS,
    JSONB,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
)

_EPOCH = datetime.datetime(2000, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)


def readable(value: bytes, format: int, oid: int) -> str:
    """The text of a value. One that cannot be read is given byte for byte as Latin-1: nothing is lost.

    Args:
        format: 0 for text, 1 for binary.
        oid: The type's OID; 0 when it is not known.
    """
    if oid == BYTEA and format == 0 and value.startswith(b"\\x"):
        return _hexadecimal(value)
    if format == 1 and oid not in TEXT:
        return _binary(value, oid)
    return utf8(value)


def utf8(value: bytes) -> str:
    """The value as UTF-8, or as Latin-1 where it is none."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def utf8_each(joined: bytes, values: Sequence[bytes]) -> list[str]:
    """Values as by `utf8`, which stand in `joined` with a NUL between them."""
    try:
        return joined.decode("utf-8").split("\0")
    except UnicodeDecodeError:
        return list(map(utf8, values))


def _hexadecimal(value: bytes) -> str:
    try:
        return utf8(bytes.fromhex(value[2:].decode("ascii")))
    except (ValueError, UnicodeDecodeError):
        return value.decode("latin-1")


def _binary(value: bytes, oid: int) -> str:
    try:
        if oid == INET:
            return str(ipaddress.ip_address(value[4:]))
        if oid in INTEGERS:
            return str(struct.unpack(INTEGERS[oid], value)[0])
        if oid in FLOATS:
            return repr(struct.unpack(FLOATS[oid], value)[0])
        if oid == BOOL:
            return "true" if value == b"\x01" else "false"
        if oid == UUID:
            return str(uuid.UUID(bytes=value))
        if oid == DATE:
            days: int = struct.unpack("!i", value)[0]
            return (_EPOCH + datetime.timedelta(days=days)).date().isoformat()
        if oid in (TIMESTAMP, TIMESTAMPTZ):
            ticks: int = struct.unpack("!q", value)[0]
            return (_EPOCH + ticks * _MICROSECOND).isoformat(sep=" ")
        if oid == JSONB and value[:1] == b"\x01":
            return utf8(value[1:])
    except (struct.error, ValueError, OverflowError):
        pass
    return utf8(value)


def typed(text: str, format: int, oid: int) -> bytes | None:
    """A text as a value of a type without room for text, in its format; None if it is not one of it."""
    try:
        value = _CHECKS[oid](text)
        return _encode(value, oid) if format == 1 else text.encode("ascii")
    except (KeyError, ValueError, OverflowError, struct.error):
        return None


def _decimal(text: str) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        raise ValueError("no number")
    return text


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _timestamp(text: str) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    return value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)


_CHECKS: dict[int, Callable[[str], Any]] = {
    **dict.fromkeys(INTEGERS, lambda text: int(_decimal(text))),
    **dict.fromkeys(FLOATS, lambda text: float(_decimal(text))),
    NUMERIC: _decimal,
    DATE: _date,
    TIMESTAMP: _timestamp,
    TIMESTAMPTZ: _timestamp,
    UUID: uuid.UUID,
    INET: ipaddress.ip_interface,
}


def _encode(value: Any, oid: int) -> bytes:
    """Binary format, for those types whose binary format is simple. Raises KeyError for others."""
    if oid in INTEGERS:
        return struct.pack(INTEGERS[oid], value)
    if oid in FLOATS:
        return struct.pack(FLOATS[oid], value)
    if oid == UUID:
        return bytes(value.bytes)
    if oid == DATE:
        return struct.pack("!i", (value - _EPOCH.date()).days)
    if oid in (TIMESTAMP, TIMESTAMPTZ):
        return struct.pack("!q", (value - _EPOCH) // _MICROSECOND)
    raise KeyError(oid)
