"""An identity: one human, service or agent, as Glasshatch knows it at this moment."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..events import Actor

IdentityType = Literal["human", "service", "agent"]


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
