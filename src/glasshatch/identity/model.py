"""An identity: one human, service or agent, as Glasshatch knows it at this moment."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..events import Actor

IdentityType = Literal["human", "service", "agent"]


class Emergency(msgspec.Struct, frozen=True, kw_only=True):
    """What a break-glass sheet lets its holder do, until when, and why they used it."""

    grant_id: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    until_ns: int
    reason: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `on_behalf_of` is the id of the human behind an agent and empty for all others.

    An identity is a snapshot: roles and `disabled` are as read when it was authenticated, so
    whoever keeps one across time (a session) must be told of changes.
    """

    id: str
    tenant: str
    type: IdentityType
    name: str
    roles: tuple[str, ...] = ()
    on_behalf_of: str = ""
    disabled: bool = False
    credential: str = ""
    """What a session was opened with: a token's id, or a certificate's serial number. Empty where nobody asks
    in a session; it says nothing of what the actor may."""
    emergency: Emergency | None = None
    """Set where a break-glass sheet opened the session, and nowhere else."""

    def as_actor(self) -> Actor:
        """The actor as it stands in an event."""
        return Actor(
            id=self.id,
            type=self.type,
            name=self.name,
            roles=self.roles,
            on_behalf_of=self.on_behalf_of,
        )

    def has_role(self, *roles: str) -> bool:
        """Whether at least one of the roles is held; a disabled identity holds none."""
        return not self.disabled and any(role in self.roles for role in roles)

    def people(self) -> frozenset[str]:
        """The ids this identity stands for: itself and the human it acts for.

        Four eyes count people, so an agent and its human are one pair of eyes.
        """
        return frozenset(filter(None, (self.id, self.on_behalf_of)))


class Ending(msgspec.Struct, frozen=True):
    """Something is over that sessions rest on. credential: empty if it is all that the actor has."""

    actor_id: str
    credential: str
    reason: str

    def ends(self, identity: Identity) -> bool:
        """Whether a session of this identity is over with it; an agent's is with its human."""
        if self.credential:
            return identity.id == self.actor_id and identity.credential == self.credential
        return self.actor_id in identity.people()
