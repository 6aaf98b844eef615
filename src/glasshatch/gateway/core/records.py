"""The events of one session, numbered without a hole so that a missing one shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ...clock import Clock
from ...events import ACTIONS, Access, Actor, Client, Event, Outcome, Resource, Source, uuid7
from ...identity import Identity
from ...policy import ResourceFacts

RandomBytes = Callable[[int], bytes]


class SessionRecord:
    """Builds the events of one session; `attrs.seq` counts from 0 in the order of submission.

    It owns the numbers only: whoever takes an event from here must submit it, or the record has a gap.
    """

    def __init__(
        self, *, tenant: str, connector: str, instance: str, client: Client, clock: Clock, random: RandomBytes
    ) -> None:
        self._clock = clock
        self._random = random
        self._tenant = tenant
        self._source = Source(kind="gateway", name=connector, instance=instance)
        self._actor: Actor | None = None
        self._resource: Resource | None = None
        self._sequence = 0
        self.client = client
        self.access: Access | None = None
        self.session_id = self.new_id()

    @property
    def count(self) -> int:
        """How many events were made, which is the next one's number."""
        return self._sequence

    def new_id(self) -> str:
        """A fresh UUIDv7 of now."""
        return uuid7(self._clock.now_ns(), self._random(10))

    def know_actor(self, identity: Identity) -> None:
        """From here on the session has an authenticated actor."""
        self._actor = identity.as_actor()

    def claim_actor(self, name: str) -> None:
        """Until authentication the session only has the name the client gave."""
        self._actor = Actor(id="", name=name)

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
        now_ns = self._clock.now_ns()
        numbered: dict[str, Any] = {"seq": self._sequence}
        if attrs:
            numbered.update(attrs)
        self._sequence += 1
        parts.setdefault("access", self.access)
        return Event(
            id=uuid7(now_ns, self._random(10)),
            time=str(now_ns),
            tenant=self._tenant,
            action=action,
            source=self._source,
            outcome=outcome,
            severity=ACTIONS[action].severity,
            actor=self._actor,
            session_id=self.session_id,
            client=self.client,
            resource=self._resource,
            attrs=numbered,
            **parts,
        )
