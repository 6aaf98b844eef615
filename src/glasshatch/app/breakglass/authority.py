"""What a sheet lets its holder do: all that a grant could have let them, and nothing that no grant lifts."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...clock import Clock
from ...events import Access
from ...identity import Emergency, Identity
from ...policy import Ask, Decision, Grant, PolicySet, ResourceFacts, resource_matches
from ...statements import Statement

_EVERY = ("*",)


class EmergencyAuthority:
    """Decides for identities with an `emergency`, by the policy in memory alone."""

    def __init__(self, policy: Callable[[], PolicySet], clock: Clock, new_id: Callable[[], str]) -> None:
        self._policy = policy
        self._clock = clock
        self._new_id = new_id
        self._held: dict[str, Emergency] = {}

    def authorise(self, actor: Identity, resource: ResourceFacts) -> Decision:
        """A session: what policy asks a person to look at first, passes; what it forbids does not."""
        emergency = _of(actor)
        self._held[emergency.grant_id] = emergency
        decision = self._policy().authorise(_plain(actor), resource, self._new_id())
        return self._under(emergency, resource, decision)

    def decide(
        self, actor: Identity, resource: ResourceFacts, statement: Statement, masked: tuple[str, ...]
    ) -> Decision:
        """A statement, as if a grant of exactly its verbs were in force and somebody had looked at it."""
        emergency, now_ns = _of(actor), self._clock.now_ns()
        verbs = statement.verbs if emergency.verbs == _EVERY else emergency.verbs
        grant = Grant(
            id=emergency.grant_id, tenant=actor.tenant, request_id="", actor_id=actor.id,
            resource=resource.id, verbs=verbs, approvers=(), reason=emergency.reason, starts_ns=0,
            expires_ns=emergency.until_ns,
        )  # fmt: skip
        ask = Ask(_plain(actor), resource, statement, (grant,), now_ns, masked)
        decision = self._policy().decide(ask, self._new_id())
        return msgspec.structs.replace(self._under(emergency, resource, decision), roles=actor.roles)

    def _under(self, emergency: Emergency, resource: ResourceFacts, decision: Decision) -> Decision:
        if self._clock.now_ns() >= emergency.until_ns:
            return msgspec.structs.replace(
                decision, effect="deny", rule="break-glass.over", grant_id="",
                reason="the time of this break-glass sheet is over",
            )  # fmt: skip
        if decision.effect == "deny" or not any(
            resource_matches(pattern, resource.id) for pattern in emergency.resources
        ):
            return msgspec.structs.replace(decision, effect="deny", grant_id="")
        return msgspec.structs.replace(decision, effect="allow", grant_id=emergency.grant_id)

    def access(self, grant_id: str) -> Access | None:
        """What stands in the events of such a session."""
        held = self._held.get(grant_id)
        return Access(grant_id=grant_id, reason=held.reason, break_glass=True) if held else None

    def cut_off(self, actor: Identity) -> str:
        """Why its session must end now; empty while its time is not over."""
        over = self._clock.now_ns() >= _of(actor).until_ns
        return "the time of this break-glass sheet is over" if over else ""


def _of(actor: Identity) -> Emergency:
    if actor.emergency is None:
        raise RuntimeError("no emergency")
    return actor.emergency


def _plain(actor: Identity) -> Identity:
    return msgspec.structs.replace(actor, emergency=None)
