"""What may stand at the caret of a query: read off the grammar itself, so it is never out of date."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any, Literal

import msgspec
from lark import Lark, Token, UnexpectedInput

from ...errors import ConfigError
from ...index.columns import FIELDS
from .fields import ALIASES, PAIRS, SEVERAL, known_field, resolve, typed
from .grammar import GRAMMAR, MAX_CHARACTERS, names_of, parse_pipeline
from .stages import FUNCTIONS

Kind = Literal["field", "value", "operator", "stage", "function", "column"]
_RUN = re.compile(r'[^\s()"\[\]{}<>|]*$')
_STAGE_RUN = re.compile(r'[^\s()"\[\]{}<>|,]*$')
_FIELD_AT = re.compile(r"([A-Za-z_][\w.\-/]*):")
_STRING = re.compile(r'"(\\.|[^"\\])*"')
_NEEDS_QUOTES = re.compile(r'[\s()"\[\]{}<>|*?]|^[-!]|^(AND|OR|NOT)$|&&')
_TIMES = ("now-15m", "now-1h", "now-24h", "now-7d", "now-30d")
_WIDTHS = ("1m", "5m", "15m", "1h", "1d", "1w")
_FIXED: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "_NOT": ("operator", ("NOT",)), "_AND": ("operator", ("AND",)), "_OR": ("operator", ("OR",)),
    "_EXISTS": ("operator", ("exists(",)), "_TO": ("operator", ("TO",)), "_PIPE": ("operator", ("|",)),
    "_STATS": ("stage", ("stats",)), "_SORT": ("stage", ("sort",)), "_LIMIT": ("stage", ("limit",)),
    "_FIELDS": ("stage", ("fields",)), "_BY": ("stage", ("by",)), "_AS": ("stage", ("as",)),
    "COUNT": ("function", ("count",)), "FUNCTION": ("function", tuple(f"{one}(" for one in FUNCTIONS)),
    "_BIN": ("function", ("bin(",)), "WIDTH": ("value", _WIDTHS), "ASC": ("stage", ("asc",)),
    "DESC": ("stage", ("desc",)),
}  # fmt: skip
"""What a token of the grammar is suggested as, apart from names and values."""


class Suggestion(msgspec.Struct, frozen=True):
    """A text that may stand at the spot. count: how often the value was seen lately, where that is known."""

    text: str
    kind: Kind
    count: int = 0


class Spot(msgspec.Struct, frozen=True):
    """Where the caret is.

    Attributes:
        start, end: The characters that a suggestion takes the place of, counted from 0, end exclusive.
        begun: What is typed of it, without quotes.
        expected: What may stand here, in words.
        fixed: What of it is known without looking into the record.
        names: Whether the name of a field may stand here; `suffix` follows it then.
        field: The field whose values may stand here; empty if none.
    """

    start: int
    end: int
    begun: str = ""
    expected: tuple[str, ...] = ()
    fixed: tuple[Suggestion, ...] = ()
    names: bool = False
    suffix: str = ""
    field: str = ""


def spot_at(text: str, caret: int) -> Spot:
    """What may stand at the caret, `caret` characters from the beginning; nothing behind a mistake."""
    head = text[: max(0, min(caret, len(text)))]
    start, begun = _begun(head)
    if len(head) > MAX_CHARACTERS or (found := _parsed(head[:start])) is None:
        return Spot(len(head), len(head))
    tokens, accepted = found
    quoted = head[start : start + 1] == '"'
    if not quoted and "PLAIN" not in accepted:
        run = _STAGE_RUN.search(head)
        start = max(start, run.start() if run else start)
        start += head[start : start + 1] in ("-", "=") and len(head) > start
        tokens, accepted = _parsed(head[:start]) or (tokens, accepted)
        begun = head[start:]
    elif not quoted and "FIELD" in accepted:
        moved = _moved(head, start)
        if moved != start:
            start, begun = moved, head[moved:]
            tokens, accepted = _parsed(head[:start]) or (tokens, set())
    field = _field_of(tokens, accepted)
    names = not quoted and bool({"FIELD", "NAME"} & accepted)
    columns = _columns(head, tokens)
    if "MINUS" in accepted or (tokens and tokens[-1].type == "MINUS"):
        accepted -= {"FUNCTION", "_BIN"}  # only as they stand among the columns
    fixed = () if quoted else tuple(_fixed(accepted, begun))
    if field and FIELDS.get(field) and FIELDS[field].kind == "time":
        fixed += tuple(Suggestion(one, "value") for one in _TIMES if one.startswith(begun))
    if columns is not None:
        names = False
        fixed += tuple(Suggestion(one, "column") for one in columns if one.startswith(begun))
    return Spot(
        start, len(head), begun, tuple(names_of(accepted)), fixed, names,
        ":" if "FIELD" in accepted else "", field,
    )  # fmt: skip


def field_names(begun: str) -> list[str]:
    """The names of fields that begin so, short ones first."""
    every = dict.fromkeys([*PAIRS, *SEVERAL, *FIELDS, *ALIASES, "attrs.", "labels.", "native."])
    return sorted((one for one in every if one.startswith(begun.lower())), key=lambda one: ("." in one, one))


def as_value(text: str) -> str:
    """A value as it stands in a query: in quotes if it needs them."""
    if text and not _NEEDS_QUOTES.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _begun(head: str) -> tuple[int, str]:
    """Where the word at the end begins, and what is typed of it."""
    without = _STRING.sub(lambda found: "x" * len(found[0]), head)
    if '"' in without:
        start = without.index('"')
        return start, re.sub(r"\\(.)", r"\1", head[start + 1 :])
    run = _RUN.search(without)
    start = run.start() if run else len(head)
    if head[start - 1 : start] in ("<", ">") and head[start : start + 1] == "=":
        start += 1
    return start, head[start:]


def _moved(head: str, start: int) -> int:
    """The beginning of the value, if a field stands before it in the same word; or behind a minus."""
    start += 1 if head[start : start + 1] in ("-", "!") else 0
    found = _FIELD_AT.match(head, start)
    return found.end() if found and known_field(resolve(found[1])) else start


def _parsed(prefix: str) -> tuple[list[Token], set[str]] | None:
    """The tokens before the caret and the kinds of token that may follow; None behind a mistake."""
    try:
        parser = _parser().parse_interactive(prefix)
        tokens: list[Token] = parser.exhaust_lexer()
    except UnexpectedInput:
        return None
    return tokens, set(parser.accepts())


def _field_of(tokens: list[Token], accepted: set[str]) -> str:
    """The full name of the field whose value is awaited."""
    if not {"PLAIN", "STRING"} & accepted:
        return ""
    field, groups, before = "", [""], ""
    for token in tokens:
        if token.type == "FIELD":
            field = resolve(typed(str(token)))
        elif token.type == "LPAR":
            groups.append(field if before == "COLON" else groups[-1])
        elif token.type == "RPAR":
            groups.pop()
        before = token.type
    name = field if before in ("COLON", "COMPARE", "RANGE_OPEN", "_TO") else groups[-1]
    return name if known_field(name) else ""


def _columns(head: str, tokens: list[Token]) -> tuple[str, ...] | None:
    """The columns that may be sorted by behind `stats`; None elsewhere."""
    kinds = [token.type for token in tokens]
    if "_STATS" not in kinds or "_SORT" not in kinds:
        return None
    pipe = next(token for token, after in itertools.pairwise(tokens) if after.type == "_SORT")
    try:
        stats = parse_pipeline(head[: pipe.start_pos]).stats
    except ConfigError:
        return None
    return stats.columns if stats and kinds[-1] in ("_SORT", "MINUS", "COMMA") else None


def _fixed(accepted: set[str], begun: str) -> list[Suggestion]:
    return [
        Suggestion(text, kind)
        for name, (kind, texts) in _FIXED.items()
        if name in accepted
        for text in texts
        if text.startswith(begun) and text != begun
    ]


@functools.cache
def _parser() -> Any:
    """The grammar without building a tree: what is half typed is no mistake yet."""
    return Lark(GRAMMAR, parser="lalr", lexer="contextual")
