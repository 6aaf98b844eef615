"""A statement with its bound values in their places, as somebody could have typed it; for the preview only.

What runs is never made of this: it is the client's own messages, byte for byte.
"""

from __future__ import annotations

from ....masking import readable
from ....statements import filled
from .running import format_of
from .wire import Bind

_TYPES = {
    16: "bool", 20: "int8", 21: "int2", 23: "int4", 700: "float4", 701: "float8", 1700: "numeric",
    1082: "date", 1114: "timestamp", 1184: "timestamptz", 2950: "uuid",
}  # fmt: skip
_TEXTS = frozenset({25, 1042, 1043, 705})
_LONGEST_VALUE = 4_096


def spelled(text: str, bind: Bind, types: tuple[int, ...]) -> str:
    """The text with constants for `$1` and so on; empty where a value cannot be written as one."""
    constants: list[str] = []
    for index, value in enumerate(bind.values):
        constant = _constant(value, format_of(bind, index), types[index] if index < len(types) else 0)
        if constant is None:
            return ""
        constants.append(constant)
    return filled(text, constants)


def _constant(value: bytes | None, format: int, oid: int) -> str | None:
    if value is None:
        return "NULL"
    if len(value) > _LONGEST_VALUE or (format == 1 and oid not in _TYPES and oid not in _TEXTS):
        return None
    written = readable(value, format, oid)
    if "\\" in written or "\0" in written:
        # Whether a backslash escapes is a setting of the session.
        return None
    quoted = "'" + written.replace("'", "''") + "'"
    return f"{quoted}::{_TYPES[oid]}" if oid in _TYPES else quoted
