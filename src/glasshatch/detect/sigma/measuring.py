"""What a correlation measures of the events inside its timespan. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from .forms import All, Any_, Correlation, Form, Not, Seen


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event in a group: when, which rule of the correlation matched it, what it adds, where it stands."""

    time_ns: int
    rule: int
    value: float | str
    event_id: str
    index: int = -1
    ledger: str = ""


Measure = Callable[[Sequence[Item]], float]
"""Takes the items of a window, in order of time."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
}


def compare(form: Correlation, measured: float) -> bool:
    """Whether a measure is as the correlation asks."""
    return not math.isnan(measured) and _COMPARISONS[form.operator](measured, form.number)


def measure_of(form: Correlation) -> Measure:
    """What a correlation measures. Of a condition that is written out, 1 for true and 0 for false."""
    if form.asks is not None:
        return _asked(form, form.asks)
    return {
        "event_count": len,
        "value_count": lambda items: len({item.value for item in items}),
        "value_sum": lambda items: math.fsum(_numbers(items)),
        "value_avg": _mean,
        "value_median": lambda items: _percentile(_numbers(items), 50),
        "value_percentile": lambda items: _percentile(_numbers(items), form.percentile),
        "temporal": lambda items: len({item.rule for item in items}),
        "temporal_ordered": lambda items: _in_order(items, len(form.rules)),
    }[form.kind]


def _numbers(items: Sequence[Item]) -> list[float]:
    return [item.value for item in items if not isinstance(item.value, str)]


def _mean(items: Sequence[Item]) -> float:
    numbers = _numbers(items)
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _percentile(numbers: list[float], wanted: int) -> float:
    """By linear interpolation between the two nearest, as most tools have it."""
    if not numbers:
        return math.nan
    numbers.sort()
    place = (len(numbers) - 1) * wanted / 100
    low, high = math.floor(place), math.ceil(place)
    return numbers[low] + (numbers[high] - numbers[low]) * (place - low)


def _in_order(items: Sequence[Item], count: int) -> int:
    """How many of the rules, from the first on, matched one after the other."""
    wanted = 0
    for item in items:
        if wanted < count and item.rule == wanted:
            wanted += 1
    return wanted


def _asked(form: Correlation, asks: Form) -> Measure:
    numbers = {name: number for number, name in enumerate(form.rules)}
    ordered = form.kind == "temporal_ordered"

    def measure(items: Sequence[Item]) -> float:
        firsts: dict[int, int] = {}
        for place, item in enumerate(items):
            firsts.setdefault(item.rule, place)
        places = [firsts[number] for number in sorted(firsts)]
        return float(_holds(asks, numbers, firsts.keys()) and (not ordered or places == sorted(places)))

    return measure


def _holds(asks: Form, numbers: dict[str, int], seen: object) -> bool:
    if isinstance(asks, Not):
        return not _holds(asks.item, numbers, seen)
    if isinstance(asks, All):
        return all(_holds(item, numbers, seen) for item in asks.items)
    if isinstance(asks, Any_):
        return any(_holds(item, numbers, seen) for item in asks.items)
    assert isinstance(asks, Seen)
    return numbers[asks.rule] in seen  # type: ignore[operator]
