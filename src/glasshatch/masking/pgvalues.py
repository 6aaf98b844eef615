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
    ARRAYS,
    BOOL,
    BYTEA,
    CIDR,
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
_PLAIN_ARRAYS = frozenset({1000, 1005, 1007, 1016, 1028, 1021, 1022, 1231, 1182, 1115, 1185, 2951})
"""Arrays of bool, integers, floats, numeric, dates and uuid."""
_NEGATIVE, _SPECIAL = 0x4000, {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
_BARE = re.compile(r"[^{}\",\\\s]+")
TRUTHS = {
    **dict.fromkeys(("t", "true", "y", "yes", "on", "1"), "true"),
    **dict.fromkeys(("f", "false", "n", "no", "off", "0"), "false"),
}
"""How clients write a boolean."""


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
        if oid in (INET, CIDR):
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
        if oid == NUMERIC:
            return _numeric(value)
        if oid in ARRAYS or oid in _PLAIN_ARRAYS:
            return _array(value)
    except (struct.error, ValueError, OverflowError):
        pass
    return utf8(value)


def _numeric(value: bytes) -> str:
    """Digits to the base of 10,000, the place of the first, a sign, and how many decimals are shown."""
    count, weight, sign, scale = struct.unpack_from("!HhHH", value)
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    digits = struct.unpack(f"!{count}H", value[8:])
    if max(digits, default=0) > 9_999 or sign not in (0, _NEGATIVE):
        raise ValueError("no number")
    before = (*digits[: weight + 1], *[0] * (weight + 1 - count)) if weight >= 0 else ()
    behind = (*[0] * (-weight - 1), *digits[max(weight + 1, 0) :])
    whole = "".join(f"{digit:04}" for digit in before).lstrip("0") or "0"
    rest = "".join(f"{digit:04}" for digit in behind)[:scale].ljust(scale, "0")
    return ("-" if sign else "") + whole + ("." + rest if scale else "")


def _array(value: bytes) -> str:
    """An array of one dimension as PostgreSQL writes it; ValueError for others."""
    dimensions, _, element = struct.unpack_from("!iiI", value)
    if dimensions == 0 and len(value) == 12:
        return "{}"
    (count,) = struct.unpack_from("!i", value, 12)
    if dimensions != 1 or element in ARRAYS or element in _PLAIN_ARRAYS:
        raise ValueError("more dimensions than one")
    parts, position = [], 20
    for _ in range(count):
        (length,) = struct.unpack_from("!i", value, position)
        position += 4
        parts.append(
            "NULL" if length < 0 else _quoted(readable(value[position : position + length], 1, element))
        )
        position += max(length, 0)
    if position != len(value):
        raise ValueError("no array")
    return "{" + ",".join(parts) + "}"


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


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


def format_of(formats: Sequence[int], index: int) -> int:
    if len(formats) == 1:
        return formats[0]
    return formats[index] if index < len(formats) else 0
