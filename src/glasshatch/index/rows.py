"""The rows of the index, as Arrow batches."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

from ..errors import GlasshatchError
from ..events import Event, Source, decode
from .arrow import pa
from .columns import (
    FIELDS,
    NAMES_OF,
    OPEN_FIELDS,
    WORDS_OF,
    body_of,
    label_pair,
    more_resources,
    opened,
    placed,
)
from .compiled import Entry, compiled_rows, kernel
from .reading import Columns, read
from .shortening import shortened

_NAMES = pa.list_(pa.string())
_ARROW = {"number": pa.int64(), "time": pa.int64(), "names": _NAMES}
_OPEN = pa.map_(pa.string(), pa.list_(pa.string()))
_UNREADABLE = "record.unreadable"
_DAY_NS = 86_400 * 10**9


__all__ = ["Entry", "as_stored", "rows", "rows_in_python"]


def rows(tenant: str, entries: Sequence[Entry]) -> pa.Table:
    """One row for every entry, also for one that this version cannot read: its bytes are kept."""
    if kernel() is None:
        return rows_in_python(tenant, entries)
    try:
        return compiled_rows(tenant, entries, _schema(), lambda left: rows_in_python(tenant, left))
    except OverflowError:
        return rows_in_python(tenant, entries)


def rows_in_python(tenant: str, entries: Sequence[Entry]) -> pa.Table:
    """As `rows`, without the kernel: what that must agree with, and what reads the entries it leaves out."""
    events = [placed(_event(data), ledger) for ledger, _, data in entries]
    try:
        return _rows(tenant, entries, events)
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        # One entry holds what no column takes. It must not keep the others out, so each is tried alone.
        tried = [_fitting(tenant, entry, event) for entry, event in zip(entries, events, strict=True)]
        return _rows(tenant, entries, tried)


@cache
def _schema() -> pa.Schema:
    return rows_in_python("", [("", 0, b"")]).schema


def as_stored(data: bytes) -> str:
    """An entry's bytes as the column `raw` holds them."""
    return data.decode("utf-8", "replace")


def _fitting(tenant: str, entry: Entry, event: Event) -> Event:
    try:
        _rows(tenant, [entry], [event])
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        return placed(_unreadable(), entry[0])
    return event


def _rows(tenant: str, entries: Sequence[Entry], events: Sequence[Event]) -> pa.Table:
    open_members = [opened(event) for event in events]
    found, absent = read(events)
    columns: dict[str, Any] = {
        "tenant": pa.repeat(tenant, len(entries)),
        "index": pa.array([index for _, index, _ in entries], pa.uint64()),
        "month": pa.array(_months(found["time"]), pa.uint32()),
    }
    for field in FIELDS.values():
        kind = _ARROW.get(field.kind, pa.string())
        if field.name in ("observed_time", "resources"):
            continue
        if field.name in absent:
            columns[field.column] = pa.repeat(pa.scalar(field.missing, kind), len(entries))
        else:
            columns[field.column] = pa.array(found[field.name], kind)
    for name in OPEN_FIELDS:
        columns[name] = pa.array([list(members[name].items()) for members in open_members], _OPEN)
    # What the table makes of others again: how much later, and which resources beside the first.
    late = [seen - time for seen, time in zip(found["observed_time"], found["time"], strict=True)]
    columns["delay"] = pa.array(late, pa.int64())
    columns["more_resources"] = pa.array(list(map(more_resources, events)), _NAMES)
    columns["body"] = pa.array(_bodies(found, absent, open_members), pa.string())
    columns["label_pairs"] = pa.array([_pairs(members["labels"]) for members in open_members], _NAMES)
    rests = shortened([as_stored(data) for _, _, data in entries], found, absent)
    columns["rest"] = pa.array(rests, pa.string())
    return pa.table(columns)


def _pairs(labels: dict[str, list[str]]) -> list[str]:
    return [label_pair(name, text) for name, texts in labels.items() for text in texts]


def _bodies(
    found: Columns, absent: set[str], open_members: list[dict[str, dict[str, list[str]]]]
) -> list[str]:
    single = zip(*(found[field.name] for field in WORDS_OF if field.name not in absent), strict=True)
    several = zip(*(found[field.name] for field in NAMES_OF), strict=True)
    return [
        body_of([*texts, *itertools.chain.from_iterable(names)], members)
        for texts, names, members in zip(single, several, open_members, strict=True)
    ]


def _event(data: bytes) -> Event:
    try:
        return decode(data)
    except (GlasshatchError, RecursionError):
        return _unreadable()


def _unreadable() -> Event:
    return Event(id="", time="0", action=_UNREADABLE, source=Source(kind="unknown"))


def _months(times_ns: Sequence[int]) -> list[int]:
    """Year and month of each; events of a batch are mostly of few days, so each day is looked up once."""
    days = [time_ns // _DAY_NS for time_ns in times_ns]
    months = {day: _month(day) for day in set(days)}
    return [months[day] for day in days]


def _month(day: int) -> int:
    moment = datetime.datetime.fromtimestamp(day * 86_400, datetime.UTC)
    return moment.year * 100 + moment.month
