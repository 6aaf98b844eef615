"""The conditions of a rule, compiled once into one function over an event.

    "field" = value            equal; text may end in `*` and then is a beginning
    "field" = [value, …]       any of them
    "field" = { not = … }      none of them; also true where the event lacks the field
    "field" = { exists = true }  the event has it, and it is not empty
    "field" = { ge = 5, lt = 9 }  numbers; also gt and le

Of a list member, any item may hold; for `not`, none may. All conditions of a rule must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..events import Event
from .fields import kind_of, reader, whole_number

Matches = Callable[[Event, Any], bool]
Test = Callable[[Any], bool]

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
}


class BadCondition(ValueError):
    """A condition that means nothing; `field` says which."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def compile_match(conditions: Mapping[str, Any], each: str = "") -> Matches:
    """One function that says whether all conditions hold.

    Raises:
        BadCondition: A field that no event has, or a value the field cannot have.
    """
    tests = [(reader_of(path, each), _condition(path, wanted, each)) for path, wanted in conditions.items()]

    def matches(event: Event, item: Any) -> bool:
        return all(test(read(event, item)) for read, test in tests)

    return matches


def reader_of(path: str, each: str) -> Callable[[Event, Any], Any]:
    """`fields.reader`, for a path that is checked first."""
    try:
        kind_of(path, each)
    except ValueError as error:
        raise BadCondition(path, str(error)) from None
    return reader(path)


def actions_of(conditions: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The actions, or beginnings of actions with `*`, that alone can match; None for any action."""
    wanted = conditions.get("action")
    if isinstance(wanted, str):
        return (wanted,)
    return tuple(wanted) if isinstance(wanted, list) else None


def could_be(action: str, patterns: tuple[str, ...] | None) -> bool:
    """Whether `actions_of` some conditions include this action."""
    if patterns is None:
        return True
    return any(action.startswith(one[:-1]) if one.endswith("*") else action == one for one in patterns)


def _condition(path: str, wanted: Any, each: str) -> Test:
    if not isinstance(wanted, dict):
        return _any_item(_one_of(path, wanted, each))
    if not wanted:
        raise BadCondition(path, "an empty table is no condition")
    tests = [_operator(path, name, value, each) for name, value in wanted.items()]
    return lambda value: all(test(value) for test in tests)


def _operator(path: str, name: str, wanted: Any, each: str) -> Test:
    if name == "not":
        unwanted = _any_item(_one_of(path, wanted, each))
        return lambda value: not unwanted(value)
    if name == "exists":
        if not isinstance(wanted, bool):
            raise BadCondition(path, "`exists` is true or false")
        return lambda value: (value not in (None, "", ())) is wanted
    if name in _COMPARISONS:
        if kind_of(path, each) not in ("number", "open") or type(wanted) is not int:
            raise BadCondition(path, f"`{name}` compares whole numbers")
        compare = _COMPARISONS[name]
        return lambda value: value is not None and compare(whole_number(value), wanted)
    raise BadCondition(path, f"`{name}` is unknown; there are not, exists, {', '.join(_COMPARISONS)}")


def _one_of(path: str, wanted: Any, each: str) -> Test:
    """Whether a single value is one of the wanted ones."""
    values = wanted if isinstance(wanted, list) else [wanted]
    if not values:
        raise BadCondition(path, "an empty list matches nothing")
    exact, beginnings = set(), []
    for value in values:
        _check_type(path, value, each)
        if isinstance(value, str) and "*" in value:
            if value.index("*") != len(value) - 1:
                raise BadCondition(path, "`*` may only stand at the end")
            beginnings.append(value[:-1])
        else:
            exact.add((type(value), value))
    starts = tuple(beginnings)
    if not starts:
        return lambda value: (type(value), value) in exact
    return lambda value: isinstance(value, str) and (value.startswith(starts) or (str, value) in exact)


def _check_type(path: str, value: Any, each: str) -> None:
    kind = kind_of(path, each)
    allowed: tuple[type, ...] = {"number": (int,), "flag": (bool,), "open": (str, int, bool)}.get(
        kind, (str,)
    )
    if type(value) not in allowed:
        raise BadCondition(path, f"it holds {kind}, and cannot be compared with {type(value).__name__}")


def _any_item(test: Test) -> Test:
    def any_item(value: Any) -> bool:
        return any(map(test, value)) if isinstance(value, tuple) else test(value)

    return any_item
