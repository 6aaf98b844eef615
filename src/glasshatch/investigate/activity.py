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
    newest = {str(id): int(time) for id, time in seen}
    left = _left(investigator) if gone else {}
    left = {id: left[id] for id in gone if id in left}
    # Who was not seen since is not counted for: of ten thousand leavers that is nearly everybody.
    since = {id: _since(investigator, id, time) for id, time in left.items() if newest.get(id, 0) > time}
    return Activity(
        newest, {str(id): (int(count), int(time)) for id, count, time in used}, left,
        {id: since.get(id, 0) for id in left},
    )  # fmt: skip


def _since(investigator: Investigator, id: str, left_ns: int) -> int:
    ((count,),) = investigator.index.select(
        "SELECT count() FROM events WHERE tenant = {tenant:String} AND actor_id = {actor:String}"
        " AND time > {left:Int64}",
        {"tenant": investigator.index.tenant, "actor": id, "left": left_ns},
    )
    return int(count)


def _left(investigator: Investigator) -> dict[str, int]:
    """When each actor that the record says was shut out was so last."""
    found = investigator.index.select(
        "SELECT arrayJoin(link_ids) AS id, max(time) FROM events WHERE tenant = {tenant:String}"
        " AND action = 'actor.changed' AND has(attrs[{path:String}], 'true') GROUP BY id",
        {"tenant": investigator.index.tenant, "path": "subject.disabled"},
    )
    return {str(id): int(time) for id, time in found}
