"""Who acted in a database through the gateway: its own session says so, before any alias."""

from __future__ import annotations

from collections.abc import Iterable

from ...events import Actor, Event
from ..aliases import Alias
from ..query import And, Match
from .gathering import Asked, Gathered, any_of
from .pairs import named_session


def assert_actors(asked: Asked, gathered: Gathered) -> None:
    """Say of every record that names a gateway session who opened that, as far as the asker may see it."""
    named = {place: named_session(event) for place, event in gathered.events.items()}
    actors = _actors(gathered.events.values())
    missing = any_of("session_id", {session for session in named.values() if session not in actors})
    if missing is not None:
        opened = And(
            (missing, Match("action", "session.opened", True), Match("source.kind", "gateway", True))
        )
        actors |= _actors(asked.read(opened))
    for place, session in named.items():
        actor, raw = actors.get(session), _raw(gathered.events[place])
        if session and actor is not None and raw is not None:
            gathered.say(place, known=Alias(
                id=session, namespace=raw[0], principal=raw[1], actor=actor.name or actor.id,
                actor_id=actor.id, asserted="gateway",
            ))  # fmt: skip


def _actors(events: Iterable[Event]) -> dict[str, Actor]:
    return {
        event.session_id: event.actor
        for event in events
        if event.source.kind == "gateway" and event.session_id and event.actor is not None and event.actor.id
    }


def _raw(event: Event) -> tuple[str, str] | None:
    if event.actor is None or event.actor.raw is None:
        return None
    return event.actor.raw.namespace, event.actor.raw.principal
