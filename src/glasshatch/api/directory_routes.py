"""People whom a directory elsewhere brings in and takes out; `api.scim` speaks SCIM over the same desk."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from ..identity import Identity
from .directory_values import DirectoryChange, DirectoryForm, DirectoryPage, DirectoryUser
from .ports import DirectoryDesk

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


DIRECTORY_ROUTES = (list_users, create_user, show_user, change_user, remove_user)
"""Routes below `/v1/{tenant}`."""
