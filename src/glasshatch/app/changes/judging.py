"""What policy says of one statement, on its asking and again on its run."""

from __future__ import annotations

import os

import msgspec

from ...errors import ConfigError, Denied
from ...events import uuid7
from ...gateway import GuardedResource
from ...gateway.errands import Catalogue, house_rule_of
from ...identity import Identity
from ...policy import Ask, Decision, Grant
from ...statements import Change, Statement, analyze_sql, read_change
from ..guarded import guarded_resource
from ..house import House
from ..policies import touched

# What lives in a session: a run has one of its own, of which nothing is left.
_OF_A_SESSION = frozenset(
    {
        *("begin", "close", "commit", "copy_in", "copy_out", "cursor", "deallocate", "discard", "execute"),
        *("explain", "fetch", "listen", "prepare", "rollback", "savepoint", "set", "unlisten"),
    }
)
_LOOKING = frozenset({"read", "select", "show"})


class Judged(msgspec.Struct, frozen=True):
    """A statement understood, and policy's word on it.

    `masked` are the masked columns that it touches; `doubtful` if the database could not be asked about them.
    """

    text: str
    statement: Statement
    change: Change | None
    masked: tuple[str, ...]
    doubtful: bool
    decision: Decision

    def __repr__(self) -> str:
        return f"Judged({self.statement.verbs!r}, {self.decision.effect!r})"

    @property
    def near_masked(self) -> bool:
        """Whether counts of it could give masked values away."""
        return bool(self.masked) or self.doubtful


def find_resource(house: House, resource: str) -> GuardedResource:
    """A configured resource by `type/name`.

    Raises:
        ConfigError: There is none.
    """
    sections = house.loaded.config.resources
    for name, section in sections.items():
        if resource == f"{section.type}/{name}":
            return guarded_resource(house.loaded, name, house.masking)
    known = ", ".join(f"{section.type}/{name}" for name, section in sections.items())
    raise ConfigError(
        f"there is no resource {resource[:80]!r}", key="resource", hint=f"known: {known or 'none'}"
    )


def understand(text: str) -> tuple[Statement, Change | None]:
    """A text that is one statement which changes something.

    Raises:
        ConfigError: It is something else; says what.
    """
    statement = analyze_sql(text)
    if {"unknown_syntax", "too_complex"} & set(statement.risks):
        raise ConfigError("it is not understood", key="statement", hint="is it one statement of PostgreSQL?")
    if statement.commands != 1:
        raise ConfigError(
            f"{statement.commands} statements", key="statement", hint="ask for each one by itself"
        )
    verbs = set(statement.verbs)
    if _OF_A_SESSION & verbs or verbs <= _LOOKING:
        raise ConfigError(
            "it changes nothing that could be reviewed by itself", key="statement",
            hint="run it in a session through the gateway",
        )  # fmt: skip
    change = read_change(text)
    if change is not None and change.parameters:
        raise ConfigError(
            "it has places for values, such as $1", key="statement",
            hint="write the values into it: what is approved is exactly this text",
        )  # fmt: skip
    return statement, change


def judge(
    house: House, caller: Identity, resource: GuardedResource, text: str, catalogue: Catalogue | None
) -> Judged:
    """What policy says of a statement, supposing that somebody else approved exactly it.

    Args:
        catalogue: What the database says of its tables; without it the configuration's rules have to do.
    """
    statement, change = understand(text)
    return judge_understood(house, caller, resource, text, statement, change, catalogue)


def judge_understood(
    house: House,
    caller: Identity,
    resource: GuardedResource,
    text: str,
    statement: Statement,
    change: Change | None,
    catalogue: Catalogue | None,
) -> Judged:
    """As `judge`, of a statement of which is known what it is."""
    masked = catalogue.touched(statement) if catalogue else touched(statement, resource.rules)
    decision = _decide(house, caller, resource, statement, masked)
    if catalogue is not None and (rule := house_rule_of(catalogue, statement, masked)) is not None:
        decision = msgspec.structs.replace(rule, id=decision.id)
    return Judged(text, statement, change, masked, catalogue is None, decision)


def require_not_denied(judged: Judged) -> None:
    """Go on unless no approval could change policy's word.

    Raises:
        Denied: It could not.
    """
    decision = judged.decision
    if decision.effect == "deny":
        raise Denied(
            f"no approval lets this run: {decision.reason}", decision_id=decision.id,
            hint=f"rule {decision.rule} of policy {decision.policy_hash[:12]}",
        )  # fmt: skip


def _decide(
    house: House, caller: Identity, resource: GuardedResource, statement: Statement, masked: tuple[str, ...]
) -> Decision:
    now_ns = house.clock.now_ns()
    actor = house.control.actors.current(caller.id)
    if actor.disabled:
        actor = msgspec.structs.replace(actor, roles=())
    session = house.policy.authorise(actor, resource.facts, uuid7(now_ns, os.urandom(10)))
    if session.effect != "allow":
        return session
    # The approval of one statement is a grant of its verbs for nothing but this text.
    supposed = Grant(
        id="", tenant=actor.tenant, request_id="", actor_id=actor.id, resource=resource.facts.id,
        verbs=statement.verbs, approvers=(), reason="", starts_ns=0, expires_ns=now_ns + 1,
    )  # fmt: skip
    ask = Ask(
        actor=actor, resource=resource.facts, statement=statement, grants=(supposed,), now_ns=now_ns,
        masked=masked,
    )  # fmt: skip
    return house.policy.decide(ask, session.id)
