"""The page as a whole: its routes, the one guard before them, and what a visitor is told when it fails."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from ...errors import GlasshatchError, Unavailable
from ..answers import STATUS
from ..router import OnlyRouter
from .access import judge, judge_by_link, judge_page, requests, revoke
from .alerts import acknowledge, alerts
from .deeds import Deeds
from .event import event, proof
from .files import file
from .graph import graph
from .incidents import change, export, give_answer, incident, incidents, move, note, open_incident, pin
from .live import stream, tail
from .overview import overview
from .pinning import pin_form, pin_found
from .reasons import Asking, give_reason
from .render import html, see_other
from .revealing import ask_reveal, show_reveal
from .search import complete, search
from .sessions import session, sessions
from .signing_in import Patience, from_provider, show_signin, signin, signout, to_provider
from .timeline import timeline
from .visit import Door, NotSignedIn, PageSettings, require_own_form, require_own_site

_HANDLERS: tuple[Any, ...] = (
    file, show_signin, signin, to_provider, from_provider, signout, overview, search, complete, tail, stream,
    event, proof, sessions, session, timeline, requests, judge, judge_page, judge_by_link, revoke, alerts,
    acknowledge, ask_reveal, show_reveal, give_reason, incidents, incident, note, move,
    open_incident, pin, give_answer, change, export, pin_form, pin_found, graph,
)  # fmt: skip
_HEADINGS = {403: "Not allowed", 404: "Not found", 409: "Too late", 429: "Not so fast", 503: "Not now"}
_BACK = {
    "requests": "Requests", "judge": "Requests", "grants": "Requests", "reveals": "Requests",
    "alerts": "Alerts", "sessions": "Sessions", "search": "Search", "timeline": "Timeline", "tail": "Live",
    "incidents": "Incidents", "pins": "Incidents", "pin": "Incidents", "graph": "Sessions",
}  # fmt: skip


_BACK_PATHS = {
    "grants": "/requests", "judge": "/requests", "reveals": "/requests", "pins": "/incidents",
    "pin": "/incidents", "graph": "/sessions",
}  # fmt: skip


def page_router(settings: PageSettings) -> Router:
    """Everything outside of `/v1` that is for people."""
    opt = {
        "public": True,
        "door": Door(settings),
        "patience": Patience(),
        "asking": Asking(),
        "deeds": Deeds(),
    }
    return OnlyRouter(
        "/", route_handlers=list(_HANDLERS), guards=[_admit], exception_handlers={Exception: failed},
        include_in_schema=False, opt=opt,
    )  # fmt: skip


async def _admit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Answer to names of our own only, to signed-in visitors unless the handler is for anyone, and take
    no form but one that this page sent to this visitor."""
    door: Door = handler.opt["door"]
    if not door.knows_host(connection):
        raise PermissionDeniedException("this server does not answer to that name")
    form = isinstance(connection, Request) and connection.method == "POST"
    if form:
        require_own_site(connection)
    if handler.opt.get("anyone"):
        return
    visit = await asyncio.to_thread(door.visit, connection, handler.opt.get("scope", "read"))
    if isinstance(connection, Request) and form:
        require_own_form(visit, str((await connection.form()).get("csrf", "")))
    if not visit.reason:
        asking: Asking = handler.opt["asking"]
        asks = await asyncio.to_thread(asking.of, connection.app.state.desk, visit.caller)
        visit = msgspec.structs.replace(visit, asks=asks)
    connection.scope["user"] = visit


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A page that says what happened; a bug of ours says nothing but that."""
    streaming = "text/event-stream" in request.headers.get("accept", "")
    if isinstance(error, NotSignedIn) and not streaming:
        return see_other(_signin_for(request))
    status, message, hint = _told(error)
    if status == 500:
        request.app.state.unexpected(error)
    back = request.url.path.split("/")[1]
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return html(
        request, "problem.html", status, headers, heading=_HEADINGS.get(status, "That did not work"),
        status=status, message=message, hint=hint, back=_BACK.get(back, ""),
        back_path=_BACK_PATHS.get(back, f"/{back}"),
    )  # fmt: skip


def _signin_for(request: Request[Any, Any, Any]) -> str:
    if request.method == "POST" or request.url.path == "/":
        return "/signin"
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/signin?{urlencode({'next': wanted})}"


def _told(error: Exception) -> tuple[int, str, str]:
    """Status, words and cure of an error, as far as they may be shown."""
    if isinstance(error, NotSignedIn):
        return 401, "you are signed out", ""
    if isinstance(error, Unavailable):
        return 503, error.message, error.hint or "try again in a moment"
    if isinstance(error, GlasshatchError):
        return STATUS.get(error.code, 500), error.message, error.hint
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code, _words(error), ""
    return 500, "something unexpected happened", "the server's log names the place"


def _words(error: HTTPException) -> str:
    words = {
        403: error.detail or "this may not be done",
        404: "there is nothing here that you may see",
        405: "this address does not take that",
        413: "that is too long",
        429: error.detail,
    }
    return words.get(error.status_code, "the request is not understood")
