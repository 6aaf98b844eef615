"""From text to tree: a Lucene-like grammar, read by lark, with the place of every mistake."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from ...errors import ConfigError
from ...index.columns import FIELDS
from .fields import ALIASES, PAIRS, known_field, resolve
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word

MAX_CHARACTERS = 8_192
MAX_PARTS = 200
MAX_DEPTH = 30

_GRAMMAR = r"""
start: any?
?any: all (_OR all)*
?all: part (_AND? part)*
?part: _NOT part -> negated
     | "(" any ")"
     | FIELD ":" values -> having
     | FIELD ":" range -> having_range
     | FIELD COMPARE value -> compared
     | _EXISTS "(" NAME ")" -> exists
     | value -> bare
?values: value | "(" alternatives ")"
alternatives: value (_OR? value)*
range: RANGE_OPEN value _TO value RANGE_CLOSE
value: STRING -> quoted
     | TOKEN -> plain
     | PLAIN -> plain

_TO.6: /TO(?=\s)/
_EXISTS.6: /exists(?=\()/
_OR.5: /OR(?=[\s(])|\|\|/
_AND.5: /AND(?=[\s(])|&&/
_NOT.5: /NOT(?=[\s(])|!|-(?=[^\s])/
FIELD.4: /[A-Za-z_][\w.\-\/]*(?=\s*(:|>=|<=|>|<))/
NAME: /[A-Za-z_][\w.\-\/]*/
COMPARE: />=|<=|>|</
RANGE_OPEN: /[\[{]/
RANGE_CLOSE: /[\]}]/
STRING.3: /"(\\.|[^"\\])*"/
TOKEN.3: /<[A-Z][A-Z0-9_]*:[^>\s]+>/
PLAIN.1: /[^\s()"\[\]{}<>]+/
%ignore /\s+/
"""
_NAMES = {
    "FIELD": "a field", "STRING": "a phrase", "PLAIN": "a word", "TOKEN": "a token", "RPAR": ")", "LPAR": "(",
    "COLON": ":", "COMPARE": "a comparison", "_TO": "TO", "RANGE_OPEN": "[", "RANGE_CLOSE": "]",
    "_OR": "OR", "_AND": "AND", "_NOT": "NOT", "$END": "the end", "_EXISTS": "exists(…)", "NAME": "a field",
}  # fmt: skip


def parse(text: str, redact: Callable[[str], str] = str) -> Query:
    """The tree of a query; every literal in it has gone through `redact`.

    Raises:
        ConfigError: Where the text goes wrong, counted from 1, and what may stand there.
    """
    if len(text) > MAX_CHARACTERS:
        raise _wrong(f"a query has at most {MAX_CHARACTERS} characters", "look for less at once")
    _check_depth(text)
    try:
        tree: Query = _parser.parse(text)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    if _size(tree) > MAX_PARTS:
        raise _wrong(f"a query has at most {MAX_PARTS} parts", "look for less at once")
    return _redacted(tree, redact)


def _wrong(message: str, hint: str) -> ConfigError:
    return ConfigError(message, key="query", hint=hint)


def _unexpected(error: UnexpectedInput, text: str) -> ConfigError:
    token = getattr(error, "token", None)
    ended = token is not None and token.type == "$END"
    position = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
    wanted: set[str] = set()
    for name in ("accepts", "expected", "allowed"):
        wanted = wanted or set(getattr(error, name, None) or ())
    names = sorted({_NAMES[name] for name in wanted if name in _NAMES})
    return _wrong(
        f"not understood at position {position + 1}", f"there may stand {', '.join(names) or 'a word'}"
    )


def _check_depth(text: str) -> None:
    depth = 0
    for char in re.sub(r'"(\\.|[^"\\])*"', "", text):
        depth += (char == "(") - (char == ")")
        if depth > MAX_DEPTH:
            raise _wrong(f"parentheses nest at most {MAX_DEPTH} deep", "leave some out")
    if len(re.findall(r"NOT\b|!|(?:^|[\s(!-])-", text)) > MAX_PARTS:
        raise _wrong("too many negations", "leave some out")


class _Builder(Transformer[Token, Query]):
    """Builds the tree while lark reads, so that no depth of nesting costs a stack."""

    def start(self, parts: list[Query]) -> Query:
        return parts[0] if parts else Everything()

    def any(self, parts: list[Query]) -> Query:
        return Or(tuple(parts))

    def all(self, parts: list[Query]) -> Query:
        return And(tuple(parts))

    def negated(self, parts: list[Query]) -> Query:
        return Not(parts[0])

    def bare(self, parts: list[Any]) -> Query:
        text, quoted = parts[0]
        return Word(text, quoted)

    def having(self, parts: list[Any]) -> Query:
        field = _field(parts[0])
        found = parts[1] if isinstance(parts[1], list) else [parts[1]]
        matches = tuple(_match(field, text, quoted) for text, quoted in found)
        return matches[0] if len(matches) == 1 else Or(matches)

    def having_range(self, parts: list[Any]) -> Query:
        field, (opened, low, high, closed) = _field(parts[0]), parts[1]
        sides: list[Query] = []
        if low != "*":
            sides.append(Compare(field, ">=" if opened == "[" else ">", low))
        if high != "*":
            sides.append(Compare(field, "<=" if closed == "]" else "<", high))
        return And(tuple(sides)) if len(sides) == 2 else sides[0] if sides else Exists(field)

    def compared(self, parts: list[Any]) -> Query:
        return Compare(_field(parts[0]), str(parts[1]), parts[2][0])

    def exists(self, parts: list[Any]) -> Query:
        return Exists(_field(parts[0]))

    def alternatives(self, parts: list[Any]) -> list[Any]:
        return parts

    def range(self, parts: list[Any]) -> tuple[str, str, str, str]:
        return str(parts[0]), parts[1][0], parts[2][0], str(parts[3])

    @v_args(inline=True)
    def quoted(self, token: Token) -> tuple[str, bool]:
        return re.sub(r"\\(.)", r"\1", str(token)[1:-1], flags=re.DOTALL), True

    @v_args(inline=True)
    def plain(self, token: Token) -> tuple[str, bool]:
        return str(token), False


def _field(token: Token) -> str:
    name = resolve(str(token))
    if not known_field(name):
        near = difflib.get_close_matches(name, [*ALIASES, *PAIRS, *FIELDS], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "docs/guides/search.md lists the fields"
        column = (token.column or 1) if token.line in (None, 1) else (token.start_pos or 0) + 1
        raise _wrong(f"there is no field {name[:60]!r}, at position {column}", hint)
    return name


def _match(field: str, text: str, quoted: bool) -> Query:
    return Exists(field) if text == "*" and not quoted else Match(field, text, quoted)


def _size(query: Query) -> int:
    total, waiting = 0, [query]
    while waiting:
        part = waiting.pop()
        total += 1
        if isinstance(part, And | Or):
            waiting += part.parts
        elif isinstance(part, Not):
            waiting.append(part.part)
    return total


def _redacted(query: Query, redact: Callable[[str], str]) -> Query:
    """The tree without personal literals; its depth is bounded, so recursion is."""
    match query:
        case Word(text, quoted):
            return Word(redact(text), quoted)
        case Match(field, value, quoted):
            return Match(field, redact(value), quoted)
        case Compare(field, operator, value):
            return Compare(field, operator, redact(value))
        case Not(part):
            return Not(_redacted(part, redact))
        case And(parts):
            return And(tuple(_redacted(part, redact) for part in parts))
        case Or(parts):
            return Or(tuple(_redacted(part, redact) for part in parts))
        case _:
            return query


_parser: Any = Lark(
    _GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder(), propagate_positions=False
)
