"""What Cedar is told about an ask: entities, context, and which verbs a grant covers."""

from __future__ import annotations

from typing import Any

from glasshatch.identity import Identity

from .grants import Grant
from .model import Ask, ResourceFacts

# Verbs that change nothing for others and need no grant: a grant is asked about the rest.
FREE_VERBS = frozenset(
    {
        *("begin", "close", "commit", "cursor", "deallocate", "discard", "execute", "explain", "fetch"),
        *("listen", "prepare", "rollback", "savepoint", "select", "set", "show", "unlisten"),
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


def statement_context(ask: Ask, grant: Grant | None) -> dict[str, Any]:
    """The context of `statement.run`; only facts, so that equal facts are equal asks."""
    statement = ask.statement
    ungranted = set(statement.verbs) - (set(grant.verbs) if grant else set())
    return {
        "kind": statement.kind,
        "verbs": sorted(statement.verbs),
        "ungranted": sorted(ungranted),
        "risks": sorted(statement.risks),
        "tables": sorted(statement.resources),
        "columns": sorted(statement.columns),
        "masked": sorted(ask.masked),
        "masked_guesses": matching(statement.guesses, ask.masked),
        "masked_lookups": matching(statement.lookups, ask.masked),
        "lineage_known": statement.outputs is not None,
        "commands": statement.commands,
    }


def asked_of(
    actor: Identity, resource: ResourceFacts, action: str, context: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
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
        "roles": sorted(roles),
        "on_behalf_of": actor.on_behalf_of,
    }
    allowed_roles = [role.strip() for role in resource.labels.get("roles", "").split(",") if role.strip()]
    place = {"kind": resource.type, "name": resource.name, "env": resource.env, "roles": allowed_roles}
    entities: list[dict[str, Any]] = [
        {
            "uid": user,
            "attrs": attributes,
            "parents": [{"type": "Role", "id": role} for role in sorted(roles)],
        },
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
