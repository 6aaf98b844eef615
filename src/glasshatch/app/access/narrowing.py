"""A sight as a part of every question that is asked of the index."""

from __future__ import annotations

from ...api.access_values import AccessView
from ...identity import Identity
from ...investigate import And, Match, Or, Query, Visibility
from ...investigate.query import Compare, Everything
from ...investigate.query import Not as Without
from ...policy.access import Always, Every, Is, Like, Not, Sight, Some, Younger
from .entitlements import Access, sight_in, unforbidden_in

_SECOND_NS = 10**9
_FIELDS = {
    "ledger": "ledger", "source": "source.kind", "feed": "source.name", "action": "action",
    "actor": "actor.id", "on_behalf_of": "actor.on_behalf_of", "resource": "resource.id",
    "resources": "resources",
}  # fmt: skip


def seen_by(access: Access, caller: Identity, now_ns: int) -> Visibility:
    """With whose eyes the caller asks."""
    view = access.view(caller)
    return Visibility(query_of(sight_in(view), now_ns), view.hidden)


def not_kept_from(view: AccessView, now_ns: int) -> Visibility:
    """With the eyes of who may see everything that no rule keeps from them."""
    return Visibility(query_of(unforbidden_in(view), now_ns), view.hidden)


def query_of(sight: Sight, now_ns: int) -> Query:
    """The query that finds what is within a sight, at this moment."""
    match sight:
        case Always(answer):
            return Everything() if answer else Or(())
        case Is(attribute, word):
            return Match(_FIELDS[attribute], word, True)
        case Like(attribute, pattern):
            return Match(_FIELDS[attribute], pattern, "*" not in pattern)
        case Younger(seconds):
            # Whole seconds are counted down, so the bound itself is just too old.
            return Compare("time", ">", f"{max(0, now_ns - seconds * _SECOND_NS):019d}")
        case Not(part):
            return Without(query_of(part, now_ns))
        case Every(parts):
            return And(tuple(query_of(part, now_ns) for part in parts))
        case Some(parts):
            return Or(tuple(query_of(part, now_ns) for part in parts))
