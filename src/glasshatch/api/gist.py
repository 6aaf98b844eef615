"""An event in a few words, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..events import Event
from .values import RecordedEvent

_ASKED = ("query", "subject", "actor", "action", "session", "resource", "event", "state")


def actor_of(event: Event) -> str:
    """Who did it."""
    return (event.actor.name or event.actor.id) if event.actor else ""


def source_of(event: Event) -> str:
    """Where it comes from."""
    return f"{event.source.kind}/{event.source.name}" if event.source.name else event.source.kind


def result_of(event: Event) -> str:
    """What was decided, or how it ended."""
    if event.decision:
        return event.decision.effect
    return "" if event.outcome is None else event.outcome.code or event.outcome.status


def failed(event: Event) -> bool:
    """Whether it was refused or went wrong."""
    refused = event.decision is not None and event.decision.effect != "allow"
    return refused or (event.outcome is not None and event.outcome.status == "failure")


def place_of(event: Event) -> str:
    """What it was done to."""
    return "" if event.resource is None else event.resource.id or event.resource.name


def gist_of(event: Event) -> str:
    """The statement, the message, the counts or the reason: whatever says most."""
    if event.statement and event.statement.text:
        return event.statement.text
    if event.action == "record.read":
        return _read_gist(event)
    if event.data and event.data.rows:
        return f"{_counted(event.data.rows, 'row')}, {_counted(event.data.masked, 'value')} masked"
    if event.outcome and event.outcome.reason:
        return event.outcome.reason
    if event.access and event.access.reason:
        return event.access.reason
    for name in ("message", "explanation", "reason", "what"):
        found = event.attrs.get(name)
        if isinstance(found, str):
            return found
    # A log record that is only a text, as OpenTelemetry's often are.
    return event.native if isinstance(event.native, str) else ""


def _read_gist(event: Event) -> str:
    """What somebody read: `search: actor:alice, 24 found`."""
    asked = event.attrs.get("filter")
    # `limit` and times are on the event itself; the words are what a reader of a list looks for.
    words = [str(asked[name]) for name in _ASKED if asked.get(name)] if isinstance(asked, dict) else []
    found = f", {event.data.rows} found" if event.data else ""
    return f"{event.attrs.get('what', '')}: {' '.join(words) or 'everything'}{found}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def in_order(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Oldest first: of one ledger in its own order, of several by time."""
    if len({one.ledger for one in events}) < 2:
        return sorted(events, key=lambda one: one.index)
    times = {id(one): msgspec.json.decode(one.event, type=Event).time_ns for one in events}
    return sorted(events, key=lambda one: (times[id(one)], one.ledger, one.index))


def is_time(column: str) -> bool:
    """Whether a column that stages made holds times, as nanoseconds."""
    return column.startswith("bin(") or column in _TIMES


_TIMES = {
    f"{before}{name}{behind}"
    for name in ("time", "observed_time")
    for before, behind in (("", ""), ("min(", ")"), ("max(", ")"))
}
