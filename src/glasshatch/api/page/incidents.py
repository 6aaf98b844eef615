"""Incidents, and each with its pins, answers and timeline; all that is done with one is done here too.

Every form carries the visitor's secret, and what the visitor saw when they filled it in: of two people who
change the same thing at once, the second is told instead of taking the first one's words away.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from ...errors import ConfigError
from ..incident_values import (
    FOLLOWING,
    AnswerForm,
    IncidentChange,
    IncidentForm,
    MoveForm,
    NoteForm,
    PinForm,
)
from .deeds import deeds_of
from .headers import HEADERS
from .render import answer, bare, html, page, row, see_other
from .visit import Call, desk_of

T = TypeVar("T", bound=msgspec.Struct)
_MOST_EVENTS = 300
_TOLD = {
    "note": "Your note is kept, redacted, and recorded.",
    "status": "Its status is another now, recorded.",
    "open": "It is open now, and recorded under your name.",
    "pin": "The event is pinned, and recorded.",
    "unpin": "The pin is off, and that is recorded.",
    "answer": "Your answer is kept, redacted, and recorded.",
    "change": "Changed, and recorded.",
}


@page("/incidents")
def incidents(request: Call, alert: FromQuery[str] = "") -> Response[str]:
    """Incidents, the newest first; what is not closed stands before the rest."""
    desk, caller = desk_of(request), request.user.caller
    found = list(reversed(desk.list_incidents(caller, "")))
    live = [one for one in found if one.status != "closed"]
    closed = [one for one in found if one.status == "closed"]
    return answer(
        request, "incidents", live=live, closed=closed, alert=alert[:200],
        may=deeds_of(request),
    )  # fmt: skip


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
        told=_TOLD.get(done, ""), may=deeds_of(request),
    )  # fmt: skip


@post("/incidents", opt={"scope": "review"}, status_code=303)
async def open_incident(request: Call) -> Response[str]:
    """Open one, by hand or from an alert."""
    sent = await typed(request)
    values = {
        "title": sent("title"), "alert": sent("alert"), "runbook": sent("runbook") or "default",
        "subjects": sent.lines("subjects"), "tags": sent("tags").split(),
    } | ({"severity": _number(sent("severity"))} if sent("severity") else {})  # fmt: skip
    form = checked(values, IncidentForm, "a title has 3 characters or more; about: trace:ID, session:ID, …")
    made = await asyncio.to_thread(desk_of(request).create_incident, request.user.caller, form)
    return see_other(f"/incidents/{made.number}?done=open")


@post("/incidents/{incident:str}/notes", opt={"scope": "review"}, status_code=303)
async def note(request: Call, incident: FromPath[str]) -> Response[str]:
    """Write a note."""
    sent = await typed(request)
    form = checked({"text": sent("text")}, NoteForm, "a note has 1 to 16,000 characters")
    await asyncio.to_thread(desk_of(request).note_incident, request.user.caller, incident, form)
    return _back(incident, "note")


@post("/incidents/{incident:str}/status", opt={"scope": "review"}, status_code=303)
async def move(request: Call, incident: FromPath[str]) -> Response[str]:
    """Take it to its next status."""
    sent = await typed(request)
    values = {"status": sent("status"), "why": sent("why")}
    form = checked(values, MoveForm, "say why, in 3 characters or more")
    await asyncio.to_thread(desk_of(request).move_incident, request.user.caller, incident, form)
    return _back(incident, "status")


@post("/incidents/{incident:str}/answers", opt={"scope": "review"}, status_code=303)
async def give_answer(request: Call, incident: FromPath[str]) -> Response[str]:
    """Answer a question of the runbook."""
    sent = await typed(request)
    values = {name: sent(name) for name in ("question", "text", "seen")}
    form = checked(values, AnswerForm, "an answer has 1 to 16,000 characters")
    await asyncio.to_thread(desk_of(request).answer_incident, request.user.caller, incident, form)
    return _back(incident, "answer", "#runbook")


@post("/incidents/{incident:str}/pins", opt={"scope": "review"}, status_code=303)
async def pin(request: Call, incident: FromPath[str]) -> Response[str]:
    """Pin an event, or take a pin off."""
    sent = await typed(request)
    off = bool(sent("off"))
    values = {"event": sent("event"), "why": sent("why"), "off": off}
    form = checked(values, PinForm, "say which event, and why in 3 characters or more")
    await asyncio.to_thread(desk_of(request).pin_event, request.user.caller, incident, form)
    return _back(incident, "unpin" if off else "pin", "#pins")


@post("/incidents/{incident:str}/change", opt={"scope": "review"}, status_code=303)
async def change(request: Call, incident: FromPath[str]) -> Response[str]:
    """Change title, severity, assignee, tags or what it is about, as the form has them now."""
    sent = await typed(request)
    desk, caller = desk_of(request), request.user.caller
    found = await asyncio.to_thread(desk.show_incident, caller, incident)
    tags, subjects = tuple(sent("tags").split()), sent.lines("subjects")
    values: dict[str, Any] = {
        "assignee": sent("assignee") or "-", "seen": sent("seen"),
        "add_tags": [one for one in tags if one not in found.tags],
        "drop_tags": [one for one in found.tags if one not in tags],
        "add_subjects": [one for one in subjects if one not in map(bare, found.subjects)],
        "drop_subjects": [one for one in found.subjects if bare(one) not in subjects],
    }  # fmt: skip
    if sent("title") != bare(found.title):
        values["title"] = sent("title")
    if sent("severity"):
        values["severity"] = _number(sent("severity"))
    form = checked(values, IncidentChange, "tags are small letters, digits and ._:/-; about: session:ID, …")
    await asyncio.to_thread(desk.change_incident, caller, incident, form)
    return _back(incident, "change")


@post("/incidents/{incident:str}/export", opt={"scope": "read"}, status_code=200)
async def export(request: Call, incident: FromPath[str]) -> Response[bytes]:
    """The post-mortem as a file: the answer to a form, for it is recorded that it left."""
    made = await asyncio.to_thread(desk_of(request).export_incident, request.user.caller, incident)
    name = f'attachment; filename="incident-{incident}.zip"' if incident.isalnum() else "attachment"
    return Response(made, media_type="application/zip", headers=HEADERS | {"Content-Disposition": name})


def _back(incident: str, done: str, at: str = "") -> Response[str]:
    # It was found by this name, which a number or the beginning of an id is; into an address it goes quoted.
    return see_other(f"/incidents/{quote(incident, safe='')}?done={done}{at}")


class Typed:
    """The fields of a form, as they were typed but for blanks around them."""

    def __init__(self, sent: Any) -> None:
        self._sent = sent

    def __call__(self, name: str) -> str:
        # A browser sends line ends as it likes; what is kept has one kind.
        return str(self._sent.get(name, "")).replace("\r\n", "\n").strip()

    def lines(self, name: str) -> tuple[str, ...]:
        """Each line that has something in it."""
        return tuple(filter(None, (one.strip() for one in self(name).split("\n"))))


async def typed(request: Call) -> Typed:
    """The form that was sent."""
    return Typed(await request.form())


def checked(values: dict[str, Any], kind: type[T], cure: str) -> T:
    """A form as the API takes it; a mistake is told without what was typed."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        raise ConfigError("that cannot be kept", hint=cure) from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else -1
