"""What the database answers: shapes, rows, errors; read, rebuilt, and cleaned of values."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

import msgspec

from ....errors import PeerError
from .wire import cstring, message

_COLUMN = struct.Struct(">IhIhih")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_NULL = b"\xff\xff\xff\xff"
_QUOTED = re.compile(r"\"[^\"]*\"|«[^»]*»|„[^“]*“|'[^']*'")

Text = Callable[[str], str]
"""Takes personal data out of a text."""

Row = list[bytes | None]


class ColumnShape(msgspec.Struct, frozen=True):
    """One column of a RowDescription; `table_oid` is 0 for anything but a plain column."""

    name: str
    table_oid: int
    attribute: int
    type_oid: int
    format: int


def read_shape(body: bytes) -> tuple[ColumnShape, ...]:
    """Read a RowDescription. Raises PeerError if it is malformed."""
    try:
        (count,) = _INT16.unpack_from(body)
        position = 2
        columns = []
        for _ in range(count):
            end = body.index(b"\0", position)
            table, attribute, kind, _, _, code = _COLUMN.unpack_from(body, end + 1)
            name = body[position:end].decode("utf-8", "replace")
            columns.append(ColumnShape(name, table, attribute, kind, code))
            position = end + 1 + _COLUMN.size
    except (struct.error, ValueError):
        raise PeerError("the upstream sent a malformed row description") from None
    if position != len(body):
        raise PeerError("the upstream sent a malformed row description")
    return tuple(columns)


def read_row(buffer: bytes, start: int, end: int) -> Row:
    """The values of the DataRow at a span. Raises PeerError if it is malformed."""
    unpack = _INT32.unpack_from
    row: Row = []
    append = row.append
    try:
        (count,) = _INT16.unpack_from(buffer, start + 5)
        position = start + 7
        for _ in range(count):
            (length,) = unpack(buffer, position)
            position += 4
            if length < 0:
                append(None)
            else:
                append(buffer[position : position + length])
                position += length
    except struct.error:
        raise PeerError("the upstream sent a malformed row") from None
    if position != end:
        raise PeerError("the upstream sent a malformed row")
    return row


def read_rows(buffer: bytes, start: int, end: int) -> Iterator[Row]:
    """The rows of neighbouring DataRow messages. Raises PeerError if one is malformed."""
    while start < end:
        after = start + 1 + _INT32.unpack_from(buffer, start + 1)[0]
        yield read_row(buffer, start, after)
        start = after


def write_row(row: Row) -> bytes:
    """A DataRow message of these values."""
    parts: list[bytes] = []
    for value in row:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(len(value).to_bytes(4, "big"))
            parts.append(value)
    body = b"".join(parts)
    return b"D" + (len(body) + 6).to_bytes(4, "big") + len(row).to_bytes(2, "big") + body


def error_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse, by their letter; tolerant of what is odd."""
    fields: dict[str, str] = {}
    for part in body.split(b"\0"):
        if part:
            fields[chr(part[0])] = part[1:].decode("utf-8", "replace")
    return fields


def error_message(
    code: str, text: str, *, detail: str = "", hint: str = "", severity: str = "ERROR"
) -> bytes:
    """An ErrorResponse of the gateway's own."""
    fields = {"S": severity, "V": severity, "C": code, "M": text, "D": detail, "H": hint, "R": "glasshatch"}
    return _join(b"E", fields)


def notice_message(text: str, hint: str = "") -> bytes:
    """A NoticeResponse of the gateway's own, which a client shows as it comes."""
    fields = {"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": text}
    if hint:
        fields["H"] = hint
    return _join(b"N", fields)


def clean_report(
    tag: bytes, body: bytes, text: Text, *, touches_masked: bool, may_be_raised: bool = False
) -> tuple[bytes, str]:
    """An error or notice without values that the reader may not see, and its SQLSTATE.

    Every text passes the scan. When the statement touches masked columns, what the scan cannot
    judge goes too: details, contexts, whatever the server quotes, and any text that code of the
    database's users has written (RAISE). The latter also when a trigger may have run (`may_be_raised`).
    """
    fields = error_fields(body)
    code = fields.get("C", "")
    if touches_masked or (may_be_raised and (tag == b"N" or code.startswith("P0"))):
        _drop_values(fields, code, is_notice=tag == b"N")
    for letter in "MDHWq":
        if fields.get(letter):
            fields[letter] = text(fields[letter])
    return _join(tag, fields), code


def clean_notification(raw: bytes, text: Text) -> bytes:
    """A NotificationResponse whose payload passed the scan."""
    channel, _, payload = raw[9:].partition(b"\0")
    cleaned = text(payload.rstrip(b"\0").decode("utf-8", "replace"))
    return message(b"A", raw[5:9] + channel + b"\0" + cstring(cleaned))


def command_rows(body: bytes) -> tuple[str, int]:
    """Command and row count of a CommandComplete tag, for example ("SELECT", 5)."""
    words = body.rstrip(b"\0").decode("ascii", "replace").split(" ")
    if len(words) > 1 and words[-1].isdigit():
        return words[0], int(words[-1])
    return " ".join(words), 0


def _drop_values(fields: dict[str, str], code: str, *, is_notice: bool) -> None:
    for letter in "DWq":
        fields.pop(letter, None)
    # Class 42 is found before a row is read: what it quotes are names and the client's own words.
    if is_notice or code.startswith("P0"):
        fields["M"] = "[masked]"
        fields.pop("H", None)
    elif not code.startswith("42"):
        fields["M"] = _QUOTED.sub('"[masked]"', fields.get("M", ""))


def _join(tag: bytes, fields: dict[str, str]) -> bytes:
    parts = [letter.encode("ascii", "replace") + cstring(value) for letter, value in fields.items() if value]
    return message(tag, b"".join(parts) + b"\0")
