"""Who may do and see what, at the desk: one's own view, and everybody's."""

from __future__ import annotations

from collections import Counter

import msgspec

from ...api.access_values import AccessReview, AccessView, ActorStanding, GrantUse, ReachView
from ...control import ControlStore
from ...identity import Identity
from ...policy import Grant, ResourceFacts
from ..access import require
from ..house import House


class EntitledPart:
    """The desk's `EntitlementDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def show_access(self, caller: Identity, actor: str) -> AccessView:
        """What the caller may do and see; of others tells who may list them."""
        house = self._house
        if actor in ("", caller.name):
            return house.entitlements.view(caller)
        require(house.entitlements.view(caller), "access.review", "policy.explain")
        actors = house.control.actors
        return house.entitlements.view(actors.current(actors.named(actor).id))

    def access_state(self, caller: Identity) -> AccessReview:
        """What every actor could do now."""
        house = self._house
        house.require(caller, "access.review")
        access = house.access_policies.current
        held = _Held(house.control, house.clock.now_ns())
        return AccessReview(
            policy=house.policy.name, policy_hash=house.policy.hash, access=access.name,
            access_hash=access.hash,
            actors=tuple(self._standing(actor, held) for actor in held.actors.values()),
        )  # fmt: skip

    def _standing(self, actor: Identity, held: _Held) -> ActorStanding:
        # With what holds now: an agent whose human was shut out is as shut out.
        current = held.current(actor)
        view = self._house.entitlements.view(current)
        return ActorStanding(
            id=actor.id, name=actor.name, type=actor.type, roles=actor.roles, disabled=current.disabled,
            on_behalf_of=held.actors[actor.on_behalf_of].name if actor.on_behalf_of else "",
            tokens=0 if current.disabled else held.tokens[actor.id], reaches=self._reaches(current),
            sees="nothing" if current.disabled else view.sees,
            deeds=tuple(one.deed for one in view.deeds if one.allowed and not current.disabled),
            grants=() if current.disabled else tuple(
                GrantUse(
                    id=grant.id, resource=grant.resource, verbs=grant.verbs, expires=str(grant.expires_ns)
                )
                for grant in held.grants.get(actor.id, ())
            ),
        )  # fmt: skip

    def _reaches(self, actor: Identity) -> tuple[ReachView, ...]:
        found = []
        for name, section in self._house.loaded.config.resources.items():
            facts = ResourceFacts(type=section.type, name=name, env=section.env, labels=section.labels)
            decision = self._house.policy.authorise(actor, facts)
            if decision.effect == "allow":
                found.append(ReachView(resource=facts.id, rule=decision.rule))
        return tuple(found)


class _Held:
    """Everybody, and what they hold, read at once: there may be ten thousand of them."""

    def __init__(self, control: ControlStore, now_ns: int) -> None:
        self.actors = {actor.id: actor for actor in control.actors.list()}
        self.tokens = Counter(
            token.actor_id for token in control.tokens.list()
            if not token.revoked_ns and token.expires_ns > now_ns
        )  # fmt: skip
        self.grants: dict[str, list[Grant]] = {}
        for grant in control.grants.in_force(now_ns):
            self.grants.setdefault(grant.actor_id, []).append(grant)

    def current(self, actor: Identity) -> Identity:
        """Disabled if they are, or their human is."""
        human = self.actors.get(actor.on_behalf_of)
        if human is None or not human.disabled:
            return actor
        return msgspec.structs.replace(actor, disabled=True)
