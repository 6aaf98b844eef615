"""From text to tree: a Lucene-like grammar, read by lark, with the place of every mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from ...errors import ConfigError
from .fields import SEVERAL, cure_of, known_field, resolve, typed
from .piping import STAGE_NAMES, STAGES, StageBuilder
from .sql import compile_sql
from .stages import Pipeline
from .tree import And, Compare, Exists, Match, Not, Or, Query, Word
from .values import phrase

MAX_CHARACTERS = 8_192
MAX_PARTS = 200
MAX_DEPTH = 30
MAX_WILDCARDS = 100

GRAMMAR = (
    r"""
start: any? stage*
?any: all (_OR all)*
?all: part (_AND? part)*
?part: _NOT part -> negated
     | "(" any ")"
     | FIELD ":" having -> about
     | FIELD COMPARE value -> compared
     | _EXISTS "(" NAME ")" -> exists
     | value -> bare
?having: single | "(" alternatives ")"
?alternatives: together (_OR together)* -> any
?together: one (_AND? one)* -> all
?one: _NOT one -> negated
    | "(" alternatives ")"
    | single
?single: value -> equal
       | COMPARE value -> beside
       | RANGE_OPEN value _TO value RANGE_CLOSE -> between
value: STRING -> quoted
     | TOKEN -> plain
     | PLAIN -> plain

_TO.6: /TO(?=\s)/
_EXISTS.6: /exists(?=\()/
_OR.5: /OR(?![^\s()"])|\|\|/
_AND.5: /AND(?![^\s()"])|&&/
_NOT.5: /NOT(?![^\s()"])|!|-(?=[^\s])/
FIELD.4: /[A-Za-z_][\w.\-\/]*((?<=\.)"(\\.|[^"\\])*"[\w.\-\/]*)*(?=\s*(:|>=|<=|>|<))/
NAME: /[A-Za-z_][\w.\-\/]*((?<=\.)"(\\.|[^"\\])*"[\w.\-\/]*)*/
COMPARE: />=|<=|>|</
RANGE_OPEN: /[\[{]/
RANGE_CLOSE: /[\]}]/
STRING.3: /"(\\.|[^"\\])*"/
TOKEN.3: /<[A-Z][A-Z0-9_]*:[^>\s]+>/
PLAIN.1: /[^\s()"\[\]{}<>|]+/
%ignore /\s+/
"""
    + STAGES
)
_NAMES = {
    "FIELD": "a field", "STRING": "a phrase", "PLAIN": "a word", "TOKEN": "a token", "RPAR": ")", "LPAR": "(",
    "COLON": ":", "COMPARE": "a comparison", "_TO": "TO", "RANGE_OPEN": "[", "RANGE_CLOSE": "]",
    "_OR": "OR", "_AND": "AND", "_NOT": "NOT", "$END": "the end", "_EXISTS": "exists(…)", "NAME": "a field",
    **STAGE_NAMES,
}  # fmt: skip
_OPERATORS = re.compile(r"and|or|not", re.IGNORECASE)
_EQUATION = re.compile(r"([A-Za-z_][\w.\-/]*)(!?)=+")
_Build = Callable[[str], Query]
"""A part of what stands behind `field:`, waiting for its field."""


def parse(text: str) -> Query:
    """The tree of a query without stages, as it was typed; raises as `parse_pipeline`."""
    pipeline = parse_pipeline(text)
    if pipeline.place:
        place = text.rindex("|", 0, pipeline.place) + 1
        raise _wrong("stages have no place here", "leave out | and what follows", place)
    return pipeline.query


def parse_pipeline(text: str) -> Pipeline:
    """A query and its stages, as it was typed.

    Raises:
        ConfigError: Where the text goes wrong, counted from 1, and what may stand there.
    """
    if len(text) > MAX_CHARACTERS:
        raise _wrong(f"a query has at most {MAX_CHARACTERS} characters", "look for less at once")
    _check_depth(text)
    try:
        pipeline: Pipeline = _parser.parse(text)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    tree = pipeline.query
    if _size(tree) > MAX_PARTS:
        raise _wrong(f"a query has at most {MAX_PARTS} parts", "look for less at once")
    if _wildcards(tree) > MAX_WILDCARDS:
        raise _wrong(f"a query has at most {MAX_WILDCARDS} of * and ? in all", "look for less at once")
    return pipeline


def _wrong(message: str, hint: str, position: int = 0) -> ConfigError:
    where = f", at position {position}" if position else ""
    return ConfigError(message + where, key="query", hint=hint, position=position)


def _unexpected(error: UnexpectedInput, text: str) -> ConfigError:
    token = getattr(error, "token", None)
    ended = token is not None and token.type == "$END"
    position = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
    if text[position : position + 1] == '"':
        return _wrong("a quote is opened and not closed", 'write " at its end', position + 1)
    wanted: set[str] = set()
    for name in ("accepts", "expected", "allowed"):
        wanted = wanted or set(getattr(error, name, None) or ())
    names = ", ".join(names_of(wanted)) or "a word"
    return ConfigError(
        f"not understood at position {position + 1}", key="query", hint=f"there may stand {names}",
        position=position + 1,
    )  # fmt: skip


def names_of(tokens: set[str]) -> list[str]:
    """The kinds of token in words, sorted."""
    return sorted({_NAMES[name] for name in tokens if name in _NAMES})


def _check_depth(text: str) -> None:
    depth = 0
    without = re.sub(r'"(\\.|[^"\\])*"', lambda found: "x" * len(found[0]), text)
    for position, char in enumerate(without, 1):
        depth += (char == "(") - (char == ")")
        if depth > MAX_DEPTH:
            raise _wrong(f"parentheses nest at most {MAX_DEPTH} deep", "leave some out", position)
    if len(re.findall(r"NOT\b|!|(?:^|[\s(!-])-", text)) > MAX_PARTS:
        raise _wrong("too many negations", "leave some out")


class _Builder(StageBuilder, Transformer[Token, Any]):
    """Builds the tree while lark reads, so that no depth of nesting costs a stack.

    Behind `field:` the parts are functions of the field; elsewhere they are queries.
    """

    def any(self, parts: list[Any]) -> Any:
        return _joined(Or, parts)

    def all(self, parts: list[Any]) -> Any:
        return _joined(And, parts)

    def negated(self, parts: list[Any]) -> Any:
        inner = parts[0]
        return (lambda field: Not(inner(field))) if callable(inner) else Not(inner)

    def bare(self, parts: list[_Value]) -> Query:
        value = parts[0]
        _check_bare(value)
        return _placed(Word(value.text, value.quoted), value.position)

    def about(self, parts: list[Any]) -> Query:
        names = _fields(parts[0])
        found = tuple(parts[1](name) for name in names)
        return found[0] if len(found) == 1 else Or(found)

    def compared(self, parts: list[Any]) -> Query:
        return self.about([parts[0], self.beside(parts[1:])])

    def exists(self, parts: list[Any]) -> Query:
        return self.about([parts[0], Exists])

    def equal(self, parts: list[_Value]) -> _Build:
        value = parts[0]
        if value.text == "*" and not value.quoted:
            return Exists
        return lambda field: _placed(Match(field, value.text, value.quoted), value.position)

    def beside(self, parts: list[Any]) -> _Build:
        operator, value = str(parts[0]), parts[1]
        return lambda field: _placed(Compare(field, operator, value.text), value.position)

    def between(self, parts: list[Any]) -> _Build:
        opened, low, high, closed = str(parts[0]), parts[1], parts[2], str(parts[3])
        sides: list[_Build] = []
        if low.text != "*":
            sides.append(self.beside([">=" if opened == "[" else ">", low]))
        if high.text != "*":
            sides.append(self.beside(["<=" if closed == "]" else "<", high]))
        return cast(_Build, _joined(And, sides)) if sides else Exists

    @v_args(inline=True)
    def quoted(self, token: Token) -> _Value:
        text = re.sub(r"\\(.)", r"\1", str(token)[1:-1], flags=re.DOTALL)
        return _Value(text, True, _position(token))

    @v_args(inline=True)
    def plain(self, token: Token) -> _Value:
        return _Value(str(token), False, _position(token))


class _Value(msgspec.Struct, frozen=True):
    """A value with its place in the text, counted from 1."""

    text: str
    quoted: bool
    position: int


def _position(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _joined(kind: type[And] | type[Or], parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if callable(parts[0]):
        return lambda field: kind(tuple(part(field) for part in parts))
    return kind(tuple(parts))


def _placed(query: Query, position: int) -> Query:
    """The query, once it is known that its value fits; the mistake says where the value stands."""
    try:
        compile_sql(query, 0)
    except ConfigError as error:
        what = error.message.removeprefix("query: ")
        raise _wrong(what, error.hint, position) from None
    return query


def _check_bare(value: _Value) -> None:
    """Refuse what would silently find nothing, or something else than other languages mean by it."""
    if not phrase(value.text) and "*" not in value.text and "?" not in value.text:
        raise _wrong(
            "there is no letter or digit to look for",
            "other characters only separate words; a field compares them all, as in resource.name:/x/",
            value.position,
        )
    if value.quoted:
        return
    if value.text in ("AND", "OR"):
        raise _wrong(
            f"nothing stands before {value.text} that it could join", "leave it out, or put it in quotes",
            value.position,
        )  # fmt: skip
    if _OPERATORS.fullmatch(value.text):
        raise _wrong(
            "AND, OR and NOT are written in capitals", 'put the word in quotes to look for it, as in "or"',
            value.position,
        )  # fmt: skip
    equation = _EQUATION.match(value.text)
    if equation and known_field(resolve(equation[1])):
        name = equation[1]
        raise _wrong(
            "a field is followed by a colon",
            f"write {'NOT ' if equation[2] else ''}{name}:value",
            value.position + len(name),
        )


def _fields(token: Token) -> tuple[str, ...]:
    """The full names that a field's name stands for."""
    name = resolve(typed(str(token)))
    if not known_field(name):
        raise _wrong(f"there is no field {name[:60]!r}", cure_of(name), _position(token))
    return SEVERAL.get(name, (name,))


def _size(query: Query) -> int:
    return sum(1 for _ in _parts(query))


def _wildcards(query: Query) -> int:
    texts = [part.text for part in _parts(query) if isinstance(part, Word) and not part.quoted]
    texts += [part.value for part in _parts(query) if isinstance(part, Match) and not part.quoted]
    return sum(text.count("*") + text.count("?") for text in texts)


def _parts(query: Query) -> Iterator[Query]:
    """Every node; without recursion, for the depth is not known to be bounded yet."""
    waiting = [query]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, And | Or):
            waiting += part.parts
        elif isinstance(part, Not):
            waiting.append(part.part)


_parser: Any = Lark(
    GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder(), propagate_positions=False
)
