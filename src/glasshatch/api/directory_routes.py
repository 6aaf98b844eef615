"""People whom a directory elsewhere brings in and takes out; `api.scim` speaks SCIM over the same desk."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from ..identity import Identity
from .directory_ports import DirectoryDesk
from .directory_values import (
    MOST_BYTES,
    DirectoryChange,
    DirectoryForm,
    DirectoryGroupView,
    DirectoryPage,
    DirectoryUser,
    GroupChange,
    GroupForm,
    GroupPage,
)

Call = Request[Identity, Any, State]
Count = Annotated[int, QueryParameter(ge=0, le=1_000)]
Start = Annotated[int, QueryParameter(ge=0, le=10_000_000)]
_SCIM = {"scope": "scim"}


def directory_of(request: Request[Any, Any, State]) -> DirectoryDesk:
    """The desk that answers."""
    desk: DirectoryDesk = request.app.state.desk
    return desk


@get("/directory", opt=_SCIM, sync_to_thread=True)
def list_users(
    request: Call, name: FromQuery[str] = "", start: Start = 0, count: Count = 100
) -> DirectoryPage:
    """The people of the directory, or the one of a name."""
    return directory_of(request).list_users(request.user, name, start, count)


@post("/directory", opt=_SCIM, sync_to_thread=True)
def create_user(request: Call, data: JSONBody[DirectoryForm]) -> DirectoryUser:
    """Bring somebody in."""
    return directory_of(request).create_user(request.user, data)


@get("/directory/{user_id:str}", opt=_SCIM, sync_to_thread=True)
def show_user(request: Call, user_id: FromPath[str]) -> DirectoryUser:
    """One person."""
    return directory_of(request).show_user(request.user, user_id)


@post("/directory/{user_id:str}", opt=_SCIM, sync_to_thread=True, status_code=200)
def change_user(request: Call, user_id: FromPath[str], data: JSONBody[DirectoryChange]) -> DirectoryUser:
    """Shut somebody out, let them in again, or note another name of theirs."""
    return directory_of(request).change_user(request.user, user_id, data)


@post("/directory/{user_id:str}/remove", opt=_SCIM, sync_to_thread=True, status_code=204)
def remove_user(request: Call, user_id: FromPath[str]) -> None:
    """Take somebody out for good."""
    directory_of(request).remove_user(request.user, user_id)


@get("/directory-groups", opt=_SCIM, sync_to_thread=True)
def list_groups(
    request: Call, name: FromQuery[str] = "", external_id: FromQuery[str] = "", start: Start = 0,
    count: Count = 100, members: FromQuery[bool] = False,
) -> GroupPage:  # fmt: skip
    """The groups of the directory, or the one of a name or external id."""
    return directory_of(request).list_groups(request.user, name, external_id, start, count, members)


@post("/directory-groups", opt=_SCIM, sync_to_thread=True, request_max_body_size=MOST_BYTES)
def create_group(request: Call, data: JSONBody[GroupForm]) -> DirectoryGroupView:
    """Make a group."""
    return directory_of(request).create_group(request.user, data)


@get("/directory-groups/{group_id:str}", opt=_SCIM, sync_to_thread=True)
def show_group(request: Call, group_id: FromPath[str], members: FromQuery[bool] = True) -> DirectoryGroupView:
    """One group."""
    return directory_of(request).show_group(request.user, group_id, members)


@post(
    "/directory-groups/{group_id:str}", opt=_SCIM, sync_to_thread=True, status_code=200,
    request_max_body_size=MOST_BYTES,
)  # fmt: skip
def change_group(request: Call, group_id: FromPath[str], data: JSONBody[GroupChange]) -> DirectoryGroupView:
    """Change one, or who is in it."""
    return directory_of(request).change_group(request.user, group_id, data)


@post("/directory-groups/{group_id:str}/remove", opt=_SCIM, sync_to_thread=True, status_code=204)
def remove_group(request: Call, group_id: FromPath[str]) -> None:
    """Take one away; its members stay."""
    directory_of(request).remove_group(request.user, group_id)


DIRECTORY_ROUTES = (
    list_users, create_user, show_user, change_user, remove_user, list_groups, create_group, show_group,
    change_group, remove_group,
)  # fmt: skip
"""Routes below `/v1/{tenant}`."""
