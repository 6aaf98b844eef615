"""What follows a query behind `|`: counting its matches, sorting, cutting, and showing chosen fields."""

from __future__ import annotations

import msgspec

from .fields import as_typed
from .tree import Everything, Query, render

FUNCTIONS = ("sum", "min", "max", "avg", "uniq")
"""What is made of the values of a field, beside counting the events."""

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
"""The units of a bin's width."""


class Aggregate(msgspec.Struct, frozen=True):
    """A number made of the events of a group; `count` has no field. name: the column's."""

    function: str
    field: str = ""
    alias: str = ""

    @property
    def name(self) -> str:
        return self.alias or self.written

    @property
    def written(self) -> str:
        """As it is typed, without a name that was given to it."""
        return f"{self.function}({self.field})" if self.field else self.function


class Group(msgspec.Struct, frozen=True):
    """What events are counted by: a field, or bins of time so many seconds wide."""

    field: str = ""
    width_s: int = 0

    @property
    def name(self) -> str:
        return self.field or f"bin({self.width})"

    @property
    def width(self) -> str:
        """The width as it is typed, in the largest unit that divides it."""
        unit = next(one for one in reversed(UNITS_S) if self.width_s % UNITS_S[one] == 0)
        return f"{self.width_s // UNITS_S[unit]}{unit}"


class Stats(msgspec.Struct, frozen=True):
    """Numbers for each group of events; for all events if there is nothing to group by."""

    aggregates: tuple[Aggregate, ...]
    groups: tuple[Group, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns."""
        return (*(one.name for one in self.groups), *(one.name for one in self.aggregates))


class Order(msgspec.Struct, frozen=True):
    """A column of the table, or a field of the events, and which end comes first."""

    column: str
    descending: bool = False


class Pipeline(msgspec.Struct, frozen=True):
    """A query with its stages. limit: 0 if none was given. place: where the first stage's content stands,
    counted from 1; 0 if there is no stage."""

    query: Query = Everything()
    stats: Stats | None = None
    order: tuple[Order, ...] = ()
    limit: int = 0
    fields: tuple[str, ...] = ()
    place: int = 0


def fields_in(pipeline: Pipeline) -> list[str]:
    """The fields that the stages name."""
    stats = pipeline.stats
    names = [*pipeline.fields]
    if stats is None:
        names += [one.column for one in pipeline.order]
    else:
        names += [*(one.field for one in stats.groups), *(one.field for one in stats.aggregates)]
    return [name for name in names if name]


def render_pipeline(pipeline: Pipeline, *, aliases: bool = False) -> str:
    """The text again; as it is recorded, without the names that were given to columns."""
    stats = pipeline.stats
    parts = [render(pipeline.query)]
    if stats:
        by = ", ".join(as_typed(group.name) for group in stats.groups)
        made = ", ".join(_made(one, aliases) for one in stats.aggregates)
        parts.append(f"stats {made} by {by}" if by else f"stats {made}")
    if pipeline.order:
        names = {one.name: one.written for one in stats.aggregates} if stats and not aliases else {}
        sides = (
            f"{'-' * one.descending}{_column(names.get(one.column, one.column))}" for one in pipeline.order
        )
        parts.append("sort " + ", ".join(sides))
    if pipeline.limit:
        parts.append(f"limit {pipeline.limit}")
    if pipeline.fields:
        parts.append("fields " + ", ".join(map(as_typed, pipeline.fields)))
    return " | ".join(parts).strip()


def _made(one: Aggregate, aliases: bool) -> str:
    written = _column(one.written)
    return f"{written} as {one.alias}" if aliases and one.alias else written


def _column(name: str) -> str:
    """A column's name as it is typed: `sum(attrs."a b")`."""
    function, bracket, field = name.partition("(")
    return f"{function}({as_typed(field[:-1])})" if bracket and function in FUNCTIONS else as_typed(name)
