"""What is known to be missing, in its place on a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...events import Event, decode
from ..query import And, Match, Or
from ..views import Hit
from .gathering import Asked, Gathered
from .hops import within

GAP_ACTIONS: Final = (
    "recording.gap", "source.silent", "source.missing", "intake.quarantined", "session.aborted",
)  # fmt: skip
_MOST = 200


def add_gaps(asked: Asked, gathered: Gathered) -> None:
    """Put in what is known to be missing of these sources and sessions while this happened."""
    events = list(gathered.events.values())
    if not events:
        return
    for place, event in gathered.events.items():
        if event.action in GAP_ACTIONS[:-1]:
            gathered.say(place, link="gap", why=_why(event))
    actions = Or(tuple(Match("action", name, True) for name in GAP_ACTIONS[:-1]))
    # From where the page before ended: what is missing between the two pages is on this one.
    from_ns = asked.after[0] if asked.after is not None else None
    for hit, event in _relevant(events, asked.hits(And((actions, *within(events, from_ns))), _MOST)):
        gathered.add([hit], "gap", _why(event))


def _relevant(events: list[Event], found: list[Hit]) -> Iterator[tuple[Hit, Event]]:
    sources = {f"{event.source.kind}/{event.source.name}" for event in events}
    sessions = {event.session_id for event in events if event.session_id}
    for hit in found:
        event = decode(bytes(hit.event))
        feed = event.resource.id if event.resource is not None and event.resource.type == "source" else ""
        own = f"{event.source.kind}/{event.source.name}"
        if event.session_id in sessions if event.session_id else (feed or own) in sources:
            yield hit, event


def _why(event: Event) -> str:
    what = {
        "recording.gap": "something is missing here",
        "source.silent": "nothing came of this source",
        "source.missing": "events of this source did not come",
        "intake.quarantined": "an item that was not understood",
    }[event.action]
    reason = event.outcome.reason if event.outcome is not None else ""
    return f"{what}: {reason}" if reason else what
