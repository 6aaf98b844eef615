"""What actors are and hold at this moment: asked of the control store, or by a worker of the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..control import ControlStore
from ..errors import ConfigError
from ..events import Access
from ..identity import Ending, Identity
from ..policy import Grant


class StandingSource(Protocol):
    """Answers at once: a statement waits for it."""

    def current(self, actor_id: str) -> Identity:
        """The actor with the roles of this moment."""

    def grants_of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """The actor's grants in force."""

    def access(self, grant_id: str) -> Access | None:
        """Why a grant exists and who approved it, as it stands in events; None if it is not known."""


class ControlStanding:
    """Out of the control store."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    def current(self, actor_id: str) -> Identity:
        """See `StandingSource`."""
        return self._control.actors.current(actor_id)

    def grants_of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """See `StandingSource`."""
        return self._control.grants_of(actor_id, now_ns)

    def access(self, grant_id: str) -> Access | None:
        """See `StandingSource`."""
        try:
            grant = self._control.grants.get(grant_id)
        except ConfigError:
            return None
        return Access(
            grant_id=grant.id,
            approval_id=grant.request_id,
            approvers=tuple(self._control.actors.get(actor_id).name for actor_id in grant.approvers),
            reason=grant.reason,
            ticket=grant.ticket,
        )

    def whole(self, actor_id: str, now_ns: int) -> tuple[Identity, tuple[Grant, ...]]:
        """The actor, and all grants that have not ended, those that have not begun yet too."""
        return self.current(actor_id), self._control.grants.unended(actor_id, now_ns)


class ControlEndings:
    """What ended, out of the control store: fills the gateway's `EndingSource`."""

    def __init__(self, control: ControlStore) -> None:
        self._endings = control.endings
        self._seen = self._endings.count

    def look(self) -> Sequence[Ending] | None:
        """What ended since the last look; None if that is not known any more."""
        if self._endings.count == self._seen:
            return ()
        found = self._endings.after(self._seen)
        if found is None:
            self._seen = self._endings.count
            return None
        self._seen, fresh = found
        return fresh
