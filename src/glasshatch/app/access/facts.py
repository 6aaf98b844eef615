"""An event as the access policy sees it."""

from __future__ import annotations

from ...api.access_values import AccessView
from ...events import DEFAULT_LEDGER, Event, clipped
from ...policy.access import EventFacts, fits, small
from .entitlements import sight_in

_SECOND_NS = 10**9


def facts_of(event: Event, now_ns: int) -> EventFacts:
    """What rules may ask of it; `event` knows its ledger if that is not the default one."""
    actor, resource = event.actor, event.resource
    every = event.resources if resource is None else (resource, *event.resources)
    return EventFacts(
        ledger=small(getattr(event, "ledger", DEFAULT_LEDGER)), source=small(event.source.kind),
        feed=small(event.source.name), action=small(event.action),
        actor=small(actor.id) if actor else "", on_behalf_of=small(actor.on_behalf_of) if actor else "",
        resource=small(resource.id) if resource else "",
        resources=frozenset(small(name) for one in every for name in (one.id, one.name) if name),
        age_s=(now_ns - clipped(event.time)) // _SECOND_NS,
    )  # fmt: skip


def sees(view: AccessView, event: Event, now_ns: int) -> bool:
    """Whether the caller of this view may read this event."""
    return fits(sight_in(view), facts_of(event, now_ns))
