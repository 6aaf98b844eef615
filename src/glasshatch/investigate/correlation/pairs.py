"""Two records of one statement: the gateway's, and that of the database's own audit."""

from __future__ import annotations

from collections import defaultdict

from ...events import Event
from .gathering import Gathered, Place, written
from .hops import SESSION_REL

_RUN = "statement.run"
PINNED = "pinned: "
"""How the reason of a pinned event begins, which is somebody's word and stays."""


def pair(gathered: Gathered) -> list[tuple[Place, Place]]:
    """Mark each record of a statement that another source made too; the pairs, the gateway's first.

    By the span that the client named in the statement, which is one statement's own; or by the session, the
    shape and the turn, where both sources have as many statements of this shape in this session.
    """
    found = [*_by_span(gathered), *_by_turn(gathered)]
    paired: set[Place] = set()
    pairs = []
    for ours, theirs, why in found:
        if ours in paired or theirs in paired:
            continue
        paired |= {ours, theirs}
        pairs.append((ours, theirs))
        gathered.say(ours, same_as=written(theirs))
        gathered.say(theirs, same_as=written(ours))
        if not gathered.entries[theirs].why.startswith(PINNED):
            gathered.say(theirs, link="exact", why=why)
    return pairs


def _by_span(gathered: Gathered) -> list[tuple[Place, Place, str]]:
    spans: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
    others: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
    for place, event in gathered.events.items():
        if event.span_id and event.statement is not None and event.statement.hash:
            if event.action == _RUN:
                spans[event.trace_id, event.span_id, event.statement.hash].append(place)
            elif event.source.kind != "gateway":
                others[event.trace_id, event.span_id, event.statement.hash].append(place)
    # A span that was named twice is no statement's own.
    return [
        (ours[0], others[key][0], "the same statement, by the span in its comment")
        for key, ours in spans.items()
        if len(ours) == 1 and len(others.get(key, ())) == 1
    ]


def _by_turn(gathered: Gathered) -> list[tuple[Place, Place, str]]:
    ours: dict[tuple[str, str], list[Place]] = defaultdict(list)
    theirs: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place, event in sorted(gathered.events.items(), key=lambda one: (one[1].time_ns, *one[0])):
        if event.statement is None or not event.statement.hash:
            continue
        if event.action == _RUN:
            ours[event.session_id, event.statement.hash].append(place)
        elif (session := named_session(event)) and _begins(event):
            theirs[session, event.statement.hash].append(place)
    return [
        (one, other, "the same statement, by its session, shape and turn")
        for key, places in ours.items()
        if len(places) == len(theirs.get(key, ()))
        for one, other in zip(places, theirs[key], strict=True)
    ]


def named_session(event: Event) -> str:
    """The gateway's session that a database's record names; empty if it names none."""
    if event.source.kind == "gateway":
        return ""
    return next((link.id for link in event.links if link.rel == SESSION_REL), "")


def _begins(event: Event) -> bool:
    """Whether a record is of a statement itself: pgaudit writes one more for each object and part of it."""
    if event.action in ("statement.failed", "statement.timed", "statement.logged"):
        return False
    return event.attrs.get("audit") != "object" and event.attrs.get("substatement_id", 1) == 1
