"""The events of one session, numbered without a hole so that a missing one shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...clock import Clock
from ...events import ACTIONS, Access, Actor, Client, Draft, Event, Form, Ids, Outcome, Resource, Source
from ...identity import Identity
from ...policy import ResourceFacts

RandomBytes = Callable[[int], bytes]
_OWN_HOLES = ("id", "time", "session_id", "client", "attrs.seq")


class SessionRecord:
    """Builds the events of one session; `attrs.seq` counts from 0 in the order of submission.

    It owns the numbers only: whoever takes an event from here must submit it, or the record has a gap.
    """

    def __init__(
        self,
        *,
        tenant: str,
        connector: str,
        instance: str,
        client: Client,
        clock: Clock,
        random: RandomBytes,
        ids: Ids | None = None,
    ) -> None:
        """`ids` may be shared with other sessions of the same thread."""
        self._clock = clock
        self._tenant = tenant
        self._source = Source(kind="gateway", name=connector, instance=instance)
        self.actor: Actor | None = None
        self._resource: Resource | None = None
        self._sequence = 0
        self._ids = ids or Ids(random)
        self.client = client
        self.access: Access | None = None
        self.session_id = self.new_id()

    @property
    def count(self) -> int:
        """How many events were made, which is the next one's number."""
        return self._sequence

    def new_id(self) -> str:
        """A fresh UUIDv7 of now."""
        return self._ids.at(self._clock.now_ns())

    def know_actor(self, identity: Identity) -> None:
        """From here on the session has an authenticated actor."""
        self.actor = identity.as_actor()

    def claim_actor(self, name: str) -> None:
        """Until authentication the session only has the name the client gave."""
        self.actor = Actor(id="", name=name)

    def know_holder(self, actor_id: str) -> None:
        """What the client showed was once this actor's; nobody is authenticated by it."""
        if actor_id:
            self.actor = Actor(id=actor_id, name=self.actor.name if self.actor is not None else "")

    def know_resource(self, facts: ResourceFacts) -> None:
        """What this session reaches."""
        self._resource = Resource(
            type=facts.type, id=facts.id, name=facts.name, env=facts.env, labels=dict(facts.labels)
        )

    def know_program(self, name: str) -> None:
        """What the client calls its program."""
        self.client = msgspec.structs.replace(self.client, user_agent=name)

    def event(
        self, action: str, outcome: Outcome | None = None, attrs: dict[str, Any] | None = None, **parts: Any
    ) -> Event:
        """The next event of this session, of now."""
        return self._made(action, outcome, {"seq": self._next(), **(attrs or {})}, parts)

    def form(
        self,
        action: str,
        holes: Sequence[str],
        outcome: Outcome | None = None,
        attrs: dict[str, Any] | None = None,
        **parts: Any,
    ) -> Form:
        """What many events share, of this session and of others of the same actor and resource."""
        event = self._made(action, outcome, {"seq": self._sequence, **(attrs or {})}, parts)
        return Form(event, (*_OWN_HOLES, *holes))

    def draft(self, form: Form, values: Sequence[Any]) -> Draft:
        """The next event of this session, of now, by a form; `values` are those of the holes it was given."""
        now_ns = self._clock.now_ns()
        number = self._sequence
        self._sequence = number + 1
        own = self._ids.at(now_ns), str(now_ns), self.session_id, self.client, number
        return Draft(form, (*own, *values))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _made(
        self, action: str, outcome: Outcome | None, attrs: dict[str, Any], parts: dict[str, Any]
    ) -> Event:
        now_ns = self._clock.now_ns()
        parts.setdefault("access", self.access)
        return Event(
            id=self._ids.at(now_ns),
            time=str(now_ns),
            tenant=self._tenant,
            action=action,
            source=self._source,
            outcome=outcome,
            severity=ACTIONS[action].severity,
            actor=self.actor,
            session_id=self.session_id,
            client=self.client,
            resource=self._resource,
            attrs=attrs,
            **parts,
        )
