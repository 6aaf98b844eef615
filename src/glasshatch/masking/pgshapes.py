"""Takes arrays, composites and hstores apart and puts them together again, in text and binary format.

What does not parse raises ValueError, and its cell becomes NULL: nothing that is not understood passes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

from .pgtypes import ANY_TEXT, OPAQUE, ValueType, builtin_type

Leaf = Callable[[bytes, ValueType, int], bytes | None]
"""Gives what stands for a part: its bytes, the type it has, and its format."""

CONTAINERS = frozenset({"array", "composite", "hstore"})
_FIRST_USER_OID = 16_384
_INT = struct.Struct(">i")
_OID = struct.Struct(">I")

_ARRAY_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|([^{}",]+)|([{},])', re.DOTALL)
_FIELD = re.compile(r'((?:[^",()\\]|"(?:[^"\\]|\\.|"")*+"|\\.)*+)(,|\)\Z)', re.DOTALL)
_PAIR = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"=>(?:"([^"\\]*(?:\\.[^"\\]*)*)"|(NULL))(?:, ?|\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DOUBLED = re.compile(r'""|\\(.)|"', re.DOTALL)
_MUST_QUOTE = re.compile(r'[{}",\\\s()]')


def transform(value: bytes, type: ValueType, format: int, leaf: Leaf) -> bytes | None:
    """The value with `leaf` applied to every part that is no container itself; of the same type.

    Raises:
        ValueError: The value is not one of this type.
    """
    if type.kind == "array":
        return (_array_binary if format else _array_text)(value, type, leaf)
    if type.kind == "composite":
        return (_composite_binary if format else _composite_text)(value, type, leaf)
    if type.kind == "hstore":
        return (_hstore_binary if format else _hstore_text)(value, leaf)
    return leaf(value, type, format)


def _array_text(value: bytes, type: ValueType, leaf: Leaf) -> bytes:
    text, element = value.decode("utf-8"), type.element or OPAQUE
    parts: list[str] = []
    position = 0
    if text.startswith("["):
        # Bounds other than from 1: [0:2]={…}
        position = text.index("=") + 1
        parts.append(text[:position])
    if text[position : position + 1] != "{" or text[-1] != "}":
        raise ValueError("no array")
    while position < len(text):
        found = _ARRAY_TOKEN.match(text, position)
        if found is None:
            raise ValueError("no array")
        quoted, bare, mark = found.groups()
        if mark is not None or (bare is not None and bare.upper() == "NULL"):
            parts.append(found[0])
        else:
            inner = _ESCAPED.sub(r"\1", quoted) if bare is None else bare
            parts.append(_quoted_element(transform(inner.encode(), element, 0, leaf)))
        position = found.end()
    return "".join(parts).encode()


def _quoted_element(value: bytes | None) -> str:
    if value is None:
        return "NULL"
    text = value.decode("utf-8")
    if not text or text.upper() == "NULL" or _MUST_QUOTE.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _array_binary(value: bytes, type: ValueType, leaf: Leaf) -> bytes:
    dimensions = _int(value, 0)
    body = 12 + 8 * dimensions
    if not 0 <= dimensions <= 6 or body > len(value):
        raise ValueError("no array")
    count = 1 if dimensions else 0
    for number in range(dimensions):
        count *= _int(value, 12 + 8 * number)
    element = type.element or _by_oid(_OID.unpack_from(value, 8)[0], OPAQUE)
    parts, has_null, position = [], 0, body
    for part, after in _counted(value, body, count):
        shown = None if part is None else transform(part, element, 1, leaf)
        has_null |= shown is None
        parts.append(_with_length(shown))
        position = after
    _must_end(value, position)
    return value[:4] + _INT.pack(has_null) + value[8:body] + b"".join(parts)


def _composite_text(value: bytes, type: ValueType, leaf: Leaf) -> bytes:
    text = value.decode("utf-8")
    if not text.startswith("("):
        raise ValueError("no composite")
    fields: list[str] = []
    position, more = 1, True
    while more:
        found = _FIELD.match(text, position)
        if found is None:
            raise ValueError("no composite")
        fields.append(found[1])
        position, more = found.end(), found[2] == ","
    if type.fields and len(fields) != len(type.fields):
        raise ValueError("no composite of this type")
    shown = [
        _quoted_field(
            transform(_unquoted(field).encode(), type.fields[index] if type.fields else ANY_TEXT, 0, leaf)
        )
        if field
        else ""
        for index, field in enumerate(fields)
    ]
    return ("(" + ",".join(shown) + ")").encode()


def _unquoted(field: str) -> str:
    return _DOUBLED.sub(lambda found: '"' if found[0] == '""' else found[1] or "", field)


def _quoted_field(value: bytes | None) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8")
    if not text or _MUST_QUOTE.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
    return text


def _composite_binary(value: bytes, type: ValueType, leaf: Leaf) -> bytes:
    count = _int(value, 0)
    if count < 0 or (type.fields and count != len(type.fields)):
        raise ValueError("no composite of this type")
    parts, position = [value[:4]], 4
    for index in range(count):
        (oid,) = _OID.unpack_from(value, position)
        ((part, after),) = _counted(value, position + 4, 1)
        field = _by_oid(oid, type.fields[index] if type.fields else OPAQUE)
        shown = None if part is None else transform(part, field, 1, leaf)
        parts += (value[position : position + 4], _with_length(shown))
        position = after
    _must_end(value, position)
    return b"".join(parts)


def _hstore_text(value: bytes, leaf: Leaf) -> bytes:
    text, parts, position = value.decode("utf-8"), [], 0
    while position < len(text):
        found = _PAIR.match(text, position)
        if found is None:
            raise ValueError("no hstore")
        key = leaf(_ESCAPED.sub(r"\1", found[1]).encode(), ANY_TEXT, 0)
        held = None if found[3] else leaf(_ESCAPED.sub(r"\1", found[2]).encode(), ANY_TEXT, 0)
        if key is not None:
            parts.append(f"{_always_quoted(key)}=>{'NULL' if held is None else _always_quoted(held)}")
        position = found.end()
    return ", ".join(parts).encode()


def _always_quoted(value: bytes) -> str:
    return '"' + value.decode("utf-8").replace("\\", "\\\\").replace('"', '\\"') + '"'


def _hstore_binary(value: bytes, leaf: Leaf) -> bytes:
    count, position = _int(value, 0), 4
    parts: list[bytes] = []
    kept = 0
    for _ in range(count):
        (key, _), (held, position) = _counted(value, position, 2)
        if key is None:
            raise ValueError("no hstore")
        name = leaf(key, ANY_TEXT, 1)
        if name is not None:
            kept += 1
            shown = None if held is None else leaf(held, ANY_TEXT, 1)
            parts += (_with_length(name), _with_length(shown))
    _must_end(value, position)
    return _INT.pack(kept) + b"".join(parts)


def _by_oid(oid: int, known: ValueType) -> ValueType:
    return builtin_type(oid) if oid < _FIRST_USER_OID else known


def _counted(value: bytes, position: int, count: int) -> Iterator[tuple[bytes | None, int]]:
    """So many parts, each behind its length, and where the next begins."""
    for _ in range(count):
        length = _int(value, position)
        position += 4
        if length < -1 or position + length > len(value):
            raise ValueError("a part beyond its value")
        part = None if length < 0 else value[position : position + length]
        position += max(length, 0)
        yield part, position


def _int(value: bytes, position: int) -> int:
    if position + 4 > len(value):
        raise ValueError("a value that ends early")
    number: int = _INT.unpack_from(value, position)[0]
    return number


def _with_length(value: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if value is None else _INT.pack(len(value)) + value


def _must_end(value: bytes, position: int) -> None:
    if position != len(value):
        raise ValueError("a value with more than its parts")
