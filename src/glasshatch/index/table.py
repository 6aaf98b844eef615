"""The table of the index and the rows of it, as Arrow batches."""

from __future__ import annotations

import datetime
import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from ..errors import GlasshatchError
from ..events import Event, Source, decode
from .arrow import pa
from .columns import FIELDS, NAMES_OF, OPEN_FIELDS, WORDS_OF, body_of, opened, placed
from .reading import Columns, read

TABLE = "events"
Entry = tuple[str, int, bytes]
"""An entry of the record: its ledger, its index there, its bytes."""

FORMAT = 3
"""Grows when the same events make other rows; an index of another format is made anew from the ledger."""

_ENUMERATED = {
    "action", "source_kind", "source_name", "outcome_status", "actor_type", "resource_type", "resource_env",
    "decision_effect", "decision_rule", "ledger",
}  # fmt: skip
_SKIP_BLOOM = {"id", "trace_id", "session_id", "request_id", "grant_id", "approval_id", "statement_hash"}
_SQL = {"number": "Int64", "time": "Int64", "names": "Array(String)"}
_ARROW = {"number": pa.int64(), "time": pa.int64(), "names": pa.list_(pa.string())}
_OPEN = pa.map_(pa.string(), pa.list_(pa.string()))
_UNREADABLE = "record.unreadable"
_DAY_NS = 86_400 * 10**9


def create_sql() -> str:
    """The table, ordered by time, then by ledger and index, a partition a month."""
    columns = [
        "tenant LowCardinality(String) CODEC(ZSTD(1))",
        "`index` UInt64 CODEC(Delta, ZSTD(1))",
        "month UInt32 CODEC(ZSTD(1))",
    ]
    for field in FIELDS.values():
        kind = _SQL.get(field.kind, "String")
        if field.column in _ENUMERATED:
            kind = "LowCardinality(String)"
        codec = "CODEC(Delta, ZSTD(1))" if field.kind == "time" else "CODEC(ZSTD(1))"
        columns.append(f"{field.column} {kind} {codec}")
    columns += [f"{name} Map(LowCardinality(String), Array(String)) CODEC(ZSTD(1))" for name in OPEN_FIELDS]
    columns += ["body String CODEC(ZSTD(1))", "raw String CODEC(ZSTD(3))"]
    indexes = [
        f"INDEX bloom_{name} {name} TYPE bloom_filter(0.01) GRANULARITY 1" for name in sorted(_SKIP_BLOOM)
    ]
    indexes += [
        "INDEX words body TYPE text(tokenizer = 'splitByNonAlpha') GRANULARITY 1",
        "INDEX by_index `index` TYPE minmax GRANULARITY 1",
    ]
    return (
        f"CREATE TABLE IF NOT EXISTS {TABLE} ({', '.join(columns + indexes)}) ENGINE = MergeTree"
        " PARTITION BY month ORDER BY (tenant, time, ledger, `index`)"
        " SETTINGS index_granularity = 4096, min_bytes_for_wide_part = 10485760"
    )


def fingerprint() -> str:
    """What an index must have been made by to be used: the format and the very table."""
    return f"{FORMAT} {hashlib.sha256(create_sql().encode()).hexdigest()[:16]}\n"


def rows(tenant: str, entries: Sequence[Entry]) -> pa.Table:
    """One row for every entry, also for one that this version cannot read: its bytes are kept."""
    events = [placed(_event(data), ledger) for ledger, _, data in entries]
    try:
        return _rows(tenant, entries, events)
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        # One entry holds what no column takes. It must not keep the others out, so each is tried alone.
        tried = [_fitting(tenant, entry, event) for entry, event in zip(entries, events, strict=True)]
        return _rows(tenant, entries, tried)


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
        if field.name in absent:
            columns[field.column] = pa.repeat(pa.scalar(field.missing, kind), len(entries))
        else:
            columns[field.column] = pa.array(found[field.name], kind)
    for name in OPEN_FIELDS:
        columns[name] = pa.array([list(members[name].items()) for members in open_members], _OPEN)
    columns["body"] = pa.array(_bodies(found, absent, open_members))
    columns["raw"] = pa.array([as_stored(data) for _, _, data in entries])
    return pa.table(columns)


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
