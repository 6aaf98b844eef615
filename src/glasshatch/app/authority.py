"""The gateway's two ports filled: tokens out of the control store, decisions out of the policy."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import msgspec

from ..clock import Clock
from ..control import ControlStore
from ..errors import Denied, GlasshatchError
from ..events import Access, Client, Ids
from ..identity import Identity, scope_allows
from ..identity.certificates import read_certificate
from ..policy import Ask, Decision, PolicySet, ResourceFacts
from ..statements import Statement
from .breakglass.authority import EmergencyAuthority
from .standing import StandingSource


class TokenAuthenticator:
    """A token as the password, the actor's own name as the user."""

    def __init__(self, control: ControlStore, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    async def authenticate(
        self, user: str, secret: str, resource: str, client: Client, certificate: bytes = b""
    ) -> Identity:
        """The identity behind the token or the certificate, if it is this user's and opens the resource."""
        # A hash takes milliseconds of pure computation that releases the lock: off the loop.
        return await asyncio.to_thread(self.admit, user, secret, resource, certificate)

    def admit(self, user: str, secret: str, resource: str, certificate: bytes = b"") -> Identity:
        """The same, here and now; raises as `identify`."""
        if certificate:
            return self.certified(certificate, user)
        return self.identify(secret, "connect", f"postgres/{resource}", user)

    def certified(self, certificate: bytes, user: str) -> Identity:
        """Who holds this certificate (DER), whose key a handshake has proven; it opens sessions and nothing
        else.

        Raises:
            Denied: It was not issued here, ended, was revoked, or is another user's.
        """
        kept = self._control.certificates.authority()
        shown = read_certificate(certificate, [kept.certificate] if kept is not None else [])
        identity, _ = self._control.certificates.authenticate(
            shown.serial, shown.fingerprint, self._clock.now_ns()
        )
        if identity.name != user:
            raise Denied("the certificate is not accepted", hint="give the user name it was issued for")
        return msgspec.structs.replace(identity, credential=shown.serial)

    def identify(self, token: str, area: str, target: str = "", user: str = "") -> Identity:
        """Who holds this token; an empty area needs no scope.

        Raises:
            Denied: It is not accepted, ran out, is another user's, or lacks the scope.
        """
        identity, held = self._control.authenticate(token, self._clock.now_ns())
        if user and identity.name != user:
            # The same words as for a wrong secret: whose token it is, is not for a guesser to learn.
            raise Denied("the token is not accepted", hint="give the user name the token was issued for")
        if area and not scope_allows(held.scopes, area, target):
            raise Denied(f"the token does not open {area}", hint="issue one with that scope")
        return msgspec.structs.replace(identity, credential=held.id)


_CHANGES = frozenset({"update", "delete", "merge"})
_NEEDS_IMAGE: dict[str, Any] = {
    "effect": "review", "rule": "resource.before-images", "grant_id": "",
    "reason": "what is approved here leaves a before-image: have this one statement reviewed, and run it"
    " with `glasshatch run`",
}  # fmt: skip


class PolicyAuthority:
    """Policy with the grants of the moment; asked again for every statement.

    `policy` gives the set in force: each decision rests on the one that was when it was asked for.
    """

    def __init__(
        self,
        policy: Callable[[], PolicySet],
        standing: StandingSource,
        clock: Clock,
        imaged: Collection[str] = (),
    ) -> None:
        """`imaged` are the resources where what is approved must leave a before-image, by id."""
        self._policy = policy
        self._standing = standing
        self._clock = clock
        self._ids = Ids(os.urandom)
        self._same: dict[tuple[int, str, str], _Held] = {}
        self._imaged = frozenset(imaged)
        self._ends: dict[str, int] = {}
        self._emergency = EmergencyAuthority(policy, clock, self._decision_id)

    def authorise(self, actor: Identity, resource: ResourceFacts) -> Decision:
        """May this actor open a session there?"""
        if actor.emergency is not None:
            return self._emergency.authorise(self._emergent(actor), resource)
        return self._policy().authorise(self._now(actor), resource, self._decision_id())

    def decide(
        self, actor: Identity, resource: ResourceFacts, statement: Statement, masked: tuple[str, ...]
    ) -> Decision:
        """May this statement run now, under policy and the actor's grants in force?"""
        if actor.emergency is not None:
            return self._emergency.decide(self._emergent(actor), resource, statement, masked)
        now_ns, current, policy = self._clock.now_ns(), self._now(actor), self._policy()
        grants = self._standing.grants_of(actor.id, now_ns)
        if grants:
            return self._asked(Ask(current, resource, statement, grants, now_ns, masked), policy)
        # Without a grant nothing but these counts; they never change, so the very same ones decide the same.
        key = (id(statement), actor.id, resource.id)
        held = self._same.get(key)
        if held is None or not held.fits(policy, current, resource, statement, masked):
            decision = self._asked(Ask(current, resource, statement, (), now_ns, masked), policy)
            if len(statement.shape) <= _SHAPE_CHARACTERS:
                if len(self._same) >= _SAME:
                    self._same.clear()
                self._same[key] = _Held(policy, current, resource, statement, masked, decision)
            return decision
        return msgspec.structs.replace(held.decision, id=self._decision_id())

    def _asked(self, ask: Ask, policy: PolicySet) -> Decision:
        current = ask.actor
        decision = policy.decide(ask, self._decision_id())
        imaged = ask.resource.id in self._imaged
        if imaged and decision.grant_id and not _CHANGES.isdisjoint(ask.statement.verbs):
            # In a session none is taken, so there it may not run.
            return msgspec.structs.replace(decision, **_NEEDS_IMAGE)
        grant = next((one for one in ask.grants if one.id == decision.grant_id), None)
        if grant is not None:
            self._ends[grant.id] = grant.expires_ns
        purpose = purpose_of(grant.reason) if grant is not None else ""
        return msgspec.structs.replace(decision, roles=current.roles, purpose=purpose)

    def cut_off(self, actor: Identity, grants: Collection[str]) -> str:
        """Why a session that rests on these grants must end now; a grant that ran out ends none.

        What a grant let begin may end; what somebody takes back is over.
        """
        if actor.emergency is not None:
            left = "who this break-glass sheet was printed for was shut out"
            return left if self._emergent(actor).disabled else self._emergency.cut_off(actor)
        now_ns = self._clock.now_ns()
        held = {grant.id: grant.expires_ns for grant in self._standing.grants_of(actor.id, now_ns)}
        for gone in [id for id in grants if id not in held]:
            # One that was never seen in force is taken for taken back: nobody knows better.
            if self._ends.get(gone, now_ns + 1) > now_ns:
                return f"the grant that this session rests on was taken back: {gone}"
        if len(self._ends) >= _ENDS:
            self._ends.clear()
        self._ends.update({id: ends_ns for id, ends_ns in held.items() if id in grants})
        return ""

    def access(self, grant_id: str) -> Access | None:
        """Why a grant exists and who approved it, as it stands in events."""
        return self._emergency.access(grant_id) or self._standing.access(grant_id)

    def _emergent(self, actor: Identity) -> Identity:
        """Who came in behind a sheet, without a role if they were shut out since.

        Where nobody can say, the sheet holds: it is for the time when the control store is away.
        """
        try:
            gone = self._standing.current(actor.id).disabled
        except GlasshatchError:
            return actor
        return msgspec.structs.replace(actor, roles=(), disabled=True) if gone else actor

    def _now(self, actor: Identity) -> Identity:
        """The actor with the roles of this moment; a disabled one has none, so nothing is permitted."""
        current = self._standing.current(actor.id)
        return msgspec.structs.replace(current, roles=()) if current.disabled else current

    def _decision_id(self) -> str:
        return self._ids.at(self._clock.now_ns())


class _Held(NamedTuple):
    """A decision, and the very things it was made of; holding them keeps their ids from being given again."""

    policy: PolicySet
    actor: Identity
    resource: ResourceFacts
    statement: Statement
    masked: tuple[str, ...]
    decision: Decision

    def fits(
        self,
        policy: PolicySet,
        actor: Identity,
        resource: ResourceFacts,
        statement: Statement,
        masked: tuple[str, ...],
    ) -> bool:
        """Whether the same would be asked."""
        return (
            self.policy is policy
            and self.actor is actor
            and self.resource is resource
            and self.statement is statement
            and self.masked == masked
        )


# A client chooses how long its statements are; it must not choose our memory.
_SAME, _SHAPE_CHARACTERS, _ENDS = 1_024, 4_096, 16_384
_PURPOSE = re.compile(r"\[([a-z][a-z0-9_-]{0,40})\]")


def purpose_of(reason: str) -> str:
    """What a grant was given for: the word in brackets at the head of its reason, as its approver saw it."""
    found = _PURPOSE.match(reason)
    return found[1] if found else ""
