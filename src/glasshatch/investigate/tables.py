"""The stages of a query over the index: numbers for groups of events, and events in another order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from ..events import Event
from ..index import Index, bar_sql
from ..index.columns import placed
from .expressions import Expressions, text_of
from .query.fields import fields_of, open_member
from .query.sql import Parameter
from .query.stages import Aggregate, Group, Order, Pipeline, Stats
from .views import Cell, Table

MAX_ROWS = 10_000
_SECOND_NS = 10**9


def counted(index: Index, pipeline: Pipeline, where: str, bound: dict[str, Parameter]) -> Table:
    """The table that a pipeline with `stats` asks for; times in it are nanoseconds, as texts.

    Without an order, bins come by time, and else the groups with the largest first number come first. Of
    more than 10,000 groups the first are given.
    """
    assert pipeline.stats is not None
    stats, write = pipeline.stats, Expressions(dict(bound))
    limit = pipeline.limit or MAX_ROWS
    groups = [f"{_group(one, write)} AS g{number}" for number, one in enumerate(stats.groups)]
    made = [f"{_made(one, write)} AS a{number}" for number, one in enumerate(stats.aggregates)]
    names = [f"g{number}" for number in range(len(groups))]
    by = f" GROUP BY {', '.join(names)}" if names else ""
    rows = index.select(
        f"SELECT {', '.join([*groups, *made])} FROM events WHERE tenant = {{tenant:String}} AND {where}{by}"  # noqa: S608
        f" ORDER BY {_order(pipeline, stats)} LIMIT {{limit:Int64}}",
        {**write.bound, "tenant": index.tenant, "limit": limit + 1},
    )
    more = len(rows) > limit and not pipeline.limit
    return Table(stats.columns, [tuple(row) for row in rows[:limit]], more)


def sorted_by(orders: tuple[Order, ...], write: Expressions) -> str:
    """The order of events that a pipeline asks for; ties come newest first. None comes last."""
    sides = [f"{_sortable(one.column, write)} {_side(one)} NULLS LAST" for one in orders]
    return ", ".join([*sides, "time DESC", "ledger DESC", "`index` DESC"])


class Shown(Protocol):
    """An event as its reader gets it, with its place."""

    @property
    def event(self) -> msgspec.Raw: ...
    @property
    def ledger(self) -> str: ...
    @property
    def place(self) -> str: ...


def chosen(events: Iterable[Shown], names: tuple[str, ...]) -> Table:
    """Fields of events, as texts; the first column says where each event is.

    Taken from what the reader gets, so that it holds nothing that is hidden there.
    """
    rows: list[tuple[Cell, ...]] = []
    for one in events:
        event = placed(msgspec.json.decode(one.event, type=Event), one.ledger)
        rows.append((one.place, *(text_of(event, name) for name in names)))
    return Table(("index", *names), rows)


def _group(group: Group, write: Expressions) -> str:
    if not group.width_s:
        return write.text(group.field)
    # A number until the rows are sorted: texts of another length would sort by their letters.
    return bar_sql(group.width_s * _SECOND_NS)


def _made(one: Aggregate, write: Expressions) -> str:
    if one.function == "count":
        return "count()"
    if one.function == "uniq":
        return f"length(groupUniqArrayArray({write.values(one.field)}))"
    if open_member(one.field):
        numbers = write.numbers(one.field)
        return f"sumArray({numbers})" if one.function == "sum" else f"{one.function}OrNullArray({numbers})"
    column = fields_of(one.field)[0].column
    return f"sum({column})" if one.function == "sum" else f"{one.function}OrNull({column})"


def _order(pipeline: Pipeline, stats: Stats) -> str:
    names = {one.name: f"g{number}" for number, one in enumerate(stats.groups)}
    names |= {one.name: f"a{number}" for number, one in enumerate(stats.aggregates)}
    orders = [f"{names[one.column]} {_side(one)} NULLS LAST" for one in pipeline.order]
    if not orders:
        orders = [names[group.name] for group in stats.groups if group.width_s] or []
        orders.append("a0 DESC NULLS LAST")
    return ", ".join([*orders, *(names[group.name] for group in stats.groups)]) or "1"


def _sortable(name: str, write: Expressions) -> str:
    if open_member(name):
        return f"arrayElementOrNull({write.numbers(name)}, 1)"
    return fields_of(name)[0].column


def _side(order: Order) -> str:
    return "DESC" if order.descending else "ASC"


def as_answered(table: Table, stats: Stats) -> Table:
    """With times as texts of nanoseconds, which JSON's numbers would round."""
    times = [
        (isinstance(one, Group) and one.width_s > 0) or (isinstance(one, Aggregate) and _is_time(one))
        for one in (*stats.groups, *stats.aggregates)
    ]
    return msgspec.structs.replace(table, rows=[_texts(row, times) for row in table.rows])


def _is_time(one: Aggregate) -> bool:
    fields = fields_of(one.field) if one.field else ()
    return one.function in ("min", "max") and bool(fields) and fields[0].kind == "time"


def _texts(row: tuple[Any, ...], times: list[bool]) -> tuple[Any, ...]:
    return tuple(
        str(value) if time and value is not None else value for value, time in zip(row, times, strict=True)
    )
