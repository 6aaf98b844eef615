"""What a post-mortem says, gathered from an incident and its timeline; the three forms show the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from ...api.gist import actor_of, failed, gist_of, place_of, result_of, source_of
from ...api.incident_values import IncidentView, PinView
from ...api.values import Skew, Timeline, TimelineEntry
from ...events import DEFAULT_LEDGER, Event
from ...events import place_of as written_place

MOST_ENTRIES = 2_000


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a line. link: exact, inferred or gap. why: why it stands there; of a pin, why it was
    pinned. pinned: whether it is."""

    place: str
    event_id: str
    time: str
    actor: str
    known_as: str
    source: str
    action: str
    result: str
    resource: str
    gist: str
    link: str
    why: str
    same_as: str = ""
    pinned: bool = False
    failed: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One actor on the timeline: how much they did, from when until when, and under which other names."""

    actor: str
    type: str
    events: int
    failed: int
    first: str
    last: str
    aliases: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What data one actor was shown out of one resource; never the data themselves."""

    actor: str
    resource: str
    answers: int
    rows: int
    masked: int
    clear: int
    subjects: int
    classes: tuple[str, ...]


class PostMortem(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. Times are nanoseconds, UTC."""

    format: str
    incident: IncidentView
    origin: str
    made: str
    made_by: str
    pins: tuple[Moment, ...]
    timeline: tuple[Moment, ...]
    truncated: bool
    people: tuple[Person, ...]
    data: tuple[Shown, ...]
    sources: dict[str, int]
    skew: list[Skew]
    gaps: tuple[Moment, ...]
    gone: tuple[PinView, ...] = ()
    """Pins whose events were pruned: only what people wrote of them is left."""


def gathered(
    incident: IncidentView, timeline: Timeline, alone: Timeline, gone: Sequence[PinView], *, origin: str,
    made: str, made_by: str,
) -> PostMortem:  # fmt: skip
    """The report. alone: the timeline of the pins only; gone: those whose events were pruned."""
    pinned = {pin.event: pin for pin in incident.pins}
    events = [(entry, msgspec.json.decode(entry.event, type=Event)) for entry in timeline.entries]
    moments = [_moment(entry, event, event.id in pinned) for entry, event in events]
    seen = {moment.event_id for moment in moments}
    own = [(entry, msgspec.json.decode(entry.event, type=Event)) for entry in alone.entries]
    pins = [_moment(entry, event, True) for entry, event in own if event.id in pinned]
    return PostMortem(
        format="glasshatch post-mortem 1", incident=incident, origin=origin, made=made, made_by=made_by,
        pins=tuple(msgspec.structs.replace(one, why=pinned[one.event_id].why) for one in pins),
        timeline=tuple(moments), gone=tuple(gone),
        truncated=timeline.truncated or bool(set(pinned) - seen - {pin.event for pin in gone}),
        people=tuple(_people(events)), data=tuple(_shown(events)),
        sources=dict(Counter(source_of(event) for _, event in events).most_common()), skew=timeline.skew,
        gaps=tuple(one for one in moments if one.link == "gap"),
    )  # fmt: skip


def _moment(entry: TimelineEntry, event: Event, pinned: bool) -> Moment:
    ledger = entry.ledger if isinstance(entry.ledger, str) else DEFAULT_LEDGER
    return Moment(
        place=written_place(ledger, entry.index), event_id=event.id, time=event.time, actor=actor_of(event),
        known_as=entry.known_as.actor if entry.known_as else "", source=source_of(event),
        action=event.action, result=result_of(event), resource=place_of(event), gist=gist_of(event),
        link=entry.link, why=entry.why, same_as=entry.same_as or "", pinned=pinned, failed=failed(event),
    )  # fmt: skip


def _people(events: Sequence[tuple[TimelineEntry, Event]]) -> list[Person]:
    """Whoever acted, under the name that they have here, the busiest first."""
    acted: dict[str, list[tuple[TimelineEntry, Event]]] = defaultdict(list)
    for entry, event in events:
        if event.actor is not None and entry.link != "gap":
            acted[entry.known_as.actor if entry.known_as else actor_of(event)].append((entry, event))
    found = [_person(name, did) for name, did in acted.items() if name]
    return sorted(found, key=lambda one: -one.events)


def _person(name: str, did: Sequence[tuple[TimelineEntry, Event]]) -> Person:
    times = [event.time_ns for _, event in did]
    kinds = [event.actor.type for entry, event in did if event.actor and not entry.known_as]
    raw = (
        f"{event.actor.raw.namespace}:{event.actor.raw.principal}"
        for entry, event in did
        if entry.known_as and event.actor and event.actor.raw
    )
    return Person(
        actor=name, type=kinds[0] if kinds else "", events=len(did),
        failed=sum(failed(event) for _, event in did), first=str(min(times)), last=str(max(times)),
        aliases=tuple(dict.fromkeys(raw)),
    )  # fmt: skip


def _shown(events: Sequence[tuple[TimelineEntry, Event]]) -> list[Shown]:
    answers: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for entry, event in events:
        # Reads of the record itself are no answers with somebody's data, and two sources may have one.
        told = event.data is not None and (event.data.rows or event.data.classes)
        twice = bool(entry.same_as) and event.source.kind != "gateway"
        if told and event.action != "record.read" and not twice:
            answers[actor_of(event), place_of(event)].append(event)
    return [_summed(actor, resource, found) for (actor, resource), found in sorted(answers.items())]


def _summed(actor: str, resource: str, found: Sequence[Event]) -> Shown:
    data = [event.data for event in found if event.data is not None]
    return Shown(
        actor=actor, resource=resource, answers=len(data), rows=sum(one.rows for one in data),
        masked=sum(one.masked for one in data), clear=sum(one.clear for one in data),
        subjects=len({subject for one in data for subject in one.subjects}),
        classes=tuple(sorted({name for one in data for name in one.classes})),
    )  # fmt: skip
