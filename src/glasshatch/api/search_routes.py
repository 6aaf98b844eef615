"""The routes that help with asking: suggestions, sessions by filter, a session step by step."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from .play_values import Played, PlayForm, SessionFilter
from .ports import UseDesk
from .routes import Call
from .search_values import CompleteForm, Completion
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


SEARCH_ROUTES: tuple[Any, ...] = (complete, find_sessions, play)
"""Routes below `/v1/{tenant}` that only a server with a back has."""
