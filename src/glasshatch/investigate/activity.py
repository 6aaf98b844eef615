"""What use actors made of what they may do: when they were seen last, and what rested on which grant."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from .investigator import Investigator


class Activity(msgspec.Struct, frozen=True):
    """Times in nanoseconds, by the id of an actor or a grant.

    Attributes:
        last_seen: The newest event of each actor.
        grants: How often each grant was used, and when last.
        left: When each actor was shut out last.
        since_left: How many events an actor that was shut out is the actor of since then.
    """

    last_seen: dict[str, int]
    grants: dict[str, tuple[int, int]]
    left: dict[str, int]
    since_left: dict[str, int]


def activity_of(investigator: Investigator, gone: Sequence[str]) -> Activity:
    """All of it; `gone` are the ids of actors that are shut out. What was refused to them counts as well."""
    index = investigator.index
    tenant = {"tenant": index.tenant}
    seen = index.select(
        "SELECT actor_id, max(time) FROM events WHERE tenant = {tenant:String} AND actor_id != ''"
        " GROUP BY actor_id", tenant,
    )  # fmt: skip
    used = index.select(
        "SELECT grant_id, count(), max(time) FROM events WHERE tenant = {tenant:String} AND grant_id != ''"
        " AND action IN ('statement.run', 'value.revealed', 'subject.erased') GROUP BY grant_id", tenant,
    )  # fmt: skip
    left = {id: time for id in gone if (time := _left(investigator, id))}
    since = {}
    for id, time in left.items():
        ((count,),) = index.select(
            "SELECT count() FROM events WHERE tenant = {tenant:String} AND actor_id = {actor:String}"
            " AND time > {left:Int64}", tenant | {"actor": id, "left": time},
        )  # fmt: skip
        since[id] = int(count)
    return Activity(
        {str(id): int(time) for id, time in seen},
        {str(id): (int(count), int(time)) for id, count, time in used}, left, since,
    )  # fmt: skip


def _left(investigator: Investigator, id: str) -> int:
    """When somebody was shut out last; 0 if the record does not say."""
    ((time,),) = investigator.index.select(
        "SELECT max(time) FROM events WHERE tenant = {tenant:String} AND action = 'actor.changed'"
        " AND has(link_ids, {actor:String}) AND has(attrs[{path:String}], 'true')",
        {"tenant": investigator.index.tenant, "actor": id, "path": "subject.disabled"},
    )
    return int(time or 0)
