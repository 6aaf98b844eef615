"""SCIM 2.0 (RFC 7643, 7644), as far as a directory needs it to bring people in and to take them out.

Of users: create, find, read, replace, patch `active` and `externalId`, delete. What else a directory sends
of a person is not kept. Groups stand in `scim_groups`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from ..identity import Identity
from .directory_routes import directory_of
from .directory_values import DirectoryChange, DirectoryForm, DirectoryUser
from .router import OnlyRouter
from .scim_groups import GROUP_ROUTES
from .scim_messages import (
    CORE,
    MESSAGES,
    MOST_RESULTS,
    OPT,
    Operation,
    Patch,
    ScimError,
    answer,
    decoded,
    explained,
    listed,
    meta,
    wanted,
)

Call = Request[Identity, Any, State]
_MOST_OPERATIONS = 100


class _User(msgspec.Struct, frozen=True, rename="camel"):
    user_name: str
    external_id: str = ""
    active: bool = True


@get("/ServiceProviderConfig", opt=OPT, sync_to_thread=False)
def configuration(request: Call) -> Response[bytes]:
    """What of SCIM is here."""
    no = {"supported": False}
    return answer(
        {
            "schemas": [CORE + "ServiceProviderConfig"], "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": 1_000}, "changePassword": no, "sort": no, "etag": no,
            "authenticationSchemes": [
                {"type": "oauthbearertoken", "name": "Token", "description": "a token with the scope scim"}
            ],
        }
    )  # fmt: skip


@get("/ResourceTypes", opt=OPT, sync_to_thread=False)
def resource_types(request: Call) -> Response[bytes]:
    """Users and groups."""
    found = [
        {
            "schemas": [CORE + "ResourceType"], "id": name, "name": name, "endpoint": f"/{name}s",
            "schema": CORE + name,
        }
        for name in ("User", "Group")
    ]  # fmt: skip
    return listed(found, len(found), 1)


@get("/Users", opt=OPT, sync_to_thread=True)
def find_users(
    request: Call, filter: FromQuery[str] = "", startIndex: FromQuery[int] = 1, count: FromQuery[int] = 100
) -> Response[bytes]:
    """All of them, or the one of a name: `userName eq "dora"` is the filter that there is."""
    name = wanted(filter, "userName")[1].lower() if filter else ""
    if filter and not name:
        return listed([], 0, 1)
    start = max(startIndex, 1)
    page = directory_of(request).list_users(request.user, name, start - 1, min(max(count, 0), MOST_RESULTS))
    return listed([_resource(request, user) for user in page.users], page.total, start)


@get("/Users/{user_id:str}", opt=OPT, sync_to_thread=True)
def show_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """One person."""
    return answer(_resource(request, directory_of(request).show_user(request.user, user_id)))


@post("/Users", opt=OPT)
async def create_user(request: Call) -> Response[bytes]:
    """Bring somebody in."""
    form = decoded(await request.body(), _User)
    new = DirectoryForm(name=form.user_name[:256], external_id=form.external_id[:256], active=form.active)
    user = await asyncio.to_thread(directory_of(request).create_user, request.user, new)
    return answer(_resource(request, user), 201)


@put("/Users/{user_id:str}", opt=OPT)
async def replace_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """Put another account of a person in the place of the one that is known; their name stays."""
    form = decoded(await request.body(), _User)
    desk = directory_of(request)
    known = await asyncio.to_thread(desk.show_user, request.user, user_id)
    _require_same_name(form.user_name, known)
    change = DirectoryChange(active=form.active, external_id=form.external_id[:256])
    return answer(
        _resource(request, await asyncio.to_thread(desk.change_user, request.user, user_id, change))
    )


@patch("/Users/{user_id:str}", opt=OPT)
async def patch_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """Change one: `active` and `externalId` are kept, other attributes are taken and forgotten."""
    asked = decoded(await request.body(), Patch)
    desk = directory_of(request)
    known = await asyncio.to_thread(desk.show_user, request.user, user_id)
    change = _change(asked.operations, known)
    return answer(
        _resource(request, await asyncio.to_thread(desk.change_user, request.user, user_id, change))
    )


@delete("/Users/{user_id:str}", opt=OPT, sync_to_thread=True)
def delete_user(request: Call, user_id: FromPath[str]) -> None:
    """Take one out for good."""
    directory_of(request).remove_user(request.user, user_id)


def scim_router(unexpected: Callable[[BaseException], None]) -> Router:
    """Everything below `/scim/v2`, with errors as SCIM writes them."""

    def failed(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
        status, kind, detail = explained(error)
        if status == 500:
            unexpected(error)
        told = {"schemas": [MESSAGES + "Error"], "status": str(status), "detail": detail}
        return answer(told | ({"scimType": kind} if kind else {}), status)

    return OnlyRouter(
        "/scim/v2",
        route_handlers=[
            configuration, resource_types, find_users, show_user, create_user, replace_user, patch_user,
            delete_user, *GROUP_ROUTES, ],
        exception_handlers={Exception: failed},
        include_in_schema=False,
    )  # fmt: skip


def _change(operations: list[Operation], known: DirectoryUser) -> DirectoryChange:
    if len(operations) > _MOST_OPERATIONS:
        raise ScimError("too many operations", "tooMany")
    wanted: dict[str, Any] = {}
    for one in operations:
        if one.op.lower() not in ("add", "replace", "remove"):
            raise ScimError("an operation is add, replace or remove", "invalidSyntax")
        values = {one.path: one.value} if one.path else one.value
        if not isinstance(values, dict):
            raise ScimError("an operation without a path has an object as its value", "invalidSyntax")
        removed = one.op.lower() == "remove"
        wanted |= {name.lower().removeprefix(CORE.lower() + "user:"): None if removed else value
                   for name, value in values.items()}  # fmt: skip
    if "username" in wanted:
        _require_same_name(str(wanted["username"]), known)
    active = _truth(wanted["active"]) if "active" in wanted else None
    external = str(wanted["externalid"] or "")[:256] if "externalid" in wanted else None
    return DirectoryChange(active=active, external_id=external)


def _truth(value: object) -> bool:
    """Some directories send a word instead of a truth value."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ScimError("active is true or false")


def _require_same_name(name: str, known: DirectoryUser) -> None:
    if name.lower() != known.name:
        # Events and grants name an actor for ever, and a name is never given to another person.
        raise ScimError("a userName never changes here", "mutability")


def _resource(request: Call, user: DirectoryUser) -> dict[str, Any]:
    place = f"/scim/v2/Users/{user.id}"
    found = {
        "schemas": [CORE + "User"], "id": user.id, "userName": user.name, "active": user.active,
        "meta": meta("User", place, user.created, user.changed),
    }  # fmt: skip
    if user.groups:
        # Read-only (RFC 7643, section 4.1.2): memberships change at the group.
        found["groups"] = [
            {"value": one.id, "display": one.name, "$ref": f"/scim/v2/Groups/{one.id}"} for one in user.groups
        ]
    return found | ({"externalId": user.external_id} if user.external_id else {})
