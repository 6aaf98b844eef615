"""What the feeds remember from one delivery to the next, and the gaps that this shows.

Kept beside the keys of what was seen, and written with them: both tell of the same events. What a crash
lost of it is learned from the record again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import msgspec

from ..events import ACTIONS, Event, Outcome, Source, decode
from .parsed import Arrival, Gap, SourceKind
from .seen import Seen

GAP_ACTION = "recording.gap"
_MOST_NAMES = 10_000


class _Origin(msgspec.Struct):
    source: Source


_origin = msgspec.json.Decoder(_Origin)


class _Memory(MutableMapping[str, Any]):
    """Short values by name; the longest untouched go when there are too many."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known
        self.changes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._known[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._known.pop(name, None) is None and len(self._known) >= _MOST_NAMES:
            del self[next(iter(self._known))]
        self._known[name] = self.changes[name] = value

    def __delitem__(self, name: str) -> None:
        del self._known[name]
        self.changes[name] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Memories:
    """The memories of all feeds over one store of what was seen; used by one thread at a time."""

    def __init__(self, seen: Seen, kinds: Mapping[str, SourceKind]) -> None:
        self._seen = seen
        self._kinds = kinds
        self._feeds: dict[str, _Memory] = {}

    def meet(self, kind: SourceKind, name: str, event: Event) -> tuple[Event, tuple[Gap, ...]]:
        """The event with what earlier ones told of it, and what is missing before it."""
        if kind.remember is None:
            return event, ()
        return kind.remember(self._memory(f"{kind.name}/{name}"), event)

    def learn(self, data: bytes) -> None:
        """Remember an event of the record as if it had just come."""
        source = _origin.decode(data).source
        kind = self._kinds.get(source.kind)
        if kind is not None and kind.remember is not None:
            self.meet(kind, source.name, decode(data))
            self.keep()

    def keep(self) -> None:
        """Hand what changed to the store, which keeps it with its next note."""
        for feed, memory in self._feeds.items():
            if memory.changes:
                self._seen.remember(feed, memory.changes)
                memory.changes = {}

    def _memory(self, feed: str) -> _Memory:
        if feed not in self._feeds:
            self._feeds[feed] = _Memory(self._seen.recall(feed))
        return self._feeds[feed]


def gap_event(kind: SourceKind, gap: Gap, before: Event, arrival: Arrival) -> Event:
    """The event that says what is missing before an event of the feed."""
    count = gap.last - gap.first + 1
    numbers = str(gap.first) if count == 1 else f"{gap.first} to {gap.last}"
    return Event(
        id=arrival.new_id(), time=before.time, action=GAP_ACTION,
        source=Source(kind=kind.name, name=arrival.name), severity=ACTIONS[GAP_ACTION].severity,
        outcome=Outcome(status="unknown", reason=f"{gap.of} {numbers} of a session did not come"),
        session_id=gap.session, resource=gap.resource,
        attrs={"of": gap.of, "first": gap.first, "last": gap.last, "count": count},
    )  # fmt: skip


def missed_event(kind: SourceKind, of: str, count: int, reason: str, arrival: Arrival) -> Event:
    """The event that says what came of a feed and could not be taken."""
    return Event(
        id=arrival.new_id(), time=str(arrival.now_ns), action=GAP_ACTION,
        source=Source(kind=kind.name, name=arrival.name), severity=ACTIONS[GAP_ACTION].severity,
        outcome=Outcome(status="unknown", reason=f"{count} {of} were lost: {reason}"),
        attrs={"of": of, "count": count},
    )  # fmt: skip


def gap_key(gap: Gap) -> str:
    """A gap is told once, however often what follows it comes."""
    return f"gap {gap.of} {gap.session} {gap.first} {gap.last}"
