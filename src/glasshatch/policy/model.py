"""What a policy is asked and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from glasshatch.identity import Identity
from glasshatch.statements import Statement

from .grants import Grant

Effect = Literal["allow", "deny", "review"]


class ResourceFacts(msgspec.Struct, frozen=True):
    """A thing that can be reached, as policies see it."""

    type: str
    name: str
    env: str = "production"
    labels: dict[str, str] = {}

    @property
    def id(self) -> str:
        """`postgres/orders`, as it stands in events and grants."""
        return f"{self.type}/{self.name}"


class Ask(msgspec.Struct, frozen=True):
    """May this actor run this statement there, now?

    Attributes:
        masked: The masked columns that the statement touches, in full: `public.customers.email`.
    """

    actor: Identity
    resource: ResourceFacts
    statement: Statement
    grants: tuple[Grant, ...] = ()
    now_ns: int = 0
    masked: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True):
    """The answer, with the rule that gave it and the exact policy that was in force.

    Attributes:
        roles: What the actor was when it was given, as masking rules see it.
        purpose: What the grant that it rests on was given for.
    """

    id: str
    effect: Effect
    rule: str
    reason: str
    policy_hash: str
    grant_id: str = ""
    roles: tuple[str, ...] = ()
    purpose: str = ""
