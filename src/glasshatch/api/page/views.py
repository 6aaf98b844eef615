"""The page's routes. Each finds out who visits, asks the desk, and renders."""

from __future__ import annotations

import asyncio
import importlib.resources
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, post
from litestar.exceptions import HTTPException, NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Stream

from ...errors import Denied, GlasshatchError, Unavailable
from ...ledger.log import verify_proof
from ..answers import STATUS
from ..ports import Tail, UseDesk
from ..values import SearchForm, StatsForm
from .render import HEADERS, bars, html, pretty, row
from .visit import (
    Call,
    NotSignedIn,
    PageSettings,
    Visit,
    known_host,
    require_own_form,
    sign_in,
    sign_out,
    visit_of,
)

_OPEN = {"public": True}  # the page has its own way to know people: visit_of
_PAGE_EVENTS = 50
_HOUR_NS = 3_600 * 10**9
_SPANS = {"15m": _HOUR_NS // 4, "1h": _HOUR_NS, "24h": 24 * _HOUR_NS, "7d": 168 * _HOUR_NS, "all": 0}
_FACETS = ("action", "actor.name", "source.kind", "outcome.status")
_HEARTBEAT_SECONDS = 5.0
_STATIC = {"style.css": "text/css", "page.js": "text/javascript"}
Text = FromQuery[str]
Before = Annotated[int, QueryParameter(name="before")]


def page_router(settings: PageSettings) -> Router:
    """Everything outside of `/v1` that is for people."""
    pages = _Pages(settings)
    handlers = [
        get("/static/{name:str}", opt=_OPEN, sync_to_thread=False)(_static),
        get("/signin", opt=_OPEN, sync_to_thread=False)(pages.show_signin),
        post("/signin", opt=_OPEN, status_code=303)(pages.signin),
        post("/signout", opt=_OPEN, status_code=303)(pages.signout),
        get("/", opt=_OPEN, sync_to_thread=True)(pages.overview),
        get("/search", opt=_OPEN, sync_to_thread=True)(pages.search),
        get("/tail", opt=_OPEN, sync_to_thread=True)(pages.tail),
        get("/tail/stream", opt=_OPEN)(pages.stream),
        get("/events/{event_id:str}", opt=_OPEN, sync_to_thread=True)(pages.event),
        get("/events/{event_id:str}/proof", opt=_OPEN, sync_to_thread=True)(pages.proof),
        get("/sessions", opt=_OPEN, sync_to_thread=True)(pages.sessions),
        get("/sessions/{session_id:str}", opt=_OPEN, sync_to_thread=True)(pages.session),
        get("/timeline", opt=_OPEN, sync_to_thread=True)(pages.timeline),
        get("/requests", opt=_OPEN, sync_to_thread=True)(pages.requests),
        post("/requests/{request_id:str}/{verdict:str}", opt=_OPEN, status_code=303)(pages.judge),
        post("/grants/{grant_id:str}/revoke", opt=_OPEN, status_code=303)(pages.revoke),
        get("/alerts", opt=_OPEN, sync_to_thread=True)(pages.alerts),
        post("/alerts/{alert_id:str}/acknowledge", opt=_OPEN, status_code=303)(pages.acknowledge),
    ]
    router = Router(
        "/", route_handlers=handlers, include_in_schema=False, exception_handlers={Exception: pages.failed}
    )
    router.guards = [pages.right_host]
    return router


def _static(name: FromPath[str]) -> Response[bytes]:
    """A file of the page's own."""
    if name not in _STATIC:
        raise NotFoundException
    data = importlib.resources.files(__package__).joinpath("static", name).read_bytes()
    return Response(
        data, media_type=f"{_STATIC[name]}; charset=utf-8", headers=HEADERS | {"Cache-Control": "max-age=300"}
    )


class _Pages:
    """The handlers, with the settings they share."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings

    async def right_host(self, connection: Any, _handler: Any) -> None:
        """Answer only to names of our own."""
        if not known_host(connection, self._settings):
            raise PermissionDeniedException("this server does not answer to that name")

    def failed(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """A page that says what happened; a bug of ours says nothing but that."""
        if isinstance(error, NotSignedIn):
            wanted = f"?{urlencode({'next': request.url.path})}" if request.method == "GET" else ""
            return Redirect(f"/signin{wanted}", status_code=303)
        status, message, hint = _told(error)
        if status == 500:
            request.app.state.unexpected(error)
        return html("problem.html", status, status=status, message=message, hint=hint, **_plain(request))

    def show_signin(self, request: Call, next: Text = "/") -> Response[str]:
        """The way in."""
        return html("signin.html", next=_inside(next), problem="", **_plain(request))

    async def signin(self, request: Call) -> Response[Any]:
        """Take a token, set the cookie."""
        form = await request.form()
        token, wanted = str(form.get("token", "")).strip(), _inside(str(form.get("next", "/")))
        begun_s = time.monotonic()
        try:
            cookie = await asyncio.to_thread(sign_in, request, self._settings, token)
        except Denied:
            # Always the same time and words: a guesser learns nothing from either.
            await asyncio.sleep(max(0.0, 0.5 - (time.monotonic() - begun_s)))
            problem = "The token is not accepted, or it has expired."
            return html("signin.html", 401, next=wanted, problem=problem, **_plain(request))
        return Redirect(wanted, status_code=303, cookies=[cookie])

    async def signout(self, request: Call) -> Response[Any]:
        """Forget the cookie."""
        visit = await asyncio.to_thread(visit_of, request, self._settings)
        await self._own_form(request, visit)
        return Redirect("/signin", status_code=303, cookies=[sign_out(request)])

    def overview(self, request: Call) -> Response[str]:
        """The server at a glance."""
        visit, desk = self._visit(request)
        since = str(time.time_ns() - 24 * _HOUR_NS)
        day = desk.histogram(visit.caller, SearchForm(since=since))
        denied = desk.search(visit.caller, SearchForm(query="effect:(deny review)", limit=8))
        return self._page(
            request, visit, "overview.html", "overview", status=desk.status(visit.caller), bars=bars(day),
            total=sum(one.count for one in day.bins), denied=[row(one) for one in denied.events],
            alerts=_allowed(lambda: desk.list_alerts(visit.caller, "open")[:6]),
            requests=desk.list_requests(visit.caller, "pending"),
            sessions=list(reversed(desk.list_sessions(visit.caller, 8))),
        )  # fmt: skip

    def search(
        self,
        request: Call,
        q: Text = "",
        span: Text = "24h",
        since: Text = "",
        until: Text = "",
        before: Before = -1,
    ) -> Response[str]:
        """Events that match, over time, with what they have in common."""
        visit, desk = self._visit(request)
        start = since if since.isdecimal() else _since(span)
        stop = until if until.isdecimal() else ""
        values: dict[str, Any] = {
            "q": q,
            "span": "" if since else span,
            "since": since,
            "until": until,
            "spans": _SPANS,
        }
        form = SearchForm(query=q, since=start, until=stop, before=before, limit=_PAGE_EVENTS)
        try:
            found = desk.search(visit.caller, form)
        except GlasshatchError as error:
            values |= {"problem": error, "found": None, "rows": [], "bars": [], "facets": [], "older": ""}
            return self._page(request, visit, "search.html", "search", 400, **values)
        histogram = desk.histogram(visit.caller, SearchForm(query=q, since=start, until=stop))
        facets = [
            (
                name,
                desk.stats(
                    visit.caller, StatsForm(query=q, by=(name,), since=start, until=stop, limit=6)
                ).rows,
            )
            for name in _FACETS
        ]
        rows = [row(one) for one in found.events]
        older = str(min(one["index"] for one in rows)) if len(rows) == _PAGE_EVENTS else ""
        values |= {
            "problem": None,
            "found": found,
            "rows": rows,
            "bars": bars(histogram),
            "facets": facets,
            "older": older,
        }
        return self._page(request, visit, "search.html", "search", **values)

    def tail(self, request: Call, q: Text = "") -> Response[str]:
        """What is recorded, as it is recorded."""
        visit, desk = self._visit(request)
        newest = desk.search(visit.caller, SearchForm(query=q, limit=15))
        return self._page(request, visit, "tail.html", "tail", q=q, rows=[row(one) for one in newest.events])

    async def stream(self, request: Call, q: Text = "") -> Stream:
        """The tail as server-sent events, each a row of the table."""
        visit = await asyncio.to_thread(visit_of, request, self._settings)
        following = await asyncio.to_thread(request.app.state.desk.tail, visit.caller, q)
        headers = HEADERS | {"Content-Type": "text/event-stream"}
        return Stream(self._rows(request, following), media_type="text/event-stream", headers=headers)

    async def _rows(self, request: Call, following: Tail) -> AsyncIterator[bytes]:
        try:
            while True:
                found = await asyncio.to_thread(following.next, _HEARTBEAT_SECONDS)
                for one in found:
                    data = html("row.html", row=row(one)).content.replace("\n", " ")
                    yield f"event: row\ndata: {data}\n\n".encode()
                if not found:
                    # The token may have been revoked meanwhile: then this was the last sign of life.
                    await asyncio.to_thread(visit_of, request, self._settings)
                    yield b": alive\n\n"
        except (NotSignedIn, GlasshatchError) as error:
            message = error.message if isinstance(error, GlasshatchError) else "you are signed out"
            yield f"event: problem\ndata: {message}\n\n".encode()
        finally:
            following.close()

    def event(self, request: Call, event_id: FromPath[str], verify: Text = "") -> Response[str]:
        """One event whole, with its proof."""
        visit, desk = self._visit(request)
        found = desk.show_event(visit.caller, event_id)
        proven, problem = None, ""
        if verify:
            proof = desk.prove(visit.caller, str(found.index))
            try:
                proven = verify_proof(proof.proof.encode(), proof.verifier_key)
                same = proven.entry == bytes(found.event)
                problem = "" if same else "the proven bytes are not the ones shown here"
            except GlasshatchError as error:
                problem = error.message
        return self._page(
            request, visit, "event.html", "search", row=row(found), raw=pretty(found.event), proven=proven,
            problem=problem, verified=bool(verify),
        )  # fmt: skip

    def proof(self, request: Call, event_id: FromPath[str]) -> Response[str]:
        """The proof as a file, for `glasshatch verify`."""
        visit, desk = self._visit(request)
        proof = desk.prove(visit.caller, event_id)
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="event.proof"'}
        return Response(proof.proof, media_type="text/plain; charset=utf-8", headers=headers)

    def sessions(self, request: Call) -> Response[str]:
        """The newest sessions."""
        visit, desk = self._visit(request)
        found = list(reversed(desk.list_sessions(visit.caller, 200)))
        return self._page(request, visit, "sessions.html", "sessions", sessions=found)

    def session(self, request: Call, session_id: FromPath[str]) -> Response[str]:
        """One session, statement by statement."""
        visit, desk = self._visit(request)
        found = desk.timeline(visit.caller, f"session:{session_id}", 1_000)
        if not found.entries:
            raise NotFoundException
        rows = [row(one, one.why, one.link) for one in found.entries]  # type: ignore[arg-type]
        ends = {one["event"].request_id: one for one in rows if one["action"] == "statement.finished"}
        return self._page(
            request, visit, "session.html", "sessions", session_id=session_id, rows=rows, ends=ends,
            truncated=found.truncated,
        )  # fmt: skip

    def timeline(self, request: Call, subject: Text = "") -> Response[str]:
        """All about one subject."""
        visit, desk = self._visit(request)
        found = desk.timeline(visit.caller, subject, 500) if subject else None
        rows = [row(one, one.why, one.link) for one in found.entries] if found else []  # type: ignore[arg-type]
        return self._page(request, visit, "timeline.html", "search", subject=subject, found=found, rows=rows)

    def requests(self, request: Call) -> Response[str]:
        """Who asks for what, and what was given."""
        visit, desk = self._visit(request)
        every = desk.list_requests(visit.caller, "")
        pending = [one for one in every if one.state == "pending"]
        done = [one for one in reversed(every) if one.state != "pending"][:20]
        grants = desk.list_grants(visit.caller, "active")
        return self._page(
            request, visit, "requests.html", "requests", pending=pending, done=done, grants=grants
        )

    async def judge(self, request: Call, request_id: FromPath[str], verdict: FromPath[str]) -> Response[Any]:
        """Approve or deny."""
        visit = await asyncio.to_thread(visit_of, request, self._settings, "review")
        form = await self._own_form(request, visit)
        desk: UseDesk = request.app.state.desk
        steps = {"approve": desk.approve, "deny": desk.deny}
        if verdict not in steps:
            raise NotFoundException
        await asyncio.to_thread(steps[verdict], visit.caller, request_id, str(form.get("comment", "")))
        return Redirect("/requests", status_code=303)

    async def revoke(self, request: Call, grant_id: FromPath[str]) -> Response[Any]:
        """Take a grant back."""
        visit = await asyncio.to_thread(visit_of, request, self._settings, "review")
        await self._own_form(request, visit)
        await asyncio.to_thread(request.app.state.desk.revoke, visit.caller, grant_id)
        return Redirect("/requests", status_code=303)

    def alerts(self, request: Call) -> Response[str]:
        """What detection raised."""
        visit, desk = self._visit(request)
        return self._page(
            request, visit, "alerts.html", "alerts", alerts=desk.list_alerts(visit.caller, "")[:200]
        )

    async def acknowledge(self, request: Call, alert_id: FromPath[str]) -> Response[Any]:
        """Take an alert on."""
        visit = await asyncio.to_thread(visit_of, request, self._settings, "review")
        form = await self._own_form(request, visit)
        comment = str(form.get("comment", ""))
        await asyncio.to_thread(request.app.state.desk.acknowledge, visit.caller, alert_id, comment)
        return Redirect("/alerts", status_code=303)

    def _visit(self, request: Call) -> tuple[Visit, UseDesk]:
        return visit_of(request, self._settings), request.app.state.desk

    async def _own_form(self, request: Call, visit: Visit) -> dict[str, Any]:
        form = dict(await request.form())
        require_own_form(request, visit, str(form.get("csrf", "")))
        return form

    def _page(
        self, request: Call, visit: Visit, template: str, current: str, code: int = 200, **values: Any
    ) -> Response[str]:
        return html(template, code, **(_plain(request) | {"visit": visit, "current": current} | values))


def _plain(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What every page is given, also for nobody."""
    theme = request.cookies.get("theme", "")
    return {"theme": theme if theme in ("light", "dark") else "", "visit": None, "current": ""}


def _told(error: Exception) -> tuple[int, str, str]:
    """Status, words and cure of an error, as far as they may be shown."""
    if isinstance(error, Unavailable):
        return 503, error.message, error.hint or "try again in a moment"
    if isinstance(error, GlasshatchError):
        return STATUS.get(error.code, 500), error.message, error.hint
    if isinstance(error, HTTPException) and error.status_code < 500:
        words = {403: error.detail or "this may not be done", 404: "there is nothing here that you may see"}
        return error.status_code, words.get(error.status_code, "the request is not understood"), ""
    return 500, "something unexpected happened", "the server's log names the place"


def _allowed(ask: Callable[[], list[Any]]) -> list[Any] | None:
    """What is asked for, or None if the visitor's roles do not open it."""
    try:
        return ask()
    except Denied:
        return None


def _since(span: str) -> str:
    width = _SPANS.get(span, _SPANS["24h"])
    return str(time.time_ns() - width) if width else ""


def _inside(path: str) -> str:
    """A path of this page, never the way to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path else "/"
