"""Events as rows of a table."""

from __future__ import annotations

from typing import Any

import msgspec

from ..api.values import RecordedEvent
from ..events import Event
from .output import local_time

COLUMNS = (
    "INDEX", "TIME", "ACTOR", "SOURCE", "ACTION", "RESULT", "RESOURCE", "SESSION", "STATEMENT OR REASON*",
)  # fmt: skip
"""The columns of `event_row`."""


def event_row(item: RecordedEvent) -> tuple[str, ...]:
    """One event as cells."""
    event = msgspec.json.decode(item.event, type=Event)
    return (
        str(item.index), local_time(event.time), event.actor.name or event.actor.id if event.actor else "",
        _source(event), event.action, _result(event), _place(event.resource), event.session_id[:13],
        _gist(event),
    )  # fmt: skip


def _place(resource: Any) -> str:
    return "" if resource is None else resource.id or resource.name


def _result(event: Event) -> str:
    if event.decision:
        return event.decision.effect
    return "" if event.outcome is None else event.outcome.code or event.outcome.status


def _gist(event: Event) -> str:
    if event.statement and event.statement.text:
        return event.statement.text
    if event.data and event.data.rows:
        return f"{event.data.rows} rows, {event.data.masked} values masked"
    if event.outcome and event.outcome.reason:
        return event.outcome.reason
    if event.access and event.access.reason:
        return event.access.reason
    message = event.attrs.get("message")
    return message if isinstance(message, str) else ""


def _source(event: Event) -> str:
    return f"{event.source.kind}/{event.source.name}" if event.source.name else event.source.kind
