"""What a caller may: asked of the access policy of the moment, and written down for whoever serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from ...api.access_values import AccessView, DeedView
from ...errors import Denied
from ...identity import Identity, identity_of, reason_of
from ...policy import Request
from ...policy.access import DEEDS, REVIEW, AccessRules, Always, Sight, negated, written

# Met here, where there is one thread: two that met it first at once would wait for each other for ever.
msgspec.json.Decoder(Sight)


_SOME_REASON = "a reason"


class Access(Protocol):
    """Where it is known what a caller may."""

    def view(self, caller: Identity) -> AccessView:
        """All that the caller may do and see now; raises `Denied` for who is nobody any more."""


class Entitlements:
    """Answers from the rules in force, whichever those are when it is asked."""

    def __init__(self, rules: Callable[[], AccessRules], roles: Iterable[str]) -> None:
        """`roles` are those that a refusal may advise to ask for."""
        self._rules = rules
        self._roles = tuple(roles)
        self._taken: tuple[AccessRules | None, dict[str, tuple[str, ...]]] = (None, {})

    def view(self, caller: Identity) -> AccessView:
        """All that the caller may do and see now, with the reason that they gave."""
        rules, who, why = self._rules(), identity_of(caller), reason_of(caller)
        taken = self._roles_taken(rules)
        deeds = []
        for deed in DEEDS:
            found = rules.deed(who, deed, why) if deed != REVIEW else rules.may_review_some(who, why)
            deeds.append(DeedView(
                deed=deed, allowed=found.effect == "allow", rule=found.rule, reason=found.reason,
                roles=taken[deed],
            ))  # fmt: skip
        sight, hidden = rules.sight(who, why), tuple(sorted(rules.hidden(who, why)))
        return AccessView(
            actor=who.name, roles=who.roles, policy=rules.name, policy_hash=rules.hash, deeds=tuple(deeds),
            sees=written(sight), sight=msgspec.to_builtins(sight),
            kept=msgspec.to_builtins(rules.kept_from(who, why)),
            hidden=hidden, asks=not why and _asks(rules, who, sight, hidden),
        )  # fmt: skip

    def require_review(self, caller: Identity, request: Request) -> None:
        """Go on only if policy lets the caller judge this request; raises `Denied`."""
        found = self._rules().review(identity_of(caller), request, reason_of(caller))
        if found.effect != "allow":
            roles = self._roles_taken(self._rules())[REVIEW]
            raise _refused(caller.name, found.rule, found.reason, roles)

    def require_review_unforbidden(self, caller: Identity, request: Request) -> None:
        """For who may judge by another rule: go on unless policy forbids them outright; raises `Denied`."""
        found = self._rules().review(identity_of(caller), request, reason_of(caller))
        if found.effect != "allow" and found.rule != "policy.default":
            raise _refused(caller.name, found.rule, found.reason, ())

    def _roles_taken(self, rules: AccessRules) -> dict[str, tuple[str, ...]]:
        held, taken = self._taken
        if held is not rules:
            taken = {deed: rules.roles_for(deed, self._roles) for deed in DEEDS}
            self._taken = (rules, taken)
        return taken


def _asks(rules: AccessRules, who: Identity, sight: Sight, hidden: tuple[str, ...]) -> bool:
    """Whether some reason would show more than this."""
    return (rules.sight(who, _SOME_REASON), tuple(sorted(rules.hidden(who, _SOME_REASON)))) != (sight, hidden)


def may(view: AccessView, deed: str) -> bool:
    """Whether this is allowed."""
    return any(one.allowed for one in view.deeds if one.deed == deed)


def require(view: AccessView, *deeds: str) -> None:
    """Go on only if the caller may do one of these.

    Raises:
        Denied: None of them; names what rule refused it, and the roles that would do.
    """
    if any(may(view, deed) for deed in deeds):
        return
    found = next((one for one in view.deeds if one.deed == deeds[0]), None)
    if found is None:
        raise Denied(f"{view.actor} may not do this", hint="this server does not know it: upgrade it")
    raise _refused(view.actor, found.rule, found.reason, found.roles)


def _refused(name: str, rule: str, reason: str, roles: tuple[str, ...]) -> Denied:
    if rule == "policy.default":
        message = f"{name} may not do this"
    else:
        message = f"{name} may not do this: {reason} ({rule})"
    takes = f"it takes the role {' or '.join(roles)}; " if roles else ""
    return Denied(message, hint=f"{takes}ask an administrator")


def require_everything(view: AccessView, what: str) -> None:
    """Refuse what hands entries out as they lie in a ledger, to whom some events are kept from.

    Raises:
        Denied: The caller does not see the whole record.
    """
    if sight_in(view) != Always(True):
        raise Denied(
            f"{what} would show events that {view.actor} may not see",
            hint="glasshatch access show says what you may see; ask an administrator",
        )


def sight_in(view: AccessView) -> Sight:
    """The sight of a view that came over a wire.

    Raises:
        msgspec.ValidationError: It is none; nobody sees anything by it.
    """
    sight: Sight = msgspec.convert(view.sight, Sight)
    return sight


def unforbidden_in(view: AccessView) -> Sight:
    """What no rule keeps from the holder of a view; raises as `sight_in`."""
    kept: Sight = msgspec.convert(view.kept, Sight)
    return negated(kept)
