"""A query as a tree; what is looked for has been redacted before it stands here."""

from __future__ import annotations

import re

import msgspec

from .fields import as_typed

_BARE = re.compile(r'[^\s"()\[\]{}<>|=]+')
"""What is read as one value without quotes, wherever it stands."""


class Everything(msgspec.Struct, frozen=True):
    """Matches every event."""


class Word(msgspec.Struct, frozen=True):
    """A word, a phrase or a pattern with `*` and `?`, anywhere in the event."""

    text: str
    quoted: bool = False


class Match(msgspec.Struct, frozen=True):
    """A field has a value; unquoted, `*` and `?` stand for other characters."""

    field: str
    value: str
    quoted: bool = False


class Compare(msgspec.Struct, frozen=True):
    """A field is before or after a value; `operator` is one of < <= > >=."""

    field: str
    operator: str
    value: str


class Exists(msgspec.Struct, frozen=True):
    """A field has any value."""

    field: str


class Not(msgspec.Struct, frozen=True):
    """What the part does not match."""

    part: Query


class And(msgspec.Struct, frozen=True):
    """What all parts match."""

    parts: tuple[Query, ...]


class Or(msgspec.Struct, frozen=True):
    """What any part matches."""

    parts: tuple[Query, ...]


Query = Everything | Word | Match | Compare | Exists | Not | And | Or


def render(query: Query) -> str:
    """The query as text again, as it is recorded; parsing it gives the same tree."""
    match query:
        case Everything():
            return ""
        case Word(text, quoted):
            return _value(text, quoted)
        case Match(field, value, quoted):
            return f"{as_typed(field)}:{_value(value, quoted)}"
        case Compare(field, operator, value):
            return f"{as_typed(field)}{operator}{_value(value, not _BARE.fullmatch(value))}"
        case Exists(field):
            return f"{as_typed(field)}:*"
        case Not(part):
            return f"NOT {_grouped(part)}"
        case And(parts):
            return " ".join(_grouped(part) for part in parts)
        case Or(parts):
            return " OR ".join(_grouped(part) for part in parts)


def _grouped(query: Query) -> str:
    return f"({render(query)})" if isinstance(query, And | Or) else render(query)


def _value(text: str, quoted: bool) -> str:
    if not quoted:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
