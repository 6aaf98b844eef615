"""Reading the ledgers by filter: one pass over the entries, newest matches kept, oldest first.

A pass costs time in proportion to the record; the index makes it quick for large ones.
"""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from ..api.values import EventFilter, RecordedEvent, SessionSummary
from ..errors import ConfigError
from ..events import Event, decode, read_place

Visible = Callable[[Event, str], bool]
"""Whether an event of the ledger of this name may be seen."""


class Entries(Protocol):
    """The ledger, as far as reading needs it."""

    @property
    def size(self) -> int: ...
    def read(self, index: int) -> bytes: ...
    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]: ...


Ledgers = Sequence[tuple[str, Entries]]
"""The ledgers by name."""


def find_events(ledgers: Ledgers, wanted: EventFilter, visible: Visible) -> list[RecordedEvent]:
    """The newest `limit` events that match and may be seen; of several ledgers, in the order of time."""
    matches = _matcher(wanted)
    found: list[tuple[int, RecordedEvent]] = []
    for name, entries in ledgers:
        kept: deque[tuple[int, RecordedEvent]] = deque(maxlen=wanted.limit)
        for index, data in entries.scan(wanted.after + 1):
            event = decode(data)
            if matches(event) and visible(event, name):
                kept.append((event.time_ns, RecordedEvent(index, msgspec.Raw(data), name)))
        found += kept
    if len(ledgers) > 1:
        found.sort(key=lambda one: one[0])
    return [event for _, event in found[-wanted.limit :]]


def find_event(ledgers: Ledgers, wanted: str, visible: Visible) -> RecordedEvent:
    """The event with this id, ledger index, or `NAME/INDEX` in another ledger than the default one.

    Raises:
        ConfigError: There is none that the caller may see; the two cases read the same.
    """
    missing = ConfigError(
        f"no event {wanted} that you may see", hint="glasshatch events --format jsonl lists ids"
    )
    place = read_place(wanted)
    for name, index, data in _at(ledgers, *place) if place else _containing(ledgers, wanted):
        event = decode(data)
        if (place or event.id == wanted) and visible(event, name):
            return RecordedEvent(index, msgspec.Raw(data), name)
    raise missing


def _at(ledgers: Ledgers, wanted: str, index: int) -> Iterator[tuple[str, int, bytes]]:
    for name, entries in ledgers:
        if name == wanted and index < entries.size:
            yield name, index, entries.read(index)


def _containing(ledgers: Ledgers, wanted: str) -> Iterator[tuple[str, int, bytes]]:
    needle = wanted.encode()
    for name, entries in ledgers:
        yield from ((name, index, data) for index, data in entries.scan() if needle in data)


def find_sessions(ledgers: Ledgers, limit: int, visible: Visible) -> list[SessionSummary]:
    """The newest sessions, summed up from their events."""
    sessions: dict[str, SessionSummary] = {}
    for name, entries in ledgers:
        for _, data in entries.scan():
            if b'"session_id"' not in data:
                continue
            event = decode(data)
            if event.session_id and visible(event, name):
                _sum_up(sessions, event)
    return sorted(sessions.values(), key=lambda session: session.opened)[-limit:]


def _matcher(wanted: EventFilter) -> Callable[[Event], bool]:
    since = int(wanted.since) if wanted.since else None
    until = int(wanted.until) if wanted.until else None

    def matches(event: Event) -> bool:
        return (
            (not wanted.action or fnmatch.fnmatchcase(event.action, wanted.action))
            and (not wanted.actor or _is_actor(event, wanted.actor))
            and (not wanted.session or event.session_id.startswith(wanted.session))
            and (not wanted.resource or (event.resource is not None and event.resource.id == wanted.resource))
            and (since is None or event.time_ns >= since)
            and (until is None or event.time_ns < until)
        )

    return matches


def _is_actor(event: Event, wanted: str) -> bool:
    return event.actor is not None and wanted in (event.actor.id, event.actor.name)


def _sum_up(sessions: dict[str, SessionSummary], event: Event) -> None:
    known = sessions.get(event.session_id)
    if known is None:
        known = SessionSummary(
            id=event.session_id,
            actor=(event.actor.name or event.actor.id) if event.actor else "",
            resource=event.resource.id if event.resource else "",
            opened=event.time,
        )
    changes: dict[str, object] = {}
    if event.action in ("statement.run", "statement.denied", "statement.held"):
        changes["statements"] = known.statements + 1
        changes["denied"] = known.denied + (event.action != "statement.run")
    elif event.action in ("session.closed", "session.aborted", "session.refused"):
        changes["state"] = event.action.removeprefix("session.")
        changes["closed"] = event.time
    elif event.data is not None:
        changes["rows"] = known.rows + event.data.rows
        changes["masked"] = known.masked + event.data.masked
    sessions[event.session_id] = msgspec.structs.replace(known, **changes)
