"""SCIM 2.0 (RFC 7643, 7644), as far as a directory needs it to bring people in and, above all, take them out.

Users only: create, find, read, replace, patch `active` and `externalId`, delete. What else a directory
sends of a person is not kept. Groups come with the identity provider's tokens.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from ..errors import ConfigError, Conflict, Denied, GlasshatchError, NotAuthenticated, Unavailable
from ..identity import Identity
from .directory_routes import directory_of
from .directory_values import DirectoryChange, DirectoryForm, DirectoryUser

Call = Request[Identity, Any, State]
MEDIA: Final = "application/scim+json"
_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
_OPT = {"scope": "scim"}
_NAME = re.compile(r'\s*userName\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_MOST_OPERATIONS = 100


class ScimError(Exception):
    """The request cannot be carried out; `kind` is SCIM's own word for why (RFC 7644, table 9)."""

    def __init__(self, detail: str, kind: str = "invalidValue") -> None:
        super().__init__(detail)
        self.kind = kind


class _Operation(msgspec.Struct, frozen=True):
    op: str
    path: str = ""
    value: Any = None


class _Patch(msgspec.Struct, frozen=True):
    operations: list[_Operation] = msgspec.field(name="Operations")


class _User(msgspec.Struct, frozen=True, rename="camel"):
    user_name: str
    external_id: str = ""
    active: bool = True


@get("/ServiceProviderConfig", opt=_OPT, sync_to_thread=False)
def configuration(request: Call) -> Response[bytes]:
    """What of SCIM is here."""
    no = {"supported": False}
    return _answer(
        {
            "schemas": [_CORE + "ServiceProviderConfig"], "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": 1_000}, "changePassword": no, "sort": no, "etag": no,
            "authenticationSchemes": [
                {"type": "oauthbearertoken", "name": "Token", "description": "a token with the scope scim"}
            ],
        }
    )  # fmt: skip


@get("/ResourceTypes", opt=_OPT, sync_to_thread=False)
def resource_types(request: Call) -> Response[bytes]:
    """Users, and nothing else."""
    user = {
        "schemas": [_CORE + "ResourceType"], "id": "User", "name": "User", "endpoint": "/Users",
        "schema": _CORE + "User",
    }  # fmt: skip
    return _listed([user], 1, 1)


@get("/Users", opt=_OPT, sync_to_thread=True)
def find_users(
    request: Call, filter: FromQuery[str] = "", startIndex: FromQuery[int] = 1, count: FromQuery[int] = 100
) -> Response[bytes]:
    """All of them, or the one of a name: `userName eq "dora"` is the filter that there is."""
    name = ""
    if filter:
        found = _NAME.fullmatch(filter)
        if found is None:
            raise ScimError('only userName eq "..." is taken as a filter', "invalidFilter")
        name = re.sub(r"\\(.)", r"\1", found[1]).lower()
        if not name:
            return _listed([], 0, 1)
    start = max(startIndex, 1)
    page = directory_of(request).list_users(request.user, name, start - 1, min(max(count, 0), 1_000))
    return _listed([_resource(request, user) for user in page.users], page.total, start)


@get("/Users/{user_id:str}", opt=_OPT, sync_to_thread=True)
def show_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """One person."""
    return _answer(_resource(request, directory_of(request).show_user(request.user, user_id)))


@post("/Users", opt=_OPT)
async def create_user(request: Call) -> Response[bytes]:
    """Bring somebody in."""
    form = _decoded(await request.body(), _User)
    new = DirectoryForm(name=form.user_name[:256], external_id=form.external_id[:256], active=form.active)
    user = await asyncio.to_thread(directory_of(request).create_user, request.user, new)
    return _answer(_resource(request, user), 201)


@put("/Users/{user_id:str}", opt=_OPT)
async def replace_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """Put another account of a person in the place of the one that is known; their name stays."""
    form = _decoded(await request.body(), _User)
    desk = directory_of(request)
    known = await asyncio.to_thread(desk.show_user, request.user, user_id)
    _require_same_name(form.user_name, known)
    change = DirectoryChange(active=form.active, external_id=form.external_id[:256])
    return _answer(
        _resource(request, await asyncio.to_thread(desk.change_user, request.user, user_id, change))
    )


@patch("/Users/{user_id:str}", opt=_OPT)
async def patch_user(request: Call, user_id: FromPath[str]) -> Response[bytes]:
    """Change one: `active` and `externalId` are kept, other attributes are taken and forgotten."""
    asked = _decoded(await request.body(), _Patch)
    desk = directory_of(request)
    known = await asyncio.to_thread(desk.show_user, request.user, user_id)
    change = _change(asked.operations, known)
    return _answer(
        _resource(request, await asyncio.to_thread(desk.change_user, request.user, user_id, change))
    )


@delete("/Users/{user_id:str}", opt=_OPT, sync_to_thread=True)
def delete_user(request: Call, user_id: FromPath[str]) -> None:
    """Take one out for good."""
    directory_of(request).remove_user(request.user, user_id)


def scim_router(unexpected: Callable[[BaseException], None]) -> Router:
    """Everything below `/scim/v2`, with errors as SCIM writes them."""

    def failed(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
        status, kind, detail = _explained(error)
        if status == 500:
            unexpected(error)
        told = {"schemas": [_MESSAGES + "Error"], "status": str(status), "detail": detail}
        return _answer(told | ({"scimType": kind} if kind else {}), status)

    return Router(
        "/scim/v2",
        route_handlers=[
            configuration, resource_types, find_users, show_user, create_user, replace_user, patch_user,
            delete_user, ],
        exception_handlers={Exception: failed},
        include_in_schema=False,
    )  # fmt: skip


def _change(operations: list[_Operation], known: DirectoryUser) -> DirectoryChange:
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
        wanted |= {name.lower().removeprefix(_CORE.lower() + "user:"): None if removed else value
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


def _decoded(body: bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.DecodeError:
        raise ScimError("the body is not understood", "invalidSyntax") from None


def _resource(request: Call, user: DirectoryUser) -> dict[str, Any]:
    place = f"/scim/v2/Users/{user.id}"
    found = {
        "schemas": [_CORE + "User"], "id": user.id, "userName": user.name, "active": user.active,
        "meta": {
            "resourceType": "User", "created": _moment(user.created), "lastModified": _moment(user.changed),
            "location": place,
        },
    }  # fmt: skip
    return found | ({"externalId": user.external_id} if user.external_id else {})


def _listed(resources: list[dict[str, Any]], total: int, start: int) -> Response[bytes]:
    return _answer(
        {
            "schemas": [_MESSAGES + "ListResponse"], "totalResults": total, "startIndex": start,
            "itemsPerPage": len(resources), "Resources": resources,
        }
    )  # fmt: skip


def _answer(value: object, status: int = 200) -> Response[bytes]:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(msgspec.json.encode(value), status_code=status, media_type=MEDIA, headers=headers)


def _moment(time_ns: str) -> str:
    moment = datetime.datetime.fromtimestamp(int(time_ns) // 10**9, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _explained(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, ScimError):
        return 400, error.kind, str(error)
    if isinstance(error, NotAuthenticated):
        return 401, "", error.message
    if isinstance(error, Denied):
        return 403, "", error.message
    if isinstance(error, Conflict):
        return 409, "uniqueness", error.message
    if isinstance(error, Unavailable):
        return 503, "", error.message
    if isinstance(error, ConfigError):
        missing = "no such person" in error.message or "no actor" in error.message
        return (404, "", error.message) if missing else (400, "invalidValue", str(error))
    if isinstance(error, GlasshatchError):
        return 500, "", error.message
    status = getattr(error, "status_code", 500)
    return (status, "", "the request is not acceptable") if status < 500 else (500, "", "an unexpected error")
