"""All that happened about one subject, of all sources, in one order; inferred links are marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ...errors import ConfigError
from ...events import Event
from ..cursors import Cursor, question_of, read_cursor
from ..investigator import Investigator
from ..query import Match, Or, Query
from ..views import History
from ..visibility import Visibility
from .asserting import assert_actors
from .gaps import add_gaps
from .gathering import Asked, Gathered
from .hops import exact_hops, naming, same_places, same_sessions, same_statements
from .pairs import PINNED, pair
from .skew import skew_of

SUBJECTS: Final = {
    "trace": ("trace_id",),
    "session": ("session_id",),
    "actor": ("actor", "actor.on_behalf_of"),
    "resource": ("resource",),
    "request": ("request_id", "access.approval_id"),
}
"""What a timeline can be about, and the fields that name it."""

_WIDE: Final = frozenset({"actor", "resource"})
"""Subjects that name much that has nothing else in common: from there only some links are followed."""

_ROUNDS: Final = 2
_WHOLE = 10_000
_MARGIN = 1_000
"""So many events more than are shown are looked through: what is further on may tell what belongs here."""


class PinnedEvent(msgspec.Struct, frozen=True):
    """An event that somebody pinned, by its id, and why."""

    event: str
    why: str


def timeline(
    investigator: Investigator, subject: str, visible: Visibility, limit: int, cursor: str = ""
) -> History:
    """The events about a subject, by time and then by ledger and index.

    Exact are events that name the subject, and those that share a trace, a request, a grant, a session or a
    link with one that does. Inferred are events that were near, each with why it stands there.

    Args:
        cursor: The `next` of the page before; empty for the first page.

    Raises:
        ConfigError: The subject is of no known kind, or the cursor is none of it.
    """
    return timeline_of(investigator, subject, [subject], (), visible, limit, cursor)


def timeline_of(
    investigator: Investigator,
    name: str,
    subjects: Sequence[str],
    pins: Sequence[PinnedEvent],
    visible: Visibility,
    limit: int,
    cursor: str = "",
) -> History:
    """The same about several subjects and pinned events, under a name.

    What belongs to a page is found out from all before it, for as many events as `_WHOLE`. Behind those, from
    the first ones, the last before the page, and its own: links that only others lead along are not found.
    """
    question = question_of("timeline", name)
    before = read_cursor(cursor, question) if cursor else None
    moment = (before.time, before.ledger, before.index) if before is not None else None
    shown = before.count if before is not None else 0
    if shown + limit <= _WHOLE:
        asked = Asked(investigator, visible, shown + limit + _MARGIN)
    else:
        asked = Asked(investigator, visible, limit + 1, moment)
    gathered = Gathered(visible)
    followed = _pinned(asked, gathered, pins)
    for subject in subjects:
        kind, found = _named(asked, gathered, subject)
        if kind in _WIDE:
            _follow_sessions(asked, gathered, found)
        else:
            followed += found
    # Exact links first, so that nothing that a key names is said to be inferred.
    _follow(asked, gathered, followed)
    if followed:
        _infer(asked, gathered, followed)
    assert_actors(asked, gathered)
    pairs = pair(gathered)
    add_gaps(asked, gathered)
    ordered = gathered.ordered(moment)
    more = len(ordered) > limit
    following = ""
    if more:
        time_ns, ledger, index = gathered.moment(ordered[limit - 1])
        following = Cursor(question, 0, shown + limit, time_ns, ledger, index, {}).written()
    return History(name, ordered[:limit], skew_of(gathered, pairs), more, following)


def _pinned(asked: Asked, gathered: Gathered, pins: Sequence[PinnedEvent]) -> list[Event]:
    found = []
    for start in range(0, len(pins), 100):
        part = pins[start : start + 100]
        query = Or(tuple(Match("id", pin.event, True) for pin in part))
        found += gathered.add([*asked.before(query), *asked.hits(query)], "exact", "pinned")
    whys = {pin.event: pin.why for pin in pins}
    for place, event in gathered.events.items():
        gathered.say(place, why=f"{PINNED}{whys.get(event.id, '')}")
    return found


def _named(asked: Asked, gathered: Gathered, subject: str) -> tuple[str, list[Event]]:
    kind, _, name = subject.partition(":")
    if kind not in SUBJECTS or not name:
        raise ConfigError(
            f"{kind[:40]!r} is no subject of a timeline",
            key="subject",
            hint="write trace:ID, session:ID, actor:NAME, resource:ID, request:ID or incident:NUMBER",
        )
    query: Query = Or(tuple(_names(field, name) for field in SUBJECTS[kind]))
    if kind == "actor":
        query = asked.redacted(asked.visible.known.resolved(query))
    fresh = gathered.add([*asked.before(query), *asked.hits(query)], "exact", f"names the {kind}")
    if kind == "actor":
        _say_aliases(gathered)
    return kind, fresh


def _say_aliases(gathered: Gathered) -> None:
    """Who is found by an alias stands there for another reason than who is named."""
    for place, entry in gathered.entries.items():
        if entry.known is not None and entry.why == "names the actor":
            alias = entry.known
            gathered.say(
                place, why=f"{alias.namespace}:{alias.principal} is {alias.actor} ({alias.asserted})"
            )


def _names(field: str, name: str) -> Query:
    if field == "resource":
        return Or((Match("resources", name, True), Match("resources", f"{name}/*")))
    return Match(field, name, True)


def _follow(asked: Asked, gathered: Gathered, events: list[Event]) -> None:
    """Twice over the keys of what was found last: from a statement to its trace, and to what has that."""
    for _ in range(_ROUNDS):
        fresh: list[Event] = []
        for hop in exact_hops(events):
            fresh += gathered.add(asked.hits(hop.query, linking=hop.linking), "exact", hop.why)
        events = fresh
        if not events or len(gathered.entries) > asked.limit:
            return


def _follow_sessions(asked: Asked, gathered: Gathered, events: list[Event]) -> None:
    """Of an actor, or a resource: what the databases themselves recorded of the gateway's sessions."""
    sessions = [event.session_id for event in events if event.source.kind == "gateway"]
    for hop in naming(sessions):
        gathered.add(asked.hits(hop.query, linking=hop.linking), "exact", hop.why)


def _infer(asked: Asked, gathered: Gathered, events: list[Event]) -> None:
    for hops in (same_sessions, same_statements, same_places):
        for hop in hops(events):
            gathered.add(asked.hits(hop.query), "inferred", hop.why)
