"""The value of a condition on one row: what operations mean, as far as the servers agree on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Value = float | int | str | bool | None


class Untried(Exception):
    """Something in a condition has no value here, or none of the kind that the operation takes."""


@dataclass(frozen=True)
class Constant:
    value: Value


@dataclass(frozen=True)
class Column:
    """A column; `key` says that by its name it holds identifiers, so that all of them are above zero."""

    name: str
    key: bool = False


@dataclass(frozen=True)
class Operation:
    """An operation by one of the names of `_OPERATIONS`, `and`, `or`, `case` and the like included."""

    name: str
    args: tuple[Expression, ...]


Expression = Constant | Column | Operation

_MAX_PATTERN = 60


def is_number(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    try:
        float(value)
    except (ValueError, OverflowError):
        return False
    return len(str(value)) < 40


def value_of(node: Expression, row: dict[str, Value]) -> Value:
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Column):
        return row[node.name]
    lazy = _LAZY.get(node.name)
    if lazy is not None:
        return lazy(node.args, row)
    args = [value_of(arg, row) for arg in node.args]
    if None in args and node.name not in _TAKING_NULL:
        return None
    try:
        return _OPERATIONS[node.name](*args)
    except (TypeError, ValueError, ArithmeticError, LookupError, re.error):
        raise Untried from None


def truth_of(value: Value) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return number_of(value) != 0
    return value != 0


def _and(args: tuple[Expression, ...], row: dict[str, Value]) -> Value:
    values = [truth_of(value_of(arg, row)) for arg in args]
    return False if False in values else None if None in values else True


def _or(args: tuple[Expression, ...], row: dict[str, Value]) -> Value:
    values = [truth_of(value_of(arg, row)) for arg in args]
    return True if True in values else None if None in values else False


def _case(args: tuple[Expression, ...], row: dict[str, Value]) -> Value:
    """Conditions and values by turns, and the value of ELSE last."""
    for condition, value in zip(args[:-1:2], args[1:-1:2], strict=True):
        if truth_of(value_of(condition, row)) is True:
            return value_of(value, row)
    return value_of(args[-1], row)


def _coalesce(args: tuple[Expression, ...], row: dict[str, Value]) -> Value:
    return next((value for arg in args if (value := value_of(arg, row)) is not None), None)


def _in(args: tuple[Expression, ...], row: dict[str, Value]) -> Value:
    tested, *others = (value_of(arg, row) for arg in args)
    if tested is None:
        return None
    found = [None if other is None else _same(tested, other) for other in others]
    return True if True in found else None if None in found else False


def _same(left: Value, right: Value) -> bool:
    left, right = _alike(left, right)
    return bool(left == right)


def _alike(left: Value, right: Value) -> tuple[Any, Any]:
    """Two values as ones that can be compared: a text beside a number is one, as both servers read it."""
    if isinstance(left, str) != isinstance(right, str):
        return number_of(left), number_of(right)
    return left, right


def number_of(value: Value) -> int | float:
    if isinstance(value, (bool, int, float)):
        return value
    if value is None or not is_number(value):
        raise Untried
    return int(value) if value.strip().lstrip("+-").isdecimal() else float(value)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    return lambda left, right: compare(*_alike(left, right))


def _arithmetic(compute: Callable[[Any, Any], Any]) -> Callable[[Value, Value], Value]:
    def computed(left: Value, right: Value) -> Value:
        one, other = number_of(left), number_of(right)
        if abs(one) > 1e30 or abs(other) > 1e30:
            raise Untried
        return compute(one, other)  # type: ignore[no-any-return]

    return computed


def _joined(*parts: Value) -> str:
    text = "".join(str(part) for part in parts if part is not None)
    if len(text) > 10_000:
        raise Untried
    return text


def _like(text: Value, pattern: Value, *, fold: bool = False) -> bool:
    """LIKE; a pattern with many `%` or an escape is not tried, since matching it may take long."""
    wanted = re.sub("%+", "%", str(pattern))
    if len(wanted) > _MAX_PATTERN or wanted.count("%") > 4 or "\\" in wanted:
        raise Untried
    form = "".join(".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in wanted)
    return re.fullmatch(form, str(text), re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _matches(text: Value, pattern: Value, *, fold: bool = False) -> bool:
    """A regular expression without groups and with few repeats, which cannot take long."""
    form = str(pattern)
    if (
        len(form) > _MAX_PATTERN
        or re.search(r"[(){}\\]|[*+?][*+?]", form)
        or len(re.findall("[*+]", form)) > 3
    ):
        raise Untried
    return re.search(form, str(text), re.IGNORECASE if fold else 0) is not None


def _substring(text: Value, start: Value, length: Value = 10_000) -> str:
    first = int(number_of(start)) - 1
    return str(text)[max(first, 0) : max(first + int(number_of(length)), 0)]


def _date_part(field: Value, time: Value) -> int:
    """The year, the month or the day of a date as it is written."""
    places = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}
    return int(str(time)[places[str(field).lower()]])


def _remainder(left: Any, right: Any) -> Any:
    return abs(left) % abs(right) * (1 if left >= 0 else -1)


def _greatest(*values: Value) -> Value:
    return max(value for value in values if value is not None) if any(v is not None for v in values) else None


def _least(*values: Value) -> Value:
    return min(value for value in values if value is not None) if any(v is not None for v in values) else None


def _not(value: Value) -> Value:
    truth = truth_of(value)
    return None if truth is None else not truth


_LAZY: dict[str, Callable[[tuple[Expression, ...], dict[str, Value]], Value]] = {
    "and": _and,
    "or": _or,
    "case": _case,
    "coalesce": _coalesce,
    "in": _in,
}
_OPERATIONS: dict[str, Callable[..., Value]] = {
    "not": _not,
    "xor": lambda a, b: truth_of(a) != truth_of(b),
    "=": _same,
    "<>": lambda a, b: not _same(a, b),
    "<": _compared(lambda a, b: a < b),
    ">": _compared(lambda a, b: a > b),
    "<=": _compared(lambda a, b: a <= b),
    ">=": _compared(lambda a, b: a >= b),
    "between": lambda a, low, high: _OPERATIONS["<="](low, a) and _OPERATIONS["<="](a, high),
    "is null": lambda a: a is None,
    "is true": lambda a: truth_of(a) is True,
    "is false": lambda a: truth_of(a) is False,
    "distinct": lambda a, b: (a is None) != (b is None) or (a is not None and not _same(a, b)),
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(lambda a, b: a / b),
    "%": _arithmetic(_remainder),
    "negative": lambda a: -number_of(a),
    "abs": lambda a: abs(number_of(a)),
    "sign": lambda a: (number_of(a) > 0) - (number_of(a) < 0),
    "floor": lambda a: int(number_of(a) // 1),
    "ceil": lambda a: int(-(-number_of(a) // 1)),
    "||": _joined,
    "concat": _joined,
    "lower": lambda a: str(a).lower(),
    "upper": lambda a: str(a).upper(),
    "trim": lambda a: str(a).strip(),
    "length": lambda a: len(str(a)),
    "position": lambda part, a: str(a).find(str(part)) + 1,
    "starts with": lambda a, part: str(a).startswith(str(part)),
    "date part": _date_part,
    "reverse": lambda a: str(a)[::-1],
    "left": lambda a, n: str(a)[: int(number_of(n))],
    "substring": _substring,
    "replace": lambda a, b, c: str(a).replace(str(b), str(c)) if len(str(c)) < 100 else None,
    "text": lambda a: a if isinstance(a, str) else _joined(a),
    "integer": lambda a: int(number_of(a)),
    "boolean": lambda a: (
        a.lower() in ("t", "true", "y", "yes", "on", "1") if isinstance(a, str) else truth_of(a)
    ),
    "greatest": _greatest,
    "least": _least,
    "nullif": lambda a, b: None if a is None or (b is not None and _same(a, b)) else a,
    "like": _like,
    "ilike": lambda a, b: _like(a, b, fold=True),
    "matches": _matches,
    "imatches": lambda a, b: _matches(a, b, fold=True),
}
OPERATIONS = frozenset({*_LAZY, *_OPERATIONS})
_TAKING_NULL = frozenset(
    {"is null", "is true", "is false", "distinct", "concat", "greatest", "least", "nullif"}
)
ASKING_NULL = (_TAKING_NULL - {"concat", "greatest", "least"}) | {"coalesce"}
TEXTUAL = (
    frozenset({"position", "starts with", "date part"})
    | frozenset(
        {
            "||",
            "concat",
            "lower",
            "upper",
            "trim",
            "length",
            "reverse",
            "left",
            "substring",
            "replace",
            "like",
        }
    )
    | {"ilike", "matches", "imatches"}
)
NUMERIC = frozenset({"+", "-", "*", "/", "%", "negative", "abs", "sign", "floor", "ceil"})
COMPARING = frozenset(
    {"=", "<>", "<", ">", "<=", ">=", "between", "in", "distinct", "greatest", "least", "nullif"}
)
