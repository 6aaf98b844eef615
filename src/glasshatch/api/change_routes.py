"""The routes of statements under review. Statements travel in bodies, for addresses end up in logs."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody

from .change_values import Ran, StatementForm, UndoForm
from .ports import Desk
from .routes import Call
from .values import RequestView

# The largest statement that is understood has 1 MiB, and JSON may need six characters for one.
_MOST_BYTES = 8 << 20


def _desk(request: Call) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


@post("/statements", opt={"scope": "request"}, sync_to_thread=True, request_max_body_size=_MOST_BYTES)
def request_statement(request: Call, data: JSONBody[StatementForm]) -> RequestView:
    """Ask for a review of one statement, with a preview of the rows it would change."""
    return _desk(request).request_statement(request.user, data)


@get("/requests/{request_id:str}", opt={"scope": "request"}, sync_to_thread=True)
def show_request(request: Call, request_id: FromPath[str]) -> RequestView:
    """One request that the caller may see."""
    return _desk(request).show_request(request.user, request_id)


@post("/requests/{request_id:str}/run", opt={"scope": "request"}, sync_to_thread=True, status_code=200)
def run_statement(request: Call, request_id: FromPath[str]) -> Ran:
    """Run an approved statement, once."""
    return _desk(request).run_statement(request.user, request_id)


@post("/undo", opt={"scope": "request"}, sync_to_thread=True)
def undo(request: Call, data: JSONBody[UndoForm]) -> RequestView:
    """Ask for a review of what would undo a run."""
    return _desk(request).undo(request.user, data)


@get("/judge/{link:str}", opt={"scope": "review"}, sync_to_thread=True)
def open_link(request: Call, link: FromPath[str]) -> RequestView:
    """The request that a signed link is about, for the approver whom it names; judge it by its id."""
    return _desk(request).open_link(request.user, link)


CHANGE_ROUTES: tuple[Any, ...] = (request_statement, show_request, run_statement, undo, open_link)
"""Routes below `/v1/{tenant}` about statements under review."""
