"""The stages of a query as they are read: each checked where it stands, with the place of a mistake."""

from __future__ import annotations

import re
from typing import Any

from lark import Token

from ...errors import ConfigError
from .fields import PAIRS, SEVERAL, cure_of, fields_of, known_field, open_member, resolve, typed
from .stages import UNITS_S, Aggregate, Group, Order, Pipeline, Stats
from .tree import Everything, Query

MAX_ROWS = 10_000
MAX_GROUPS = 4
_MAX_COLUMNS = 20
_MAX_WIDTH_S = 366 * 86_400
_TURN = ("stats", "sort", "limit", "fields")

STAGES = r"""
stage: _PIPE _STATS aggregate ("," aggregate)* (_BY group ("," group)*)? -> stats
     | _PIPE _SORT order ("," order)* -> sort
     | _PIPE _LIMIT NUMBER -> limit
     | _PIPE _FIELDS NAME ("," NAME)* -> fields
aggregate: COUNT (_AS ALIAS)? -> counted
         | FUNCTION "(" NAME ")" (_AS ALIAS)? -> made
group: NAME -> by_field
     | _BIN "(" WIDTH ")" -> by_bin
order: MINUS? column (ASC | DESC)?
column: FUNCTION "(" NAME ")" -> made_column
      | _BIN "(" WIDTH ")" -> bin_column
      | NAME -> named_column

_PIPE.6: /\|(?!\|)/
_STATS.7: /stats(?![\w.])/
_SORT.7: /sort(?![\w.])/
_LIMIT.7: /limit(?![\w.])/
_FIELDS.7: /fields(?![\w.])/
_BY.7: /by(?![\w.])/
_AS.7: /as(?![\w.])/
_BIN.7: /bin(?=\s*\()/
COUNT.7: /count(?![\w.(])/
FUNCTION.7: /(sum|min|max|avg|uniq)(?=\s*\()/
ASC.7: /asc(?![\w.])/
DESC.7: /desc(?![\w.])/
MINUS.7: "-"
NUMBER.7: /[0-9]+/
WIDTH.7: /[0-9]+[a-z]/
ALIAS: /[A-Za-z_]\w*/
"""
"""The grammar of what stands behind `|`."""

STAGE_NAMES = {
    "_PIPE": "|", "_STATS": "stats", "_SORT": "sort", "_LIMIT": "limit", "_FIELDS": "fields", "_BY": "by",
    "_AS": "as", "_BIN": "bin(…)", "COUNT": "count", "FUNCTION": "sum(…), min(…), max(…), avg(…), uniq(…)",
    "ASC": "asc", "DESC": "desc", "MINUS": "-", "NUMBER": "a number", "WIDTH": "a width as in 1m",
    "ALIAS": "a name", "COMMA": ",",
}  # fmt: skip
"""The words of it, for who made a mistake."""

_Group = tuple[Group, Token]
_Made = tuple[Aggregate, Token]
_Ordered = tuple[Order, Token]


class StageBuilder:
    """The part of the tree's builder that makes stages."""

    def start(self, parts: list[Any]) -> Pipeline:
        query: Query = parts[0] if parts and not isinstance(parts[0], tuple) else Everything()
        pipeline, last = Pipeline(query), ""
        for name, value, place in (part for part in parts if isinstance(part, tuple)):
            _check_turn(name, last, pipeline, place)
            if name == "sort":
                order = tuple(_sorted_by(one, token, pipeline.stats) for one, token in value)
                pipeline = _with(pipeline, "order", order, place)
            else:
                pipeline = _with(pipeline, name, value, place)
            last = name
        return pipeline

    def stats(self, parts: list[Any]) -> tuple[str, Stats, int]:
        made = [part for part in parts if isinstance(part[0], Aggregate)]
        groups = [part for part in parts if isinstance(part[0], Group)]
        if len(groups) > MAX_GROUPS:
            raise wrong_at(f"events are counted by at most {MAX_GROUPS} things", groups[MAX_GROUPS][1])
        if len(made) > _MAX_COLUMNS:
            raise wrong_at(f"at most {_MAX_COLUMNS} numbers are made at once", made[_MAX_COLUMNS][1])
        _check_names([*groups, *made])
        found = Stats(tuple(one for one, _ in made), tuple(one for one, _ in groups))
        return "stats", found, _place(parts[0][1])

    def sort(self, parts: list[_Ordered]) -> tuple[str, list[_Ordered], int]:
        return "sort", parts, _place(parts[0][1])

    def limit(self, parts: list[Token]) -> tuple[str, int, int]:
        if len(parts[0]) > 5 or not 1 <= int(parts[0]) <= MAX_ROWS:
            raise wrong_at(f"a limit is from 1 to {MAX_ROWS}", parts[0])
        return "limit", int(parts[0]), _place(parts[0])

    def fields(self, parts: list[Token]) -> tuple[str, tuple[str, ...], int]:
        if len(parts) > _MAX_COLUMNS:
            raise wrong_at(f"at most {_MAX_COLUMNS} fields are shown", parts[_MAX_COLUMNS])
        names = tuple(dict.fromkeys(known(one) for one in parts))
        return "fields", names, _place(parts[0])

    def counted(self, parts: list[Token]) -> _Made:
        return Aggregate("count", "", str(parts[1]) if len(parts) > 1 else ""), parts[0]

    def made(self, parts: list[Token]) -> _Made:
        function, name = str(parts[0]), known(parts[1])
        if function != "uniq" and not _has_numbers(name, function in ("min", "max")):
            raise wrong_at(
                f"{name} holds no numbers", parts[1], "uniq(…) counts the different values of any field"
            )
        return Aggregate(function, name, str(parts[2]) if len(parts) > 2 else ""), parts[0]

    def by_field(self, parts: list[Token]) -> _Group:
        return Group(known(parts[0])), parts[0]

    def by_bin(self, parts: list[Token]) -> _Group:
        return Group("", _width(parts[0])), parts[0]

    def order(self, parts: list[Any]) -> _Ordered:
        minus = isinstance(parts[0], Token) and parts[0].type == "MINUS"
        column, token = parts[1] if minus else parts[0]
        word = parts[-1].type if isinstance(parts[-1], Token) else ""
        if minus and word:
            raise wrong_at("a column is sorted by - or by a word, not by both", parts[-1])
        return Order(column, minus or word == "DESC"), token

    def made_column(self, parts: list[Token]) -> tuple[str, Token]:
        return f"{parts[0]}({resolve(typed(str(parts[1])))})", parts[0]

    def bin_column(self, parts: list[Token]) -> tuple[str, Token]:
        return Group("", _width(parts[0])).name, parts[0]

    def named_column(self, parts: list[Token]) -> tuple[str, Token]:
        return typed(str(parts[0])), parts[0]


def known(token: Token) -> str:
    """The full name of a field, as it stands; one that stands for several members keeps its name.

    Raises:
        ConfigError: There is none, and where.
    """
    name = resolve(typed(str(token)))
    if not known_field(name):
        raise wrong_at(f"there is no field {name[:60]!r}", token, cure_of(name))
    return name


def wrong_at(message: str, token: Token, hint: str = "docs/reference/query.md says what stages take") -> Any:
    """A mistake and its place."""
    place = _place(token)
    return ConfigError(f"{message}, at position {place}", key="query", hint=hint, position=place)


def _place(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _with(pipeline: Pipeline, name: str, value: Any, place: int) -> Pipeline:
    members = {one: getattr(pipeline, one) for one in Pipeline.__struct_fields__}
    return Pipeline(**(members | {name: value, "place": pipeline.place or place}))


def _check_turn(name: str, last: str, pipeline: Pipeline, place: int) -> None:
    """Each stage once and in one order, so that none means something else than it seems to."""
    if last and _TURN.index(name) <= _TURN.index(last):
        what = f"{name} is given twice" if name == last else f"{name} comes before {last}"
    elif name == "fields" and pipeline.stats:
        what = "fields are shown of events, and stats has made numbers of them"
    else:
        return
    raise ConfigError(
        f"{what}, at position {place}", key="query", hint="the order is: stats, sort, limit, fields",
        position=place,
    )  # fmt: skip


def _check_names(parts: list[tuple[Any, Token]]) -> None:
    names: set[str] = set()
    for one, token in parts:
        if one.name in names:
            raise wrong_at(f"there are two columns {one.name}", token, "name one, as in: count as n")
        names.add(one.name)


def _sorted_by(order: Order, token: Token, stats: Stats | None) -> Order:
    if stats is None:
        return _by_field(order, token)
    written = {one.written: one.name for one in stats.aggregates}
    names = {name: name for name in stats.columns} | written
    column = order.column if order.column in names else resolve(order.column)
    if column not in names:
        raise wrong_at(
            f"stats makes no column {column[:60]}", token, f"there are: {', '.join(stats.columns)}"
        )
    return Order(names[column], order.descending)


def _by_field(order: Order, token: Token) -> Order:
    name = known(token) if token.type == "NAME" else ""
    kinds = [field.kind for field in fields_of(name)]
    if not name or name in PAIRS or name in SEVERAL or "names" in kinds:
        raise wrong_at(
            f"events cannot be sorted by {order.column[:60]}",
            token,
            "name a field with one value, as in time",
        )
    return Order(name, order.descending)


def _has_numbers(name: str, times_too: bool) -> bool:
    kinds = [field.kind for field in fields_of(name)]
    return open_member(name) is not None or kinds == ["number"] or (times_too and kinds == ["time"])


def bin_width(text: str) -> int:
    """The seconds of `bin(5m)` by itself; 0 for anything else, and for a width that no bin has."""
    found = re.fullmatch(r"bin\(\s*([0-9]{1,9})([smhdw])\s*\)", text)
    seconds = int(found[1]) * UNITS_S[found[2]] if found else 0
    return seconds if seconds <= _MAX_WIDTH_S else 0


def _width(token: Token) -> int:
    seconds = bin_width(f"bin({token})")
    if not seconds:
        raise wrong_at("a bin is from 1s to 366d wide", token, "write 30s, 5m, 1h, 1d or 1w")
    return seconds
