"""Masks the rows of a COPY on their way out: text, csv and binary, however they are cut into messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....errors import PeerError
from ....masking import RowPlan
from .answers import Row, read_rows, write_row
from .copyform import CopyForm
from .wire import message

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_UNESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPED = {value: b"\\" + letter for letter, value in _UNESCAPED.items()}
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


class CopyRows:
    """One COPY's rows at work.

    Takes the payloads of CopyData messages and gives CopyData messages, one for each row, as the
    database sends them and clients expect. Holds at most one incomplete row.

    Args:
        limit: The longest row that is held, in bytes.
    """

    def __init__(self, form: CopyForm, plan: RowPlan, limit: int) -> None:
        self._form = form
        self._plan = plan
        self._limit = limit
        self._held = self._front = b""
        self._begun = False
        width = len(plan.columns)
        self._width = width
        self._rows: _Binary | _Csv | _Text = _Text(form)
        if form.format != "text":
            self._rows = _Binary(width) if form.format == "binary" else _Csv(form)

    def take(self, data: bytes) -> bytes:
        """What of this may leave now.

        Raises:
            PeerError: It is no row of this COPY, or a row longer than the limit.
        """
        data = self._held + data
        whole, position = [], 0
        if not self._begun:
            position = self._begin(data)
        for end in self._rows.ends(data, position) if self._begun else ():
            whole.append(data[position:end])
            position = end
        self._held = data[position:]
        if len(self._held) > self._limit:
            raise PeerError("the database copies out a row over the limit")
        return b"".join(message(b"d", part) for part in self._with_front(self._masked(whole)))

    def _with_front(self, parts: list[bytes]) -> list[bytes]:
        """Binary's header goes in one message with what follows it, as the database itself sends it."""
        if not self._front or (self._form.format == "binary" and not parts):
            return parts
        front, self._front = self._front, b""
        return [front + parts[0], *parts[1:]] if self._form.format == "binary" else [front, *parts]

    def finish(self) -> None:
        """The COPY is over. Raises PeerError if a row is not."""
        if self._held:
            raise PeerError("the database ended a COPY in the middle of a row")

    def _begin(self, data: bytes) -> int:
        """What stands before the first row: binary's header, or a line with the columns' names."""
        if self._form.format == "binary":
            if len(data) < 19:
                return 0
            size = 19 + int.from_bytes(data[15:19], "big")
            if not data.startswith(_SIGNATURE) or size > self._limit:
                raise PeerError("the database copies out something else than was asked for")
            if len(data) < size:
                return 0
        elif self._form.header:
            size = next(self._rows.ends(data, 0), 0)
        else:
            size = 0
        self._front = data[:size]
        self._begun = bool(size) or not (self._form.header or self._form.format == "binary")
        return size

    def _masked(self, parts: list[bytes]) -> list[bytes]:
        if self._rows.is_trailer(parts[-1] if parts else b""):
            return [*self._masked(parts[:-1]), parts[-1]]
        if not parts:
            return []
        rows = [self._rows.values(part) for part in parts]
        if not self._width:
            return parts
        if any(len(row) != self._width for row in rows):
            raise PeerError("the database copies out rows of another width than was planned")
        stream = self._plan.rewrite(b"".join(map(write_row, rows)))
        shown = read_rows(stream, 0, len(stream))
        return [
            part if before == after else self._rows.write(part, before, after)
            for part, before, after in zip(parts, rows, shown, strict=True)
        ]


class _Text:
    """Lines; what a value holds of line ends, delimiters and backslashes is escaped."""

    def __init__(self, form: CopyForm) -> None:
        self._null = form.null
        self._delimiter = form.delimiter
        # A delimiter behind a backslash is part of the value.
        self._field = re.compile(
            rb"((?:[^\\"
            + re.escape(form.delimiter)
            + rb"]|\\.)*+)(?:"
            + re.escape(form.delimiter)
            + rb"|\Z)",
            re.DOTALL,
        )
        self._special = re.compile(rb"[\\\b\f\n\r\t\v" + re.escape(form.delimiter) + rb"]")

    def ends(self, data: bytes, position: int) -> Iterator[int]:
        while (end := data.find(b"\n", position)) >= 0:
            position = end + 1
            yield position

    def is_trailer(self, part: bytes) -> bool:
        return part == b"\\.\n"

    def values(self, part: bytes) -> Row:
        return [None if field == self._null else self._unescaped(field) for field in self._fields(part)]

    def write(self, part: bytes, before: Row, after: Row) -> bytes:
        fields = [
            raw if old == new else self._null if new is None else self._escaped(new)
            for raw, old, new in zip(self._fields(part), before, after, strict=True)
        ]
        return self._delimiter.join(fields) + b"\n"

    def _fields(self, part: bytes) -> list[bytes]:
        line = part[:-1]
        if b"\\" not in line:
            return line.split(self._delimiter)
        fields, position = [], 0
        while True:
            found = self._field.match(line, position)
            if found is None:
                raise PeerError("the database copies out a malformed line")
            fields.append(found[1])
            position = found.end()
            if found.end() == len(line) and found.end() == found.end(1):
                return fields

    def _unescaped(self, field: bytes) -> bytes:
        if b"\\" not in field:
            return field
        return _ESCAPE.sub(lambda found: _UNESCAPED.get(found[1], found[1]), field)

    def _escaped(self, value: bytes) -> bytes:
        return self._special.sub(lambda found: _ESCAPED.get(found[0], b"\\" + found[0]), value)


class _Csv:
    """Lines; a line end within quotes is part of the value."""

    def __init__(self, form: CopyForm) -> None:
        quote, delimiter = re.escape(form.quote), re.escape(form.delimiter)
        self._null, self._delimiter, self._quote = form.null, form.delimiter, form.quote
        self._field = re.compile(
            rb"((?:" + quote + rb"(?:[^" + quote + rb"]|" + quote + quote + rb")*+" + quote
            + rb"|[^" + quote + delimiter + rb"]*+))(?:" + delimiter + rb"|\Z)",
            re.DOTALL,
        )  # fmt: skip
        self._special = re.compile(rb"[\r\n" + quote + delimiter + rb"]")

    def ends(self, data: bytes, position: int) -> Iterator[int]:
        start, search = position, position
        while (end := data.find(b"\n", search)) >= 0:
            search = end + 1
            if data.count(self._quote, start, end) % 2 == 0:
                start = search
                yield search

    def is_trailer(self, part: bytes) -> bool:
        return False

    def values(self, part: bytes) -> Row:
        return [self._value(field) for field in self._fields(part)]

    def write(self, part: bytes, before: Row, after: Row) -> bytes:
        fields = [
            raw if old == new else self._null if new is None else self._quoted(new)
            for raw, old, new in zip(self._fields(part), before, after, strict=True)
        ]
        return self._delimiter.join(fields) + b"\n"

    def _fields(self, part: bytes) -> list[bytes]:
        line, fields, position = part[:-1], [], 0
        while True:
            found = self._field.match(line, position)
            if found is None:
                raise PeerError("the database copies out a malformed line")
            fields.append(found[1])
            position = found.end()
            if found.end() == len(line) and found.end() == found.end(1):
                return fields

    def _value(self, field: bytes) -> bytes | None:
        if field == self._null:
            return None
        if field[:1] == self._quote:
            return field[1:-1].replace(self._quote * 2, self._quote)
        return field

    def _quoted(self, value: bytes) -> bytes:
        if value in (self._null, b"\\.") or self._special.search(value):
            return self._quote + value.replace(self._quote, self._quote * 2) + self._quote
        return value


class _Binary:
    """Tuples: the number of fields, then each behind its length; -1 fields end it."""

    def __init__(self, width: int) -> None:
        self._width = width

    def ends(self, data: bytes, position: int) -> Iterator[int]:
        while (end := self._end(data, position)) > 0:
            position = end
            yield end

    def _end(self, data: bytes, position: int) -> int:
        """Where the tuple ends; 0 if it is not there yet."""
        if len(data) - position < 2:
            return 0
        count = int.from_bytes(data[position : position + 2], "big", signed=True)
        position += 2
        if count not in (-1, self._width):
            raise PeerError("the database copies out rows of another width than was planned")
        for _ in range(count):
            if len(data) - position < 4:
                return 0
            length = int.from_bytes(data[position : position + 4], "big", signed=True)
            position += 4 + max(length, 0)
            if length < -1:
                raise PeerError("the database copies out a malformed row")
        return position if position <= len(data) else 0

    def is_trailer(self, part: bytes) -> bool:
        return part == b"\xff\xff"

    def values(self, part: bytes) -> Row:
        (row,) = read_rows(b"D" + (len(part) + 4).to_bytes(4, "big") + part, 0, len(part) + 5)
        return row

    def write(self, part: bytes, before: Row, after: Row) -> bytes:
        return write_row(after)[5:]
