"""Events, and what a query's stages make of them, as rows of a table."""

from __future__ import annotations

import msgspec

from ..api.gist import actor_of, gist_of, is_time, place_of, result_of, source_of
from ..api.values import RecordedEvent, Table
from ..events import Event
from .output import Format, emit_json, emit_rows, local_time, say

COLUMNS = (
    "INDEX", "TIME", "ACTOR", "SOURCE", "ACTION", "RESULT", "RESOURCE", "SESSION", "STATEMENT OR REASON*",
)  # fmt: skip
"""The columns of `event_row`."""


def _actor(item: RecordedEvent, event: Event) -> str:
    """Who the event names, and who that is by an alias."""
    known = item.known_as
    return actor_of(event) if known is None else f"{actor_of(event)} = {known.actor}"


def event_row(item: RecordedEvent) -> tuple[str, ...]:
    """One event as cells."""
    event = msgspec.json.decode(item.event, type=Event)
    return (
        item.place, local_time(event.time), _actor(item, event), source_of(event), event.action,
        result_of(event), place_of(event), event.session_id[:13], gist_of(event),
    )  # fmt: skip


def emit_table(table: Table, format: Format) -> None:
    """The rows that stages made: as an object a line, or as a table with times in the reader's zone."""
    if format is Format.jsonl:
        for row in table.rows:
            emit_json(dict(zip(table.columns, row, strict=True)))
        return
    times = [is_time(name) for name in table.columns]
    rows = [
        [_cell(value, time) for value, time in zip(row, times, strict=True)]
        for row in table.rows
    ]  # fmt: skip
    emit_rows([name.upper() for name in table.columns[:-1]] + [f"{table.columns[-1].upper()}*"], rows,
              empty="no event matches")  # fmt: skip
    if table.more:
        say(f"[yellow]the first {len(rows)} rows; there are more: sort them, or group less finely[/]")


def _cell(value: object, time: bool) -> str:
    if value is None:
        return "-"
    if time:
        return local_time(str(value)) if value not in ("", "0") else "-"
    return (
        f"{value:.6g}" if isinstance(value, float) and value != int(value) else str(value).removesuffix(".0")
    )
