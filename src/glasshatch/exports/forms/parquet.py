"""Parquet: one row an event, with the columns of the search index where a table has use for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from ...errors import ConfigError
from ...events import Event, clipped
from ..parcel import Item

_LISTS = ("actor_roles", "access_approvers", "data_classes", "data_columns", "data_subjects")
_NUMBERS = ("severity", "client_port", "data_rows", "data_bytes", "data_masked", "data_clear")
_PARTS = {
    "source": ("kind", "name", "instance"),
    "outcome": ("status", "code", "reason"),
    "actor": ("id", "type", "name", "roles", "on_behalf_of"),
    "client": ("ip", "port", "user_agent"),
    "resource": ("type", "id", "name", "env"),
    "access": ("grant_id", "approval_id", "approvers", "reason", "ticket"),
    "data": ("rows", "bytes", "masked", "clear", "classes", "columns", "subjects"),
    "statement": ("text", "shape", "hash"),
    "decision": ("effect", "rule", "reason"),
}
_OWN = ("id", "tenant", "action", "severity", "session_id", "request_id", "trace_id", "span_id")


class Parquet:
    """Files with zstandard inside; the whole event is in the column `event`."""

    name = "parquet"
    suffix = ".parquet"
    media_type = ""

    def line(self, item: Item) -> bytes:
        """There is no such thing."""
        raise ConfigError("parquet is for files", key="form", hint="jsonl and ocsf are for lines")

    def file(self, items: tuple[Item, ...]) -> bytes:
        """A whole file; the same bytes for the same events and the same version of pyarrow."""
        import pyarrow as pa
        from pyarrow import parquet

        sink = pa.BufferOutputStream()
        parquet.write_table(_table(items), sink, compression="zstd", use_dictionary=True)
        return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def write_tables(parts: Iterable[tuple[Item, ...]], file: BinaryIO) -> None:
    """Many events as one file, a row group a part; without any part a table without rows."""
    from pyarrow import parquet

    with parquet.ParquetWriter(file, _table(()).schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(_table(part))


def _table(items: tuple[Item, ...]) -> Any:
    import pyarrow as pa

    events = [item.event for item in items]
    instant = pa.timestamp("ns", tz="UTC")
    columns: dict[str, Any] = {
        "ledger": pa.array([item.ledger for item in items], pa.string()),
        "index": pa.array([item.index for item in items], pa.int64()),
        "time": pa.array([_instant(event.time) for event in events], pa.int64()).cast(instant),
        "recorded": pa.array(
            [_instant(event.observed_time or event.time) for event in events], pa.int64()
        ).cast(instant),
    }
    for name in _OWN:
        columns[name] = pa.array([getattr(event, name) for event in events], _type(name))
    for part, members in _PARTS.items():
        parts = [getattr(event, part) for event in events]
        for member in members:
            kind = _type(f"{part}_{member}")
            columns[f"{part}_{member}"] = pa.array([_of(one, member) for one in parts], kind)
    columns["resources"] = pa.array([_resources(event) for event in events], pa.list_(pa.string()))
    columns["event"] = pa.array([item.data.decode("utf-8", "replace") for item in items], pa.string())
    return pa.table(columns)


def _type(column: str) -> Any:
    import pyarrow as pa

    if column in _LISTS:
        return pa.list_(pa.string())
    return pa.int64() if column in _NUMBERS else pa.string()


def _of(part: Any, member: str) -> Any:
    """A member, or nothing where its part is missing: a table tells 0 rows from none that were counted."""
    return None if part is None else getattr(part, member)


def _resources(event: Event) -> list[str]:
    every = event.resources if event.resource is None else (event.resource, *event.resources)
    return list(dict.fromkeys(one.id or one.name for one in every if one.id or one.name))


def _instant(time_ns: str) -> int | None:
    return clipped(time_ns) if time_ns else None


FORM = Parquet()
