"""Sessions through the gateway, and each with its statements."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from .render import answer, html, page, row
from .visit import Call, desk_of

_FINISHED = "statement.finished"
_REFUSED = ("statement.denied", "statement.held")
_MOST_SESSIONS = 200
_MOST_EVENTS = 1_000


@page("/sessions")
def sessions(request: Call) -> Response[str]:
    """The newest sessions."""
    found = list(reversed(desk_of(request).list_sessions(request.user.caller, _MOST_SESSIONS)))
    return answer(request, "sessions", sessions=found, most=_MOST_SESSIONS)


@page("/sessions/{session_id:str}")
def session(request: Call, session_id: FromPath[str]) -> Response[str]:
    """One session, statement by statement; what is linked to it, as its grant, is marked."""
    found = desk_of(request).timeline(request.user.caller, f"session:{session_id}", _MOST_EVENTS)
    rows = [row(one) for one in found.entries]
    own = [one for one in rows if one["session"] == session_id]
    if not own:
        raise NotFoundException
    begun = {one["event"].request_id for one in own if one["action"] == "statement.run"}
    ends = {one["event"].request_id: one for one in own if one["action"] == _FINISHED}
    # How a statement ended is shown with the statement.
    told = [one for one in rows if one["action"] != _FINISHED or one["event"].request_id not in begun]
    return html(
        request, "session.html", current="sessions", session_id=session_id, rows=told, first=own[0],
        last=own[-1], ends=ends, truncated=found.truncated, most=_MOST_EVENTS, sums=_sums(own),
    )  # fmt: skip


def _sums(rows: list[dict[str, Any]]) -> dict[str, int]:
    """What the session comes to."""
    exposed = [one["event"].data for one in rows if one["event"].data]
    return {
        "statements": sum(one["action"] in ("statement.run", *_REFUSED) for one in rows),
        "refused": sum(one["action"] in _REFUSED for one in rows),
        "rows": sum(data.rows for data in exposed),
        "masked": sum(data.masked for data in exposed),
    }
