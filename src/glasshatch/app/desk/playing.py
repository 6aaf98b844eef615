"""A session's events as steps that can be played: a statement, what was decided, what came of it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ...api.gist import gist_of
from ...api.play_values import Step
from ...api.values import RecordedEvent
from ...events import Event, clipped

_ENDED = "statement.finished"


def steps_of(events: Iterable[RecordedEvent]) -> list[Step]:
    """The steps, by time. Taken from what the reader gets, so that it holds nothing that is hidden there."""
    read = [(one.place, msgspec.json.decode(one.event, type=Event)) for one in events]
    if not read:
        return []
    first_ns = clipped(read[0][1].time)
    begun = {event.request_id for _, event in read if event.action == "statement.run" and event.request_id}
    ends = {event.request_id: event for _, event in read if event.action == _ENDED}
    return [
        _step(place, event, ends.get(event.request_id) if event.action == "statement.run" else None, first_ns)
        for place, event in read
        if event.action != _ENDED or event.request_id not in begun
    ]


def _step(place: str, event: Event, end: Event | None, first_ns: int) -> Step:
    decided, last = event.decision, end or event
    outcome, data = last.outcome, last.data
    return Step(
        index=place, time=event.time, at_ms=round((clipped(event.time) - first_ns) / 1e6, 3),
        action=event.action, text=gist_of(event),
        effect=decided.effect if decided else "", rule=decided.rule if decided else "",
        reason=decided.reason if decided else "", status=outcome.status if outcome else "",
        code=outcome.code if outcome else "", why=outcome.reason if outcome else "",
        took_ms=_took_ms(end), rows=data.rows if data else 0, masked=data.masked if data else 0,
        clear=data.clear if data else 0, classes=data.classes if data else (),
    )  # fmt: skip


def _took_ms(end: Event | None) -> float:
    found = end.attrs.get("duration_us") if end else None
    return round(found / 1e3, 3) if isinstance(found, int | float) else 0.0
