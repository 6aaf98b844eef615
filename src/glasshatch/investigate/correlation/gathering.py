"""Events of one timeline as they are found: each once, by the first reason that was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from ...events import Event, decode, place_of
from ..investigator import Investigator, hits
from ..query import And, Match, Or, Query, compile_sql, findable
from ..query.sql import Parameter
from ..views import Entry, Hit
from ..visibility import Visibility

Link = Literal["exact", "inferred", "gap"]
Place = tuple[str, int]
Moment = tuple[int, str, int]
"""Time, ledger and index: where an event stands in a timeline."""
_FEW = 16
MAX_NAMES = 50
"""So many names of one kind are followed."""


class Asked:
    """Questions of one asker, each answered with the oldest events that they may see behind a moment."""

    def __init__(
        self, investigator: Investigator, visible: Visibility, limit: int, after: Moment | None = None
    ) -> None:
        self._investigator = investigator
        self.visible = visible
        self.limit = limit
        self.after = after

    def hits(self, query: Query, limit: int = 0, linking: Sequence[str] = ()) -> list[Hit]:
        """What fits, and links to one of these ids, if some are given: those are looked up by an index."""
        where, bound = self._compiled(query, linking)
        if self.after is not None:
            time_ns, ledger, index = self.after
            bound |= {"after_time": time_ns, "after_ledger": ledger, "after_index": index}
            # The time alone as well: by it the table is read from the right place on.
            behind = "({after_time:Int64}, {after_ledger:String}, {after_index:Int64})"
            where = f"{where} AND time >= {{after_time:Int64}} AND (time, ledger, `index`) > {behind}"
        return hits(self._investigator.index, where, bound, limit or self.limit, True)

    def before(self, query: Query) -> list[Hit]:
        """Of what fits up to the moment: the first of it, and the last."""
        if self.after is None:
            return []
        where, bound = self._compiled(query)
        where, bound = f"{where} AND time <= {{after_time:Int64}}", {**bound, "after_time": self.after[0]}
        index = self._investigator.index
        return [hit for first in (True, False) for hit in hits(index, where, bound, self.limit, first)]

    def _compiled(self, query: Query, linking: Sequence[str] = ()) -> tuple[str, dict[str, Parameter]]:
        where, bound = compile_sql(And((self.visible.query(), query)), self._investigator.now_ns())
        if linking:
            names = {f"link{number}": id for number, id in enumerate(linking)}
            listed = ", ".join(f"{{{name}:String}}" for name in names)
            # The index by links passes over little once it is asked for many.
            few = len(names) <= _FEW
            test = f"hasAny(link_ids, [{listed}])" if few else f"arrayExists(x -> x IN ({listed}), link_ids)"
            where, bound = f"{where} AND {test}", {**bound, **names}
        return where, dict(bound)

    def read(self, query: Query) -> list[Event]:
        """The oldest events that fit, whenever they were."""
        where, bound = self._compiled(query)
        found = hits(self._investigator.index, where, bound, self.limit, True)
        return [decode(bytes(hit.event)) for hit in found]

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

    def ordered(self, after: Moment | None = None) -> list[Entry]:
        """By time, then by ledger and index; those behind a moment."""
        entries = sorted(self.entries.values(), key=self.moment)
        return [one for one in entries if after is None or self.moment(one) > after]

    def moment(self, entry: Entry) -> Moment:
        """Where an entry stands."""
        return self.events[entry.ledger, entry.index].time_ns, entry.ledger, entry.index


def any_of(field: str, names: Iterable[str]) -> Query | None:
    """The field is one of these names, of which so many are asked for; None where there is none."""
    wanted = sorted({name for name in names if name})[:MAX_NAMES]
    return Or(tuple(Match(field, name, True) for name in wanted)) if wanted else None


def written(place: Place) -> str:
    """A place as people write it."""
    return place_of(*place)
