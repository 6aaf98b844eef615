"""Reads PostgreSQL values, text and binary, as the text a person would see."""

from __future__ import annotations

import datetime
import struct
import uuid

from .pgtypes import BOOL, BYTEA, DATE, FLOATS, INTEGERS, JSONB, TEXT, TIMESTAMP, TIMESTAMPTZ, UUID

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


def _hexadecimal(value: bytes) -> str:
    try:
        return utf8(bytes.fromhex(value[2:].decode("ascii")))
    except (ValueError, UnicodeDecodeError):
        return value.decode("latin-1")


def _binary(value: bytes, oid: int) -> str:
    try:
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
