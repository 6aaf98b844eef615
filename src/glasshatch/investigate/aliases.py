"""Aliases at work: a question about an actor finds what happened under their other names, and says so.

Events stay as they are. An alias holds for the time that it was said to hold for, by the event's own time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from ..events import Event
from ..index.columns import lower
from .query import And, Compare, Match, Not, Or, Query
from .query.fields import resolve
from .query.values import is_pattern, regex_of

_ACTOR_FIELDS: Final = {
    "actor": ("actor", "actor_id"), "actor.name": ("actor",), "actor.id": ("actor_id",),
}  # fmt: skip
_STRENGTH: Final = {"oidc": 0, "scim": 1, "admin": 2}


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A principal is an actor. feed: the name of the one feed in which it holds; empty for all.
    since_ns, until_ns: from when until before when; 0 for from ever and for good."""

    id: str
    namespace: str
    principal: str
    actor: str
    actor_id: str
    asserted: str
    feed: str = ""
    since_ns: int = 0
    until_ns: int = 0

    def holds(self, feed: str, time_ns: int) -> bool:
        """Whether it speaks of an event of this feed and time."""
        within = self.since_ns <= time_ns and (not self.until_ns or time_ns < self.until_ns)
        return within and self.feed in ("", feed)

    def names(self, other: Alias) -> bool:
        """Whether it is about the same principal, whenever and wherever either holds."""
        own = lower(self.namespace), lower(self.principal)
        return own == (lower(other.namespace), lower(other.principal))

    def query(self) -> Query:
        """What happened under it."""
        parts: list[Query] = [
            Match("actor.raw.namespace", self.namespace, True),
            Match("actor.raw.principal", self.principal, True),
        ]
        if self.feed:
            parts.append(Match("source.name", self.feed, True))
        if self.since_ns:
            parts.append(Compare("time", ">=", f"{self.since_ns:019d}"))
        if self.until_ns:
            parts.append(Compare("time", "<", f"{self.until_ns:019d}"))
        return And(tuple(parts))


def _as_it_is(text: str) -> Sequence[str]:
    return (text,)


class Aliases:
    """All aliases that somebody knows."""

    def __init__(
        self, aliases: Sequence[Alias] = (), spellings: Callable[[str], Sequence[str]] = _as_it_is
    ) -> None:
        """`spellings` answers how a principal may stand in the record, where it is redacted there."""
        self._aliases = sorted(aliases, key=lambda one: _STRENGTH.get(one.asserted, 9))
        self._by_name: dict[tuple[str, str], list[Alias]] = defaultdict(list)
        for alias in self._aliases:
            for spelling in dict.fromkeys((alias.principal, *spellings(alias.principal))):
                self._by_name[lower(alias.namespace), lower(spelling)].append(alias)

    def of(self, event: Event) -> Alias | None:
        """Who the raw principal of an event is; of several that say so the most trusted one."""
        raw = event.actor.raw if event.actor is not None else None
        if raw is None or not self._by_name:
            return None
        named = self._by_name.get((lower(raw.namespace), lower(raw.principal)), ())
        return next((one for one in named if one.holds(event.source.name, event.time_ns)), None)

    def __bool__(self) -> bool:
        return bool(self._aliases)

    def __iter__(self) -> Iterator[Alias]:
        """All of them, the most trusted first."""
        return iter(self._aliases)

    def resolved(self, query: Query) -> Query:
        """The query with every question about an actor asked of their aliases too."""
        return self._each(query) if self._aliases else query

    def _each(self, query: Query) -> Query:
        match query:
            case Not(part):
                return Not(self._each(part))
            case And(parts):
                return And(tuple(map(self._each, parts)))
            case Or(parts):
                return Or(tuple(map(self._each, parts)))
            case Match(field, value, quoted) if resolve(field) in _ACTOR_FIELDS:
                meant = self._meant(_ACTOR_FIELDS[resolve(field)], value, quoted)
                return Or((query, *map(self._speaking, meant))) if meant else query
        return query

    def _speaking(self, alias: Alias) -> Query:
        """What happened under an alias, but for what a more trusted one says of somebody else."""
        stronger = [
            one.query()
            for one in self._aliases[: self._aliases.index(alias)]
            if one.actor_id != alias.actor_id and one.names(alias)
        ]
        return And((alias.query(), Not(Or(tuple(stronger))))) if stronger else alias.query()

    def _meant(self, members: Sequence[str], value: str, quoted: bool) -> list[Alias]:
        if is_pattern(value, quoted):
            pattern = re.compile(regex_of(value), re.DOTALL)

            def fits(text: str) -> bool:
                return pattern.fullmatch(lower(text)) is not None

        else:
            wanted = lower(value)

            def fits(text: str) -> bool:
                return lower(text) == wanted

        return [one for one in self._aliases if any(fits(getattr(one, member)) for member in members)]


NOBODY: Final = Aliases()
"""No alias is known."""
