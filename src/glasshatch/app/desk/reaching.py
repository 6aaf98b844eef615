"""Reaching a resource: what the caller may do there and why, and a short-lived way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...api.reach_values import ConnectForm, Reachable, Way, WayIn, WayState
from ...errors import ConfigError, Denied
from ...events import Link, Outcome
from ...identity import Identity, Token, parse_token
from ..config import split_address
from ..house import House
from ..tls import offered_trust

if TYPE_CHECKING:
    from ...policy import Decision, Grant, ResourceFacts

_SECOND_NS = 1_000_000_000
_KINDS = {"postgres": "sql"}
"""The language that statements to a kind of resource are in."""
_VERBS = {"sql": ("select", "insert", "update", "delete", "create", "alter", "drop")}
"""What people ask about, of all verbs there are."""
_RISKS = {"drop": ("destructive",)}
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
FOR_CONNECT = "connect:"
"""How the label of a token begins that another token was exchanged for; the other one's id follows."""


class ReachPart:
    """The desk's `ReachDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def list_resources(self, caller: Identity) -> list[Reachable]:
        """Each resource of the configuration; nothing is recorded, as it says nothing about anybody else."""
        return [self._reachable(caller, facts) for facts in self._facts()]

    def connect(self, caller: Identity, resource: str, form: ConnectForm, bearer: str = "") -> WayIn:
        """A fresh token that opens this resource only; it ends no later than the token it was asked with.

        Raises:
            Denied: Policy lets the caller open no session there, or there is nobody a token could be for.
            ConfigError: There is no such resource.
        """
        house = self._house
        facts = next((one for one in self._facts() if one.id == resource), None)
        if facts is None:
            known = ", ".join(one.id for one in self._facts())
            raise ConfigError(
                f"there is no resource {resource}", key="RESOURCE", hint=f"known: {known or 'none'}"
            )
        if caller.id.startswith("os:"):
            raise Denied(
                "an account of the machine has no token", hint="start the server, and give your token"
            )
        self._require_open(caller, facts)
        now_ns = house.clock.now_ns()
        lifetime_ns, parent = self._bounded(bearer, form.lifetime_s * _SECOND_NS, now_ns)
        text, token = house.control.tokens.issue(
            caller.id, scopes=(f"connect:{facts.id}",), lifetime_ns=lifetime_ns, now_ns=now_ns,
            label=FOR_CONNECT + parent, issued_by=caller.id,
            record=lambda made: self._note_exchanged(caller, facts, made),
        )  # fmt: skip
        return self._way_in(caller, facts, text, token)

    def _require_open(self, caller: Identity, facts: ResourceFacts) -> None:
        decision = self._house.policy.authorise(self._now(caller), facts)
        if decision.effect != "allow":
            raise Denied(
                f"{decision.reason} ({decision.rule})", hint="glasshatch resources says what you may reach"
            )

    def _bounded(self, bearer: str, lifetime_ns: int, now_ns: int) -> tuple[int, str]:
        """How long the token may live, and the id of the one it comes from: a copy outlives no original."""
        presented = parse_token(bearer)
        held = self._house.control.tokens.find(presented.id) if presented is not None else None
        if held is None:
            return lifetime_ns, ""
        return min(lifetime_ns, held.expires_ns - now_ns), held.id

    def _note_exchanged(self, caller: Identity, facts: ResourceFacts, token: Token) -> None:
        self._house.note(
            "token.issued", actor=caller.as_actor(), outcome=Outcome(status="success"),
            attrs={
                "token_id": token.id, "holder": token.actor_id, "scopes": list(token.scopes),
                "expires": str(token.expires_ns), "resource": facts.id,
            },
            links=(Link(rel="actor", id=token.actor_id),),
        )  # fmt: skip

    def _way_in(self, caller: Identity, facts: ResourceFacts, text: str, token: Token) -> WayIn:
        loaded = self._house.loaded
        section = loaded.config.gateway
        host, port = split_address(section.postgres, key="gateway.postgres", file=str(loaded.file))
        ca, names = "", tuple[str, ...]()
        if section.tls_certificate:
            ca, names = offered_trust(loaded.path(section.tls_certificate))
        return WayIn(
            resource=facts.id, kind=facts.type, host="" if host in _EVERYWHERE else host,
            port=port, database=facts.name, user=caller.name, token=text, token_id=token.id,
            expires=str(token.expires_ns), tls=bool(section.tls_certificate), tls_ca=ca, tls_names=names,
        )  # fmt: skip

    # -- what somebody may -----------------------------------------------------------------------

    def _facts(self) -> list[ResourceFacts]:
        from ...policy import ResourceFacts  # where something is decided the engine is loaded, not before

        sections = self._house.loaded.config.resources
        return [
            ResourceFacts(type=section.type, name=name, env=section.env, labels=section.labels)
            for name, section in sections.items()
        ]

    def _now(self, caller: Identity) -> Identity:
        """The caller with the roles of this moment; an account of the machine is nobody to policy."""
        try:
            current = self._house.control.actors.current(caller.id)
        except ConfigError:
            return msgspec.structs.replace(caller, roles=())
        return msgspec.structs.replace(current, roles=()) if current.disabled else current

    def _reachable(self, caller: Identity, facts: ResourceFacts) -> Reachable:
        actor, now_ns = self._now(caller), self._house.clock.now_ns()
        session = self._house.policy.authorise(actor, facts)
        opened = session.effect == "allow"
        grants = self._house.control.grants_of(actor.id, now_ns)
        ways: dict[tuple[str, str, str], Way] = {}
        for verb in _VERBS[_KINDS[facts.type]] if opened else ():
            way = self._way(actor, facts, verb, grants, now_ns)
            key = (way.state, way.rule, way.grant_id)
            held = ways.get(key)
            ways[key] = msgspec.structs.replace(way, verbs=(*held.verbs, verb)) if held else way
        return Reachable(
            resource=facts.id, env=facts.env, open=opened, rule=session.rule, reason=session.reason,
            ways=tuple(ways.values()),
        )  # fmt: skip

    def _way(
        self, actor: Identity, facts: ResourceFacts, verb: str, grants: tuple[Grant, ...], now_ns: int
    ) -> Way:
        from ...policy import Ask, suppose_ask
        from ...statements import Statement

        kind = _KINDS[facts.type]
        statement = Statement(
            kind=kind, verbs=(verb,), resources=("example",), outputs=(), risks=_RISKS.get(verb, ())
        )
        policy = self._house.policy
        decision = policy.decide(Ask(actor, facts, statement, grants, now_ns))
        if decision.effect == "deny":
            # What a grant of exactly this would change says whether it is worth asking for one.
            supposed = policy.decide(suppose_ask(statement, actor, facts, (verb,)))
            liftable = supposed.effect != "deny"
            return _way(verb, "request" if liftable else "refused", decision)
        state: WayState = "review" if decision.effect == "review" else "allowed"
        grant = next((one for one in grants if one.id == decision.grant_id), None)
        if grant is None:
            return _way(verb, state, decision)
        approvers = tuple(self._house.control.actors.get(id).name for id in grant.approvers)
        return msgspec.structs.replace(
            _way(verb, state, decision), grant_id=grant.id, approvers=approvers, until=str(grant.expires_ns)
        )


def _way(verb: str, state: WayState, decision: Decision) -> Way:
    return Way(verbs=(verb,), state=state, rule=decision.rule, reason=decision.reason)
