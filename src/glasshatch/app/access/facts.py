"""An event as the access policy sees it."""

from __future__ import annotations

from ...events import Event, clipped
from ...policy.access import EventFacts, Sight, fits, small

_SECOND_NS = 10**9


def facts_of(event: Event, ledger: str, now_ns: int) -> EventFacts:
    """What rules may ask of an event of the ledger of this name."""
    actor, resource = event.actor, event.resource
    every = event.resources if resource is None else (resource, *event.resources)
    return EventFacts(
        ledger=small(ledger), source=small(event.source.kind),
        feed=small(event.source.name), action=small(event.action),
        actor=small(actor.id) if actor else "", on_behalf_of=small(actor.on_behalf_of) if actor else "",
        resource=small(resource.id) if resource else "",
        resources=frozenset(small(name) for one in every for name in (one.id, one.name) if name),
        age_s=(now_ns - clipped(event.time)) // _SECOND_NS,
    )  # fmt: skip


def sees(sight: Sight, event: Event, ledger: str, now_ns: int) -> bool:
    """Whether who has this sight may read this event."""
    return fits(sight, facts_of(event, ledger, now_ns))
