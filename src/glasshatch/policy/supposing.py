"""Who and where is supposed when nobody real is named: enough to try a policy without a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from glasshatch.identity import Identity, IdentityType
from glasshatch.statements import Statement

from .grants import Grant, expand_verbs
from .model import Ask, ResourceFacts

USUAL_ROLES: Final = ("engineer", "dba")
"""The roles of somebody who works on production every day, as the set `production` knows them."""

USUAL_RESOURCES: Final = {
    "sql": "postgres/orders", "mysql": "mysql/orders", "redis": "redis/cache", "shell": "ssh/web",
    "kubectl": "kubernetes/prod", "mcp": "mcp/tools",
}  # fmt: skip
"""A resource for each kind of statement."""


def suppose_actor(
    name: str = "somebody",
    roles: Sequence[str] = USUAL_ROLES,
    type: IdentityType = "human",
    on_behalf_of: str = "",
) -> Identity:
    """An actor who exists nowhere else."""
    return Identity(
        id=name, tenant="default", type=type, name=name, roles=tuple(roles), on_behalf_of=on_behalf_of
    )


def suppose_resource(id: str, env: str = "production", labels: dict[str, str] | None = None) -> ResourceFacts:
    """A resource by its id, `postgres/orders`."""
    type, _, name = id.partition("/")
    return ResourceFacts(type=type, name=name or type, env=env, labels=labels or {})


def suppose_ask(
    statement: Statement,
    actor: Identity,
    resource: ResourceFacts,
    granted: Sequence[str] = (),
    masked: Sequence[str] = (),
) -> Ask:
    """An ask under a grant in force of these verbs, or of the groups `read` and `write`; none without."""
    grants: tuple[Grant, ...] = ()
    if granted:
        grants = (
            Grant(
                id="supposed", tenant=actor.tenant, request_id="", actor_id=actor.id, resource=resource.id,
                verbs=expand_verbs(granted), approvers=(), reason="", starts_ns=0, expires_ns=2,
            ),
        )  # fmt: skip
    return Ask(
        actor=actor, resource=resource, statement=statement, grants=grants, now_ns=1, masked=tuple(masked)
    )
