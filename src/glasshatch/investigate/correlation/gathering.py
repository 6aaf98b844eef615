"""Events of one timeline as they are found: each once, by the first reason that was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from ...events import Event, decode, place_of
from ..investigator import Investigator, hits
from ..query import And, Match, Or, Query, compile_sql, findable
from ..views import Entry, Hit
from ..visibility import Visibility

Link = Literal["exact", "inferred", "gap"]
Place = tuple[str, int]
_FEW = 16
MAX_NAMES = 50
"""So many names of one kind are followed."""


class Asked:
    """Questions of one asker, each answered with the oldest events that they may see."""

    def __init__(self, investigator: Investigator, visible: Visibility, limit: int) -> None:
        self._investigator = investigator
        self.visible = visible
        self.limit = limit

    def hits(self, query: Query, limit: int = 0, linking: Sequence[str] = ()) -> list[Hit]:
        """What fits, and links to one of these ids, if some are given: those are looked up by an index."""
        where, bound = compile_sql(And((self.visible.query(), query)), self._investigator.now_ns())
        if linking:
            names = {f"link{number}": id for number, id in enumerate(linking)}
            listed = ", ".join(f"{{{name}:String}}" for name in names)
            # The index by links passes over little once it is asked for many.
            few = len(names) <= _FEW
            test = f"hasAny(link_ids, [{listed}])" if few else f"arrayExists(x -> x IN ({listed}), link_ids)"
            where, bound = f"{where} AND {test}", {**bound, **names}
        return hits(self._investigator.index, where, bound, limit or self.limit, True)

    def read(self, query: Query) -> list[Event]:
        """The events that fit."""
        return [decode(bytes(hit.event)) for hit in self.hits(query)]

    def redacted(self, query: Query) -> Query:
        """The query as what is personal in it stands in the record."""
        return findable(query, *self._investigator.redactions())


class Gathered:
    """The entries of a timeline, with their events."""

    def __init__(self, visible: Visibility) -> None:
        self._visible = visible
        self.entries: dict[Place, Entry] = {}
        self.events: dict[Place, Event] = {}

    def add(self, found: Iterable[Hit], link: Link, why: str) -> list[Event]:
        """Take what is not there yet; those events."""
        fresh = []
        for hit in found:
            place = (hit.ledger, hit.index)
            if place in self.entries:
                continue
            event = decode(bytes(hit.event))
            known = self._visible.known.of(event)
            self.entries[place] = Entry(hit.index, hit.event, link, why, hit.ledger, known=known)
            self.events[place] = event
            fresh.append(event)
        return fresh

    def say(self, place: Place, **changes: object) -> None:
        """Put more into an entry."""
        self.entries[place] = msgspec.structs.replace(self.entries[place], **changes)

    def ordered(self) -> list[Entry]:
        """By time, then by ledger and index."""
        places = sorted(self.entries, key=lambda place: (self.events[place].time_ns, *place))
        return [self.entries[place] for place in places]


def any_of(field: str, names: Iterable[str]) -> Query | None:
    """The field is one of these names, of which so many are asked for; None where there is none."""
    wanted = sorted({name for name in names if name})[:MAX_NAMES]
    return Or(tuple(Match(field, name, True) for name in wanted)) if wanted else None


def written(place: Place) -> str:
    """A place as people write it."""
    return place_of(*place)
