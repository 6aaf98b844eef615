"""Events as rows of a table."""

from __future__ import annotations

import msgspec

from ..api.gist import actor_of, gist_of, place_of, result_of, source_of
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
        item.place, local_time(event.time), actor_of(event), source_of(event), event.action,
        result_of(event), place_of(event), event.session_id[:13], gist_of(event),
    )  # fmt: skip
