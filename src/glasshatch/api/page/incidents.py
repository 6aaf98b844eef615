"""Incidents, and each with its pins, its answers and its timeline; a note and a status can be given here."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from litestar import Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from ...errors import ConfigError
from ..incident_values import FOLLOWING, MoveForm, NoteForm
from .render import answer, html, page, row, see_other
from .visit import Call, desk_of

T = TypeVar("T", bound=msgspec.Struct)
_MOST_EVENTS = 300
_TOLD = {
    "note": "Your note is kept, redacted, and recorded.",
    "status": "Its status is another now, recorded.",
}


@page("/incidents")
def incidents(request: Call) -> Response[str]:
    """Incidents, the newest first; what is not closed stands before the rest."""
    found = list(reversed(desk_of(request).list_incidents(request.user.caller, "")))
    live = [one for one in found if one.status != "closed"]
    closed = [one for one in found if one.status == "closed"]
    return answer(request, "incidents", live=live, closed=closed)


@page("/incidents/{incident:str}")
def incident(request: Call, incident: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """One incident with its timeline."""
    desk, caller = desk_of(request), request.user.caller
    try:
        found = desk.show_incident(caller, incident)
    except ConfigError:
        raise NotFoundException from None
    timeline = desk.timeline(caller, f"incident:{found.number}", _MOST_EVENTS)
    return html(
        request, "incident.html", current="incidents", one=found, following=FOLLOWING[found.status],
        rows=[row(entry) for entry in timeline.entries], truncated=timeline.truncated,
        told=_TOLD.get(done, ""),
    )  # fmt: skip


@post("/incidents/{incident:str}/notes", opt={"scope": "review"}, status_code=303)
async def note(request: Call, incident: FromPath[str]) -> Response[str]:
    """Write a note."""
    text = str((await request.form()).get("text", "")).strip()
    form = _checked({"text": text}, NoteForm, "a note has 1 to 16,000 characters")
    await asyncio.to_thread(desk_of(request).note_incident, request.user.caller, incident, form)
    return see_other(f"/incidents/{incident}?done=note")


@post("/incidents/{incident:str}/status", opt={"scope": "review"}, status_code=303)
async def move(request: Call, incident: FromPath[str]) -> Response[str]:
    """Take it to its next status."""
    sent = await request.form()
    values = {"status": str(sent.get("status", "")), "why": str(sent.get("why", "")).strip()}
    form = _checked(values, MoveForm, "say why, in 3 characters or more")
    await asyncio.to_thread(desk_of(request).move_incident, request.user.caller, incident, form)
    return see_other(f"/incidents/{incident}?done=status")


def _checked(values: dict[str, str], kind: type[T], cure: str) -> T:
    """A form as the API takes it; a mistake is told without what was typed."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        raise ConfigError("that cannot be kept", hint=cure) from None
