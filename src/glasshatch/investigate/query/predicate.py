"""A query as a test of one event; finds the same events as the SQL does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ...events import Event
from ...index.columns import Field, body, flat, lower, opened
from .fields import fields_of, open_member
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word
from .values import (
    DECIMAL,
    address,
    compared_address,
    decimal,
    event_id,
    in_linear_time,
    is_pattern,
    network,
    number,
    phrase,
    regex_of,
    span_ns,
    text_pattern,
    word_pattern,
)

Test = Callable[[Event], bool]
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def compile_predicate(query: Query, now_ns: int) -> Test:
    """The test.

    Raises:
        ConfigError: A value does not fit its field.
    """
    match query:
        case Everything():
            return lambda event: True
        case Word(text, quoted):
            return _word(text, quoted)
        case Match(field, value, quoted):
            return _match(field, value, quoted, now_ns)
        case Compare(field, operator, value):
            return _compare(field, operator, value, now_ns)
        case Exists(field):
            return _exists(field)
        case Not(part):
            test = compile_predicate(part, now_ns)
            return lambda event: not test(event)
        case And(parts):
            tests = [compile_predicate(part, now_ns) for part in parts]
            return lambda event: all(test(event) for test in tests)
        case Or(parts):
            tests = [compile_predicate(part, now_ns) for part in parts]
            return lambda event: any(test(event) for test in tests)


class _LastBody:
    """The body of the event in hand: a query asks for it once for each of its words."""

    def __init__(self) -> None:
        self._last: tuple[Event, str] | None = None

    def __call__(self, event: Event) -> str:
        last = self._last
        if last is None or last[0] is not event:
            # One assignment, so that another thread sees the pair or the one before.
            self._last = last = (event, body(event, opened(event)))
        return last[1]


_body = _LastBody()


def _word(text: str, quoted: bool) -> Test:
    if is_pattern(text, quoted):
        pattern = word_pattern(text)
        if not pattern:
            return lambda event: _body(event) != ""
        found = re.compile(in_linear_time(pattern))
        return lambda event: found.search(_body(event)) is not None
    sought = phrase(text)
    if not sought:
        return lambda event: False
    named = event_id(text)
    if named:
        return lambda event: event.id == named or sought in _body(event)
    return lambda event: sought in _body(event)


def _match(name: str, value: str, quoted: bool, now_ns: int) -> Test:
    member = open_member(name)
    if member:
        same = _same(value, quoted)
        return lambda event: any(same(text) for text in _open(event, member))
    tests = [_has(field, value, quoted, now_ns) for field in fields_of(name)]
    return lambda event: any(test(event) for test in tests)


def _has(field: Field, value: str, quoted: bool, now_ns: int) -> Test:
    read = field.read
    if field.kind == "number":
        wanted = number(value, field.name)
        return lambda event: read(event) == wanted
    if field.kind == "time":
        start, stop = span_ns(value, now_ns)
        return lambda event: start <= read(event) < stop
    if field.kind == "text":
        pattern = text_pattern(value, quoted)
        if not pattern:
            return lambda event: False
        found = re.compile(in_linear_time(pattern))
        return lambda event: found.search(lower(read(event))) is not None
    if field.kind == "ip" and (within := network(value)):
        version, first, last = within
        return lambda event: _between(address(read(event)), version, first, last)
    if field.kind == "ip" and not is_pattern(value, quoted) and (one := address(value)):
        written = lower(value)
        return lambda event: lower(read(event)) == written or address(read(event)) == one
    if field.kind == "id" and not is_pattern(value, quoted):
        return lambda event: read(event) == value
    same = _same(value, quoted)
    if field.kind == "names":
        return lambda event: any(same(text) for text in read(event))
    return lambda event: same(read(event))


def _same(value: str, quoted: bool) -> Callable[[str], bool]:
    if is_pattern(value, quoted):
        found = re.compile(regex_of(value), re.DOTALL)
        return lambda text: found.fullmatch(lower(text)) is not None
    wanted = lower(value)
    return lambda text: lower(text) == wanted


def _compare(name: str, operator: str, value: str, now_ns: int) -> Test:
    compare = _OPERATORS[operator]
    member = open_member(name)
    if member:
        wanted = decimal(value, name)
        return lambda event: any(
            found is not None and compare(found, wanted) for found in map(_float, _open(event, member))
        )
    tests = [_beside(field, operator, value, now_ns) for field in fields_of(name)]
    return lambda event: any(test(event) for test in tests)


def _beside(field: Field, operator: str, value: str, now_ns: int) -> Test:
    read, compare = field.read, _OPERATORS[operator]
    if field.kind == "number":
        wanted = number(value, field.name)
        return lambda event: compare(read(event), wanted)
    if field.kind == "time":
        start, stop = span_ns(value, now_ns)
        at = {">=": start, "<": start, ">": stop, "<=": stop}[operator]
        if operator[0] == "<":
            return lambda event: read(event) < at
        return lambda event: read(event) >= at
    if field.kind == "ip":
        version, digits = compared_address(value, field.name)
        return lambda event: _addressed(address(read(event)), version, compare, digits)
    limit = lower(value).encode()
    if field.kind == "names":
        return lambda event: any(compare(lower(text).encode(), limit) for text in read(event))
    # ClickHouse compares texts by their bytes.
    return lambda event: compare(lower(read(event)).encode(), limit)


def _exists(name: str) -> Test:
    member = open_member(name)
    if member:
        column, path = member
        return lambda event: _has_member(flat(getattr(event, column)), path)
    fields = fields_of(name)
    return lambda event: any(bool(field.read(event)) for field in fields)


def _open(event: Event, member: tuple[str, str]) -> list[str]:
    return flat(getattr(event, member[0])).get(member[1], [])


def _has_member(members: dict[str, list[str]], path: str) -> bool:
    """Whether there is a value of this name, or one below it."""
    return bool(members.get(path)) or any(name.startswith(f"{path}.") for name in members)


def _float(text: str) -> float | None:
    return float(text) if re.fullmatch(DECIMAL, text) else None


def _between(found: tuple[int, str] | None, version: int, first: str, last: str) -> bool:
    return found is not None and found[0] == version and first <= found[1] <= last


def _addressed(
    found: tuple[int, str] | None, version: int, compare: Callable[[Any, Any], bool], digits: str
) -> bool:
    return found is not None and found[0] == version and compare(found[1], digits)
