"""The three forms of PostgreSQL's log, each told by its lines; whatever the form, an item is as in jsonlog.

A statement may hold line ends and anything else: in stderr its further lines begin with a tab, which the
server puts there; in csvlog it stands between quotation marks, which are followed, so that a statement cannot
pass for an entry of the log.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from ...errors import ConfigError, TooLarge
from ..forms import Form, Options
from ..items import MAX_ITEM_BYTES, MAX_ITEMS, Item, Piece, read_item
from .prefix import GUESSES, is_further, line_pattern

_CSV_BEGIN = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^,\s]{1,12},")
_CSV_RECORD = re.compile(rb'(?:[^"\n]++|"(?:[^"]++|"")*+")*+(?:\n|\Z)')
_STDERR_ENTRY = re.compile(rb"[^\n]*(?:\n\t[^\n]*)*(?:\n|\Z)")
_FURTHER = re.compile(rb"[^\n]{0,1000}?(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE):  ")
_PRIMARY = re.compile(rb"[^\n]{0,1000}?(?:DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC):  ")
_COLUMNS = (
    "timestamp user dbname pid remote session_id line_num ps session_start vxid txid error_severity"
    " state_code message detail hint internal_query internal_position context statement cursor_position"
    " location application_name backend_type leader_pid query_id"
).split()
_LEAST_COLUMNS = 22
_FORMATS = ("", "stderr", "csv", "json")
_MEMBER_OF = {
    "DETAIL": "detail", "HINT": "hint", "QUERY": "internal_query", "CONTEXT": "context",
    "STATEMENT": "statement", "LOCATION": "location", "BACKTRACE": "backtrace",
}  # fmt: skip


def pgaudit_form(options: Options) -> Form:
    """How a log's entries stand in it.

    Raises:
        ConfigError: An option has a value that it cannot have.
    """
    format, prefix = options.get("format", ""), options.get("log_line_prefix", "")
    if format not in _FORMATS:
        raise ConfigError("is no form of the log", key="format", hint="stderr, csv or json")
    patterns = tuple(map(line_pattern, (prefix,) if prefix else GUESSES))
    extra = {name: options[name] for name in ("timezone", "gaps") if name in options}
    return Form(partial(_split, format), partial(_read, format, patterns, extra), partial(_ends, format), "")


def _split(format: str, body: bytes, first: int) -> list[Piece]:
    pieces: list[Piece] = []
    line = first
    for start, stop in _entries(format, body):
        if body[start:stop].strip():
            if len(pieces) >= MAX_ITEMS:
                raise TooLarge(f"the delivery has more than {MAX_ITEMS} items", hint="send it in several")
            pieces.append((line, body[start:stop].rstrip(b"\r\n")))
        line += body.count(b"\n", start, stop)
    return pieces


def _ends(format: str, body: bytes, final: bool) -> int:
    """In stderr an entry ends where the next begins, in csvlog where its quotation marks are closed."""
    if final:
        return len(body)
    last = 0
    for start, stop in _entries(format, body):
        whole = body[stop - 1 : stop] == b"\n"
        if _format_at(format, body, start) == "stderr":
            if whole and stop < len(body) and not _goes_on(body, stop):
                last = stop
        elif whole:
            last = stop
    return last


def _goes_on(body: bytes, at: int) -> bool:
    """Whether the line here may belong to the entry before it; one that is not whole may."""
    return body.find(b"\n", at) < 0 or _is_further(body, at) or body[at : at + 1] == b"\t"


def _entries(format: str, body: bytes) -> Iterator[tuple[int, int]]:
    """Where each entry begins and ends, line end included."""
    at, size = 3 if body.startswith(b"\xef\xbb\xbf") else 0, len(body)
    while at < size:
        stop = _end_of(_format_at(format, body, at), body, at)
        yield at, stop
        at = stop


def _format_at(format: str, body: bytes, at: int) -> str:
    if format:
        return format
    if body[at : at + 1] == b"{":
        return "json"
    return "csv" if _CSV_BEGIN.match(body, at) else "stderr"


def _end_of(format: str, body: bytes, at: int) -> int:
    if format == "json":
        return body.find(b"\n", at) + 1 or len(body)
    if format == "csv":
        found = _CSV_RECORD.match(body, at)
        if found is not None and found.end() > at and found.end() - at <= MAX_ITEM_BYTES:
            return found.end()
        # A quotation mark that nothing closes costs its line; the next that looks like an entry begins one.
        return _next_csv(body, at)
    stop = _STDERR_ENTRY.match(body, at).end()  # type: ignore[union-attr]
    while stop < len(body) and _is_further(body, stop):
        stop = _STDERR_ENTRY.match(body, stop).end()  # type: ignore[union-attr]
    return stop


def _next_csv(body: bytes, at: int) -> int:
    line = body.find(b"\n", at) + 1
    while line and not _CSV_BEGIN.match(body, line):
        line = body.find(b"\n", line) + 1
    return line or len(body)


def _is_further(body: bytes, at: int) -> bool:
    """Whether the line here is a DETAIL, a STATEMENT or the like of the entry before it."""
    found = _FURTHER.match(body, at)
    if found is None:
        return False
    primary = _PRIMARY.match(body, at)
    return primary is None or found.end() < primary.end()


def _read(format: str, patterns: tuple[re.Pattern[str], ...], extra: dict[str, str], piece: Piece) -> Item:
    place, data = piece[0], bytes(piece[1])
    if len(data) > MAX_ITEM_BYTES:
        return Item(place, None, data, f"has more than {MAX_ITEM_BYTES} bytes")
    kind = _format_at(format, data, 0)
    if kind == "json":
        item = read_item((place, data))
        if extra and not item.problem and isinstance(item.value, dict):
            return msgspec.structs.replace(item, value={**item.value, **extra})
        return item
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Item(place, None, data, "is not UTF-8")
    value = _csv_value(text) if kind == "csv" else _stderr_value(patterns, text)
    if isinstance(value, str):
        return Item(place, None, data, value)
    return Item(place, {**value, **extra} if extra else value, data)


def _csv_value(text: str) -> dict[str, Any] | str:
    try:
        row = next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration):
        return "is no line of csvlog: a quotation mark is not closed"
    if len(row) < _LEAST_COLUMNS:
        return f"is no line of csvlog: it has {len(row)} columns"
    value: dict[str, Any] = {name: item for name, item in zip(_COLUMNS, row, strict=False) if item}
    remote = value.pop("remote", "")
    host, _, port = remote.rpartition(":")
    value["remote_host"], value["remote_port"] = (host, port) if host and port.isdecimal() else (remote, "")
    return value


def _stderr_value(patterns: tuple[re.Pattern[str], ...], text: str) -> dict[str, Any] | str:
    entry = _lines_of(text)
    first = next(entry)
    found = next((match for pattern in patterns if (match := pattern.match(first))), None)
    if found is None:
        return "does not begin with the log's line prefix"
    value: dict[str, Any] = {name: part for name, part in found.groupdict().items() if part}
    severity = value.pop("severity")
    if is_further(severity):
        return f"is a {severity} without the entry that it belongs to"
    if value.get("user") == "[unknown]":
        del value["user"]
    if value.get("dbname") == "[unknown]":
        del value["dbname"]
    if value.get("application_name") == "[unknown]":
        del value["application_name"]
    host, _, port = value.pop("remote", "").partition("(")
    if host:
        value["remote_host"], value["remote_port"] = host, port.rstrip(")")
    value["error_severity"], value["message"], value["form"] = severity, first[found.end() :], "stderr"
    for line in entry:
        more = found.re.match(line)
        if more is not None and (name := _MEMBER_OF.get(more["severity"])):
            value[name] = line[more.end() :]
    return value


def _lines_of(text: str) -> Iterator[str]:
    """An entry's message, then each DETAIL, STATEMENT and so on, without the tabs that the server put in."""
    if "\n" not in text:
        yield text
        return
    part: list[str] = []
    for line in text.split("\n"):
        if line.startswith("\t"):
            part.append(line[1:])
            continue
        if part:
            yield "\n".join(part)
        part = [line]
    yield "\n".join(part)
