"""Who may do and see what, at the desk: one's own view, and everybody's."""

from __future__ import annotations

from ...api.access_values import AccessReview, AccessView, ActorStanding, GrantUse, ReachView
from ...identity import Identity
from ...policy import ResourceFacts
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
        return AccessReview(
            policy=house.policy.name, policy_hash=house.policy.hash, access=access.name,
            access_hash=access.hash,
            actors=tuple(self._standing(actor) for actor in house.control.actors.list()),
        )  # fmt: skip

    def _standing(self, actor: Identity) -> ActorStanding:
        control, now_ns = self._house.control, self._house.clock.now_ns()
        # With what holds now: an agent whose human was shut out is as shut out.
        current = control.actors.current(actor.id)
        view = self._house.entitlements.view(current)
        live = [
            token for token in control.tokens.list(actor.id)
            if not token.revoked_ns and token.expires_ns > now_ns and not current.disabled
        ]  # fmt: skip
        return ActorStanding(
            id=actor.id, name=actor.name, type=actor.type, roles=actor.roles, disabled=current.disabled,
            on_behalf_of=control.actors.get(actor.on_behalf_of).name if actor.on_behalf_of else "",
            tokens=len(live), reaches=self._reaches(current),
            sees="nothing" if current.disabled else view.sees,
            deeds=tuple(one.deed for one in view.deeds if one.allowed and not current.disabled),
            grants=tuple(
                GrantUse(
                    id=grant.id, resource=grant.resource, verbs=grant.verbs, expires=str(grant.expires_ns)
                )
                for grant in control.grants_of(actor.id, now_ns)
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
