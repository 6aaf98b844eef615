"""SCIM's groups (RFC 7643, section 4.2; RFC 7644, section 3.5.2): made, found, patched member by member."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from ..identity import Identity
from .directory_routes import directory_of
from .directory_values import MOST_BYTES, MOST_MEMBERS, DirectoryGroupView, GroupChange, GroupForm
from .scim_messages import (
    CORE,
    MOST_RESULTS,
    OPT,
    Operation,
    Patch,
    ScimError,
    answer,
    decoded,
    listed,
    meta,
    wanted,
)

Call = Request[Identity, Any, State]
_MOST_OPERATIONS = 1_000
_ONE = re.compile(r'members\[\s*value\s+eq\s+"([^"\\]{1,256})"\s*\]', re.IGNORECASE)


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    display_name: str
    external_id: str = ""
    members: list[dict[str, Any]] = []


@get("/Groups", opt=OPT, sync_to_thread=True)
def find_groups(
    request: Call, filter: FromQuery[str] = "", startIndex: FromQuery[int] = 1,
    count: FromQuery[int] = 100, attributes: FromQuery[str] = "", excludedAttributes: FromQuery[str] = "",
) -> Response[bytes]:  # fmt: skip
    """All groups, or the one of a displayName or externalId."""
    by, value = wanted(filter, "displayName", "externalId") if filter else ("", "")
    if filter and not value:
        return listed([], 0, 1)
    start, members = max(startIndex, 1), _members_wanted(attributes, excludedAttributes)
    page = directory_of(request).list_groups(
        request.user, value if by == "displayname" else "", value if by == "externalid" else "", start - 1,
        min(max(count, 0), MOST_RESULTS), members,
    )  # fmt: skip
    return listed([_resource(one, members) for one in page.groups], page.total, start)


@get("/Groups/{group_id:str}", opt=OPT, sync_to_thread=True)
def show_group(
    request: Call, group_id: FromPath[str], attributes: FromQuery[str] = "",
    excludedAttributes: FromQuery[str] = "",
) -> Response[bytes]:  # fmt: skip
    """One group."""
    members = _members_wanted(attributes, excludedAttributes)
    return answer(_resource(directory_of(request).show_group(request.user, group_id, members), members))


@post("/Groups", opt=OPT, request_max_body_size=MOST_BYTES)
async def create_group(request: Call) -> Response[bytes]:
    """Make a group."""
    form = decoded(await request.body(), _Group)
    members = _ids(form.members)
    made = GroupForm(name=form.display_name[:256], external_id=form.external_id[:256], members=members)
    group = await asyncio.to_thread(directory_of(request).create_group, request.user, made)
    return answer(_resource(msgspec.structs.replace(group, members=members), True), 201)


@put("/Groups/{group_id:str}", opt=OPT, request_max_body_size=MOST_BYTES)
async def replace_group(request: Call, group_id: FromPath[str]) -> Response[bytes]:
    """Put this name and these members in the place of those that there are."""
    form = decoded(await request.body(), _Group)
    members = _ids(form.members)
    change = GroupChange(name=form.display_name[:256], external_id=form.external_id[:256], members=members)
    group = await asyncio.to_thread(directory_of(request).change_group, request.user, group_id, change)
    return answer(_resource(msgspec.structs.replace(group, members=members), True))


@patch("/Groups/{group_id:str}", opt=OPT, request_max_body_size=MOST_BYTES)
async def patch_group(request: Call, group_id: FromPath[str]) -> Response[None]:
    """Bring people in, take them out, or rename; the answer is empty, as the group may be large."""
    asked = decoded(await request.body(), Patch)
    change = _change(asked.operations)
    await asyncio.to_thread(directory_of(request).change_group, request.user, group_id, change)
    return Response(None, status_code=204)


@delete("/Groups/{group_id:str}", opt=OPT, sync_to_thread=True)
def delete_group(request: Call, group_id: FromPath[str]) -> None:
    """Take a group away; its members stay."""
    directory_of(request).remove_group(request.user, group_id)


GROUP_ROUTES = (find_groups, show_group, create_group, replace_group, patch_group, delete_group)
"""Routes below `/scim/v2`."""


class _Wanted:
    """What the operations so far come to, in their order: the last word about somebody counts."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.members: dict[str, None] | None = None
        self.add: dict[str, None] = {}
        self.remove: dict[str, None] = {}

    def put(self, ids: tuple[str, ...]) -> None:
        self.members, self.add, self.remove = dict.fromkeys(ids), {}, {}

    def bring(self, ids: tuple[str, ...]) -> None:
        for one in ids:
            self.remove.pop(one, None)
            self.add[one] = None

    def take(self, ids: tuple[str, ...]) -> None:
        for one in ids:
            self.add.pop(one, None)
            self.remove[one] = None


def _change(operations: list[Operation]) -> GroupChange:
    if len(operations) > _MOST_OPERATIONS:
        raise ScimError("too many operations", "tooMany")
    all_of_it = _Wanted()
    for one in operations:
        _carry(all_of_it, one.op.lower(), one)
    members = all_of_it.members
    if len(all_of_it.add) + len(all_of_it.remove) + len(members or ()) > MOST_MEMBERS:
        raise ScimError("too many members", "tooMany")
    return GroupChange(
        name=all_of_it.facts.get("displayname"), external_id=all_of_it.facts.get("externalid"),
        members=None if members is None else tuple(members), add=tuple(all_of_it.add),
        remove=tuple(all_of_it.remove),
    )  # fmt: skip


def _carry(all_of_it: _Wanted, op: str, one: Operation) -> None:
    if op not in ("add", "replace", "remove"):
        raise ScimError("an operation is add, replace or remove", "invalidSyntax")
    path = one.path.removeprefix(CORE + "Group:")
    if found := _ONE.fullmatch(path):
        if op != "remove":
            raise ScimError("a member is added by its value", "invalidPath")
        all_of_it.take((found[1],))
        return
    values = {path: one.value} if path else one.value
    if not isinstance(values, dict):
        raise ScimError("an operation without a path has an object as its value", "invalidSyntax")
    for name, value in values.items():
        _set(all_of_it, op, name.lower(), value)


def _set(all_of_it: _Wanted, op: str, name: str, value: object) -> None:
    if name == "members" and op == "add":
        all_of_it.bring(_ids(value))
    elif name == "members" and (op == "replace" or value is None):
        # Without a value it is all of them (RFC 7644, section 3.5.2.2).
        all_of_it.put(_ids(value or []))
    elif name == "members":
        all_of_it.take(_ids(value))
    elif name in ("displayname", "externalid"):
        if name == "displayname" and not (isinstance(value, str) and op != "remove"):
            raise ScimError("a group has a displayName", "invalidValue")
        all_of_it.facts[name] = "" if op == "remove" else str(value)[:256]
    elif name not in ("id", "schemas", "meta"):
        raise ScimError("a group has displayName, externalId and members", "invalidPath")


def _ids(value: object) -> tuple[str, ...]:
    """The members that a value names; a group inside a group is none."""
    every = value if isinstance(value, list) else [value]
    if len(every) > MOST_MEMBERS:
        raise ScimError("too many members", "tooMany")
    found: dict[str, None] = {}
    for given in every:
        one: dict[str, Any] = given if isinstance(given, dict) else {}
        id = one.get("value")
        if not isinstance(id, str) or not 0 < len(id) <= 256:
            raise ScimError("a member has the id of a user as its value")
        if str(one.get("type", "User")).lower() != "user":
            raise ScimError("a member is a user: groups inside of groups are not kept")
        found[id] = None
    return tuple(found)


def _members_wanted(attributes: str, excluded: str) -> bool:
    asked = {one.strip().lower() for one in attributes.split(",") if one.strip()}
    left_out = {one.strip().lower() for one in excluded.split(",")}
    return "members" not in left_out and (not asked or "members" in asked)


def _resource(group: DirectoryGroupView, members: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schemas": [CORE + "Group"], "id": group.id, "displayName": group.name,
        "meta": meta("Group", f"/scim/v2/Groups/{group.id}", group.created, group.changed),
    }  # fmt: skip
    if members:
        found["members"] = [{"value": one, "type": "User"} for one in group.members]
    return found | ({"externalId": group.external_id} if group.external_id else {})
