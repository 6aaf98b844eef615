"""What Cedar is told about an ask: entities, context, and which verbs a grant covers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from glasshatch.identity import Identity

from .grants import Grant
from .model import Ask, ResourceFacts

Asked = tuple[dict[str, Any], list[dict[str, Any]]]

# Verbs that change nothing for others and need no grant: a grant is asked about the rest.
FREE_VERBS = frozenset(
    {
        *("begin", "close", "commit", "cursor", "deallocate", "discard", "execute", "explain"),
        *("fetch", "listen", "prepare", "read", "rollback", "savepoint", "select", "set", "show"),
        "unlisten",
    }
)


def granted_by(ask: Ask) -> Grant | None:
    """The first grant that covers all the statement does beyond `FREE_VERBS`; None if nothing needs one."""
    wanted = frozenset(ask.statement.verbs) - FREE_VERBS
    if not wanted or "unknown" in wanted:
        return None
    for grant in ask.grants:
        if grant.covers(ask.actor.id, ask.resource.id, wanted, ask.now_ns):
            return grant
    return None


def resource_key(resource: ResourceFacts) -> tuple[Hashable, ...]:
    """All of a resource that policies can see."""
    return (resource.type, resource.name, resource.env, *sorted(resource.labels.items()))


def statement_key(ask: Ask, who: Identity, covered: tuple[str, ...]) -> tuple[Hashable, ...]:
    """All that `statement_asked` is made of: equal keys are equal asks. `who` may stand for who asks."""
    statement = ask.statement
    return (
        who,
        resource_key(ask.resource),
        covered,
        ask.masked,
        *(statement.kind, statement.verbs, statement.risks, statement.resources, statement.columns),
        *(statement.guesses, statement.lookups, statement.outputs is None, statement.commands),
    )


def statement_asked(ask: Ask, who: Identity, covered: tuple[str, ...]) -> Asked:
    """What Cedar is asked about a statement of somebody's, of whose verbs a grant covers some."""
    statement = ask.statement
    context = {
        "kind": statement.kind,
        "verbs": statement.verbs,
        "ungranted": sorted(set(statement.verbs) - set(covered)),
        "risks": statement.risks,
        "tables": statement.resources,
        "columns": statement.columns,
        "masked": ask.masked,
        "masked_guesses": matching(statement.guesses, ask.masked),
        "masked_lookups": matching(statement.lookups, ask.masked),
        "lineage_known": statement.outputs is not None,
        "commands": statement.commands,
    }
    return asked_of(who, ask.resource, "statement.run", context)


def asked_of(actor: Identity, resource: ResourceFacts, action: str, context: dict[str, Any]) -> Asked:
    """The Cedar request and its entities. A disabled actor holds no role."""
    roles = () if actor.disabled else actor.roles
    user, target = {"type": "User", "id": actor.id}, {"type": "Resource", "id": resource.id}
    request = {
        "principal": user,
        "action": {"type": "Action", "id": action},
        "resource": target,
        "context": context,
    }
    attributes = {
        "kind": actor.type,
        "name": actor.name,
        "roles": roles,
        "on_behalf_of": actor.on_behalf_of,
    }
    open_to = [role.strip() for role in resource.labels.get("roles", "").split(",") if role.strip()]
    place = {"kind": resource.type, "name": resource.name, "env": resource.env, "roles": open_to}
    parents = [{"type": "Role", "id": role} for role in dict.fromkeys(roles)]
    entities: list[dict[str, Any]] = [
        {"uid": user, "attrs": attributes, "parents": parents},
        {"uid": target, "attrs": place, "parents": [], "tags": dict(resource.labels)},
    ]
    return request, entities


def matching(columns: tuple[str, ...], masked: tuple[str, ...]) -> list[str]:
    """The masked columns that mentioned columns may be; a bare or short name matches every longer one."""
    return sorted({full for full in masked for column in columns if may_be(column, full)})


def may_be(column: str, full: str) -> bool:
    """Whether a column as written may be the masked column of that full name."""
    written, known = column.split(".")[::-1], full.split(".")[::-1]
    if written[0] != "*" and known[0] not in ("*", written[0]):
        return False
    pairs = zip(written[1:], known[1:], strict=False)
    return all(mine == theirs or "*" in (mine, theirs) for mine, theirs in pairs)
