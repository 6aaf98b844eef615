"""A reading in the record: a session of its own, whose statement is durable before it is sent."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import msgspec

from ...events import Client, DecisionMade, Outcome, Resource, StatementText
from ...gateway import GuardedResource
from ...gateway.core import SessionRecord
from ...identity import Identity
from ..changes.judging import Judged
from ..house import House

_SHOWN_CHARACTERS = 16_384
_NAMES = 48
_SUCCESS = Outcome(status="success")


class ReadSession:
    """The events of one reading. `members` are what they have in common, such as why it is read."""

    def __init__(self, house: House, caller: Identity, resource: GuardedResource, **members: Any) -> None:
        self._house = house
        self._resource = resource.facts.id
        self._members = members
        self.record = SessionRecord(
            tenant=house.tenant, connector="postgres", instance=str(os.getpid()),
            client=Client(user_agent="glasshatch reveal"), clock=house.clock, random=os.urandom,
        )  # fmt: skip
        self.record.know_actor(house.control.actors.current(caller.id))
        self.record.know_resource(resource.facts)

    @property
    def application(self) -> str:
        """How the database knows the session."""
        return f"glasshatch {self.record.session_id}"

    def denied(self, judged: Judged) -> None:
        """Policy has refused the statement: it is not sent."""
        outcome = Outcome(status="failure", code="42501", reason=judged.decision.reason)
        self.note("session.opened")
        self.note("statement.denied", outcome=outcome, **self._asked(judged))
        self.note("session.closed", outcome=_SUCCESS)

    def ran(self, judged: Judged) -> None:
        """The statement is about to be sent; durable when this returns."""
        self.note("session.opened")
        self.note("statement.run", **self._asked(judged))

    def ended(self, outcome: Outcome = _SUCCESS) -> None:
        """The statement has ended, and the session with it."""
        self.note("statement.finished", outcome=outcome)
        self.note("session.closed", outcome=_SUCCESS)

    def note(self, action: str, *, id: str = "", **more: Any) -> None:
        """Record one event of the session; durable when this returns.

        Args:
            id: One that was taken from the session before.
        """
        event = self.record.event(action, **(self._members | more))
        self._house.recorder.record(msgspec.structs.replace(event, id=id) if id else event)

    def aside(self, action: str, **more: Any) -> None:
        """Record what is about this reading and no part of its session, such as that nothing came of it."""
        kind, _, name = self._resource.partition("/")
        place = Resource(type=kind, id=self._resource, name=name)
        self._house.note(action, actor=self.record.actor, resource=place, **(self._members | more))

    def _asked(self, judged: Judged) -> dict[str, Any]:
        statement, decision = judged.statement, judged.decision
        table = partial(Resource, type="table")
        text = shortened(self._house.redactor.sql(judged.text, statement.literals))
        return {
            "statement": StatementText(text=text, shape=shortened(statement.shape), hash=statement.hash),
            "resources": tuple(
                table(id=f"{self._resource}/{name}", name=name) for name in statement.resources[:_NAMES]
            ),
            "decision": DecisionMade(
                effect="deny" if decision.effect == "deny" else "allow", rule=decision.rule,
                reason=decision.reason, policy_hash=decision.policy_hash,
            ),
            "attrs": {
                "protocol": "reveal", "verbs": list(statement.verbs), "decision_id": decision.id,
                "masked": list(judged.masked[:_NAMES]),
            },
        }  # fmt: skip


def shortened(text: str) -> str:
    """At most so much of a text as an event should hold."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " [shortened]"
