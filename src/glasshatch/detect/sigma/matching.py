"""From the forms of a rule to one function over a record.

Expressions run in RE2, whose time grows with the text alone: no rule can be written, and no text sent, that
keeps it busy. A field that a record lacks matches nothing but `Nothing` and `Exists`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import ahocorasick
import re2

from .forms import (
    MANY,
    ONE,
    All,
    Any_,
    Compare,
    Exists,
    Form,
    Moment,
    Network,
    Not,
    Nothing,
    Part,
    Pattern,
    Same,
    Text,
    Wanting,
)
from .numbers import as_number
from .records import Record

Matches = Callable[[Record], bool]
Lists = Mapping[str, Sequence[str]]
"""The lists that rules ask for by name."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "ne": lambda one, other: one != other,
}
_MANY_TEXTS = 24


def compile_form(form: Form, lists: Lists | None = None) -> Matches:
    """One function that says whether a record is as the form says.

    Args:
        lists: What stands for `Wanting`; a list that is not there matches nothing.
    """
    if isinstance(form, All):
        # What costs least and mostly fails comes first; the order changes nothing of the answer.
        return _all([compile_form(item, lists) for item in sorted(form.items, key=_cost)])
    if isinstance(form, Any_):
        return _any(_together(form.items, lists))
    if isinstance(form, Not):
        inner = compile_form(form.item, lists)
        return lambda record: not inner(record)
    return _LEAVES[type(form)](form, lists or {})


def _cost(form: Form) -> int:
    """How dear a form is, roughly, in comparisons of a text."""
    if isinstance(form, (All, Any_)):
        return sum(map(_cost, form.items))
    if isinstance(form, Not):
        return 20 + _cost(form.item)
    if isinstance(form, Text):
        dear = form.cased or form.operator == "glob"
        return (50 if not form.field else 3) * (5 if dear else 1)
    return 30


def _all(tests: list[Matches]) -> Matches:
    if len(tests) == 2:
        first, second = tests
        return lambda record: first(record) and second(record)

    def all_of(record: Record) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost as much as the tests
            if not test(record):
                return False
        return True

    return tests[0] if len(tests) == 1 else all_of


def _any(tests: list[Matches]) -> Matches:
    if len(tests) == 2:
        first, second = tests
        return lambda record: first(record) or second(record)

    def any_of(record: Record) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(record):
                return True
        return False

    return tests[0] if len(tests) == 1 else any_of


def _together(items: tuple[Form, ...], lists: Lists | None) -> list[Matches]:
    """The tests of alternatives; what one field is compared with by one operator is one test of all."""
    groups: dict[tuple[str, str], list[Text]] = {}
    tests: list[Matches] = []
    for item in items:
        if isinstance(item, Text) and item.field and not item.cased and item.operator != "glob":
            groups.setdefault((item.field, item.operator), []).append(item)
        else:
            tests.append(compile_form(item, lists))
    joined = [
        _one_of(field, operator, [one.text for one in group]) for (field, operator), group in groups.items()
    ]
    return joined + tests


def _one_of(field: str, operator: str, texts: list[str]) -> Matches:
    if operator == "is":
        known = frozenset(texts)
        return _on_text(field, known.__contains__)
    if operator == "has":
        return _on_text(field, _holding(texts))
    ends = tuple(texts)
    if operator == "begins":
        return _on_text(field, lambda text: text.startswith(ends))
    return _on_text(field, lambda text: text.endswith(ends))


def _holding(texts: list[str]) -> Callable[[str], bool]:
    if len(texts) == 1:
        (only,) = texts
        return lambda text: only in text
    if len(texts) <= _MANY_TEXTS:

        def holds(text: str) -> bool:
            for one in texts:  # noqa: SIM110 - a generator costs more than the search
                if one in text:
                    return True
            return False

        return holds
    automaton = ahocorasick.Automaton(ahocorasick.STORE_LENGTH)
    for one in texts:
        automaton.add_word(one)
    automaton.make_automaton()
    return lambda text: next(automaton.iter(text), None) is not None


def _on_text(field: str, test: Callable[[str], bool]) -> Matches:
    """A test of a field's text in lower case, or of any of several."""

    def matches(record: Record) -> bool:
        text = record.texts[field]
        if text is None:
            return False
        return test(text) if type(text) is str else any(map(test, text))

    def anywhere(record: Record) -> bool:
        return any(map(test, record.every_text()))

    return matches if field else anywhere


def _on_value(field: str, test: Callable[[Any], bool]) -> Matches:
    """A test of a field's value as it came, or of any of several."""

    def matches(record: Record) -> bool:
        value = record.values.get(field)
        return any(map(test, value)) if type(value) is list else value is not None and test(value)

    def anywhere(record: Record) -> bool:
        return any(map(test, record.every_text()))

    return matches if field else anywhere


def _text(form: Text, _: Lists) -> Matches:
    if form.operator == "glob":
        test: Callable[[str], bool] = _glob(form.parts)
    else:
        wanted = form.text
        test = {
            "is": lambda text: text == wanted,
            "begins": lambda text: text.startswith(wanted),
            "ends": lambda text: text.endswith(wanted),
            "has": lambda text: wanted in text,
        }[form.operator]
    if form.cased:
        return _on_value(form.field, lambda value: test(str(value)))
    return _on_text(form.field, test)


def _glob(parts: tuple[Part, ...]) -> Callable[[str], bool]:
    """A pattern with wildcards. With `*` alone, its pieces are looked for from left to right."""
    if ONE not in parts:
        return _in_order(parts)
    pattern = "".join(
        re2.escape(part) if isinstance(part, str) else ".*" if part == MANY else "." for part in parts
    )
    found = re2.compile("(?s)" + pattern, _quiet()).fullmatch
    return lambda text: found(text) is not None


def _in_order(parts: tuple[Part, ...]) -> Callable[[str], bool]:
    first = parts[0] if isinstance(parts[0], str) else ""
    last = parts[-1] if isinstance(parts[-1], str) else ""
    pieces = [part for part in parts[1 if first else 0 : -1 if last else None] if isinstance(part, str)]

    def found(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in pieces:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return found


def _quiet() -> Any:
    """RE2 writes what it refuses to standard error unless it is told not to."""
    options = re2.Options()
    options.log_errors = False
    return options


def _pattern(form: Pattern, _: Lists) -> Matches:
    flags = f"(?{form.flags})" if form.flags else ""
    found = re2.compile(flags + form.pattern, _quiet()).search
    return _on_value(form.field, lambda value: found(_written(value)) is not None)


def _written(value: Any) -> str:
    """A value as an expression meets it: as it was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@lru_cache(maxsize=4_096)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(form: Network, _: Lists) -> Matches:
    network = ipaddress.ip_network(form.network)

    def inside(text: str) -> bool:
        address = _address(text)
        return address is not None and address.version == network.version and address in network

    return _on_text(form.field, inside)


def _compare(form: Compare, _: Lists) -> Matches:
    compare, bound = _COMPARISONS[form.operator], form.number

    def test(value: Any) -> bool:
        number = as_number(value)
        return number is not None and compare(number, bound)

    return _on_value(form.field, test)


def _nothing(form: Nothing, _: Lists) -> Matches:
    field = form.field
    return lambda record: record.values.get(field) in (None, "")


def _exists(form: Exists, _: Lists) -> Matches:
    field, wanted = form.field, form.exists
    return lambda record: (field in record.values) is wanted


def _same(form: Same, _: Lists) -> Matches:
    def test(one: str, other: str) -> bool:
        if form.begins and form.ends:
            return other in one
        if form.begins:
            return one.startswith(other)
        return one.endswith(other) if form.ends else one == other

    def matches(record: Record) -> bool:
        ours, others = _several(record, form.field), _several(record, form.other)
        return any(test(one, other) for one in ours for other in others)

    return matches


def _several(record: Record, field: str) -> list[str]:
    text = record.texts[field]
    return [] if text is None else [text] if type(text) is str else text


_PARTS: dict[str, Callable[[datetime], int]] = {
    "minute": lambda moment: moment.minute,
    "hour": lambda moment: moment.hour,
    "day": lambda moment: moment.day,
    "week": lambda moment: moment.isocalendar().week,
    "month": lambda moment: moment.month,
    "year": lambda moment: moment.year,
}
_SHORT_FRACTION = re.compile(r"(\.\d{1,6})\d*")


def _moment(form: Moment, _: Lists) -> Matches:
    part, wanted = _PARTS[form.part], form.number

    def test(value: Any) -> bool:
        moment = _time(value)
        return moment is not None and part(moment) == wanted

    return _on_value(form.field, test)


def _time(value: Any) -> datetime | None:
    """A time in UTC: ISO 8601, or a number of seconds, milliseconds, microseconds or nanoseconds."""
    number = as_number(value)
    try:
        if number is not None:
            for limit, unit in ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
                if 0 <= number < limit:
                    return datetime.fromtimestamp(number / unit, UTC)
            return None
        moment = datetime.fromisoformat(_SHORT_FRACTION.sub(r"\1", str(value).strip()))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wanting(form: Wanting, lists: Lists) -> Matches:
    texts = [text.lower() for text in lists.get(form.name, ())]
    return _one_of(form.field, form.operator, texts) if texts else lambda _: False


_LEAVES: dict[type, Callable[[Any, Lists], Matches]] = {
    Text: _text, Pattern: _pattern, Network: _network, Compare: _compare, Nothing: _nothing,
    Exists: _exists, Same: _same, Moment: _moment, Wanting: _wanting,
}  # fmt: skip
