"""How a COPY … TO STDOUT writes its rows, read from the statement's own text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from ....masking import literal_value
from ....statements import Statement

_TO_STDOUT = re.compile(r"\bto\s+stdout\b(.*)\Z", re.IGNORECASE | re.DOTALL)
_OLD_BINARY = re.compile(r"\s*copy\s+binary\b", re.IGNORECASE)
_PART = re.compile(r"\s*([a-z_]+|\?|\*|[(),;]|\"(?:[^\"]|\"\")*\"|\S)", re.IGNORECASE)
_NO = frozenset({"false", "off", "0"})
_VALUES = frozenset({"delimiter", "null", "quote", "escape", "encoding"})
_UTF8 = frozenset({"utf8", "utf-8", "unicode"})


class CopyForm(msgspec.Struct, frozen=True):
    """Format and its details; `whole_table` says that the columns are the table's, not a query's."""

    format: Literal["text", "csv", "binary"] = "text"
    delimiter: bytes = b"\t"
    null: bytes = b"\\N"
    quote: bytes = b'"'
    header: bool = False
    whole_table: bool = False


def copy_form(text: str, statement: Statement) -> CopyForm | None:
    """The form of the rows; None where it is not understood, or not one that can be masked."""
    if "copy_out" not in statement.verbs or statement.commands != 1:
        return None
    tail = _TO_STDOUT.search(statement.shape)
    if tail is None:
        return None
    spans = [span for span in statement.literals if span.kind != "comment"]
    wanted = tail[1].count("?")
    values = [literal_value(text[span.start : span.end]) for span in spans[len(spans) - wanted :]]
    options = _options(tail[1], iter(values))
    if options is None:
        return None
    if _OLD_BINARY.match(statement.shape):
        options["format"] = "binary"
    return _form(options, whole_table="select" not in statement.verbs)


def _options(tail: str, values: Iterator[str]) -> dict[str, str] | None:
    """Options by name, in both of PostgreSQL's syntaxes; None if there is one that is not known."""
    parts = [found[1].lower() for found in _PART.finditer(tail)]
    options: dict[str, str] = {}
    at = 0
    while at < len(parts):
        word, following = parts[at], parts[at + 1] if at + 1 < len(parts) else ""
        at += 1
        if word in ("csv", "binary", "text"):
            options["format"] = word
        elif word == "force" and following == "quote":
            at += 1
        elif word == "format" or word in _VALUES:
            if following == "as":
                at, following = at + 1, parts[at + 1] if at + 1 < len(parts) else ""
            options[word] = next(values, "") if following == "?" else following
            at += 1
        elif word == "header":
            options["header"] = "false" if following in _NO else "true"
            at += following in _NO or following in ("true", "on", "1")
        elif word == "force_quote" or word in ("with", "(", ")", ",", ";", "*"):
            continue
        elif word.startswith('"') or "force_quote" in parts or "force" in parts:
            continue  # a column of FORCE QUOTE: which values are quoted does not matter here
        else:
            return None
    return options


def _form(options: dict[str, str], *, whole_table: bool) -> CopyForm | None:
    format = options.get("format", "text")
    if format not in ("text", "csv", "binary") or options.get("encoding", "utf8").lower() not in _UTF8:
        return None
    is_csv = format == "csv"
    quote = options.get("quote", '"')
    form = CopyForm(
        format,  # type: ignore[arg-type]
        options.get("delimiter", "," if is_csv else "\t").encode(),
        options.get("null", "" if is_csv else "\\N").encode(),
        quote.encode(),
        options.get("header") == "true",
        whole_table,
    )
    if len(form.delimiter) != 1 or len(form.quote) != 1 or options.get("escape", quote) != quote:
        return None
    return form
