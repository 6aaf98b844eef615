"""Sessions of all sources that belong together, as far as a few links lead."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from ...errors import ConfigError
from ...events import Event, decode
from ..investigator import Investigator
from ..query import Match
from ..views import Edge, Hit, Node, SessionGraph
from ..visibility import Visibility
from .gathering import Asked
from .hops import exact_hops, same_places, same_statements

_EVENTS_OF_ONE = 500
_EVENTS_OF_A_LINK = 500


def graph(
    investigator: Investigator, session: str, visible: Visibility, *, hops: int, limit: int
) -> SessionGraph:
    """What belongs to a session, what to that, and so on, for so many hops and sessions.

    What a service recorded outside of any session counts as one thing for each trace.

    Raises:
        ConfigError: There is no such session that the asker may see.
    """
    walk = _Walk(Asked(investigator, visible, _EVENTS_OF_A_LINK), limit)
    walk.begin(session)
    for hop in range(1, hops + 1):
        walk.step(hop)
    return walk.result(session)


class _Walk:
    """Breadth first, so that what is near is there when the limit is met."""

    def __init__(self, asked: Asked, limit: int) -> None:
        self._asked = asked
        self._limit = limit
        self._events: dict[str, dict[str, Event]] = defaultdict(dict)
        self._hops: dict[str, int] = {}
        self._edges: dict[tuple[str, str], tuple[Literal["exact", "inferred"], str]] = {}
        self._next: list[str] = []
        self._truncated = False

    def begin(self, session: str) -> None:
        self._hops[session] = 0
        self._next = [session]
        self._fill(session)
        if not self._events[session]:
            raise ConfigError(
                f"there is no session {session[:80]!r} that you may see", key="session",
                hint="glasshatch sessions --format jsonl lists ids",
            )  # fmt: skip

    def step(self, hop: int) -> None:
        """Follow every link of what was found last."""
        now, self._next = self._next, []
        for name in now:
            events = list(self._events[name].values())
            for one in exact_hops(events):
                found = self._asked.hits(one.query, linking=one.linking)
                self._link(name, hop, found, "exact", one.why)
            for hops in (same_statements, same_places):
                for one in hops(events):
                    self._link(name, hop, self._asked.hits(one.query), "inferred", one.why)
        for name in self._next:
            self._fill(name)

    def _fill(self, name: str) -> None:
        """All events of a session, not only those that a link led to."""
        if "#" in name:
            return
        found = self._asked.hits(Match("session_id", name, True), _EVENTS_OF_ONE)
        self._events[name].update((event.id, event) for event in (decode(bytes(hit.event)) for hit in found))

    def _link(
        self, name: str, hop: int, found: list[Hit], link: Literal["exact", "inferred"], why: str
    ) -> None:
        for hit in found:
            event = decode(bytes(hit.event))
            other = node_of(event)
            if not other or other == name:
                continue
            if other not in self._hops:
                if len(self._hops) >= self._limit:
                    self._truncated = True
                    continue
                self._hops[other] = hop
                self._next.append(other)
            self._events[other][event.id] = event
            known = self._edges.get((min(name, other), max(name, other)))
            if known is None or (known[0] == "inferred" and link == "exact"):
                self._edges[min(name, other), max(name, other)] = (link, why)

    def result(self, session: str) -> SessionGraph:
        nodes = [_node(name, list(self._events[name].values()), hop) for name, hop in self._hops.items()]
        edges = [Edge(one, other, link, why) for (one, other), (link, why) in sorted(self._edges.items())]
        return SessionGraph(session, nodes, edges, self._truncated)


def node_of(event: Event) -> str:
    """The session of an event; outside of sessions its source within its trace; nothing for neither."""
    if event.session_id:
        return event.session_id
    return f"{event.source.kind}/{event.source.name}#{event.trace_id}" if event.trace_id else ""


def _node(name: str, events: list[Event], hop: int) -> Node:
    times = [event.time_ns for event in events] or [0]
    source = events[0].source if events else None
    actor = next((event.actor.name or event.actor.id for event in events if event.actor), "")
    resource = next((event.resource.id for event in events if event.resource), "")
    return Node(
        name, "service" if "#" in name else "session",
        f"{source.kind}/{source.name}" if source else "", actor, resource, str(min(times)), str(max(times)),
        len(events), hop,
    )  # fmt: skip
