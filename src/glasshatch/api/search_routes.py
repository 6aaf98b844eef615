"""The routes that help with asking: suggestions, sessions by filter, a session played, kept searches."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from .play_values import Played, PlayForm, SessionFilter
from .ports import UseDesk
from .routes import Call
from .search_values import CompleteForm, Completion, SavedSearch, SaveForm
from .values import SessionSummary

_READ = {"scope": "read"}


def _desk(request: Call) -> UseDesk:
    desk: UseDesk = request.app.state.desk
    return desk


@post("/complete", opt=_READ, sync_to_thread=True, status_code=200)
def complete(request: Call, data: JSONBody[CompleteForm]) -> Completion:
    """What may stand at the caret of a query that is being typed: names, operators, values one may see."""
    return _desk(request).complete(request.user, data)


@post("/sessions/find", opt=_READ, sync_to_thread=True, status_code=200)
def find_sessions(request: Call, data: JSONBody[SessionFilter]) -> list[SessionSummary]:
    """The newest sessions that match a filter, oldest first."""
    return _desk(request).find_sessions(request.user, data)


@post(
    "/sessions/play", opt=_READ, sync_to_thread=True, status_code=200,
    responses={
        200: ResponseSpec(Played, generate_examples=False, description="Statements with what came of them")
    },
)  # fmt: skip
def play(request: Call, data: JSONBody[PlayForm]) -> Response[bytes]:
    """One session, step by step: each statement with decision, rows, masked values and times."""
    found = _desk(request).play(request.user, data)
    return Response(msgspec.json.encode(found), media_type="application/json")


@get("/searches", opt=_READ, sync_to_thread=True)
def list_searches(request: Call) -> list[SavedSearch]:
    """The searches one keeps, and those that others share."""
    return _desk(request).list_searches(request.user)


@post("/searches", opt=_READ, sync_to_thread=True, status_code=200)
def save_search(request: Call, data: JSONBody[SaveForm]) -> SavedSearch:
    """Keep a search under a name, in the place of one's own of that name."""
    return _desk(request).save_search(request.user, data)


@post("/searches/keep", opt=_READ, sync_to_thread=True, status_code=200)
def keep_search(request: Call, data: JSONBody[SaveForm]) -> SavedSearch:
    """Keep a search whose literals the back has redacted."""
    return _desk(request).keep_search(request.user, data)


@post("/searches/{search_id:str}/delete", opt=_READ, sync_to_thread=True, status_code=204)
def delete_search(request: Call, search_id: FromPath[str]) -> None:
    """Forget one of one's own searches; administrators also shared ones."""
    _desk(request).delete_search(request.user, search_id)


SEARCH_ROUTES: tuple[Any, ...] = (complete, find_sessions, play, save_search)
"""Routes below `/v1/{tenant}` that only a server with a back has."""

SAVED_ROUTES: tuple[Any, ...] = (list_searches, delete_search)
"""Routes below `/v1/{tenant}` about kept searches, which the front keeps."""

KEEP_ROUTES: tuple[Any, ...] = (keep_search,)
"""Routes that only the server's own back may reach, on the front's socket: it redacts before."""
