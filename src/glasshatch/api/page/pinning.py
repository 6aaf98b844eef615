"""Pinning an event to an incident, from wherever it was found; or opening an incident with it."""

from __future__ import annotations

import asyncio

from litestar import Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from ...errors import ConfigError
from ..incident_values import IncidentForm, PinForm
from .incidents import checked, typed
from .render import html, page, row, see_other
from .visit import Call, desk_of

_MOST_INCIDENTS = 200
_NEW = "new"


@page("/pin")
def pin_form(request: Call, event: FromQuery[str] = "") -> Response[str]:
    """Which incident, and why: about one event, by its id."""
    desk, caller = desk_of(request), request.user.caller
    try:
        found = desk.show_event(caller, event)
    except ConfigError:
        raise NotFoundException from None
    live = [one for one in reversed(desk.list_incidents(caller, "")) if one.status != "closed"]
    return html(
        request, "pin.html", current="incidents", row=row(found), live=live[:_MOST_INCIDENTS], new=_NEW
    )


@post("/pins", opt={"scope": "review"}, status_code=303)
async def pin_found(request: Call) -> Response[str]:
    """Pin it, to an incident that there is or to one that is opened with it."""
    sent = await typed(request)
    desk, caller = desk_of(request), request.user.caller
    pinned = checked(
        {"event": sent("event"), "why": sent("why")}, PinForm, "say why, in 3 characters or more"
    )
    if sent("incident") == _NEW:
        form = checked(
            {"title": sent("title"), "pins": [pinned]}, IncidentForm, "a title has 3 to 300 characters"
        )
        made = await asyncio.to_thread(desk.create_incident, caller, form)
        return see_other(f"/incidents/{made.number}?done=open")
    made = await asyncio.to_thread(desk.pin_event, caller, sent("incident"), pinned)
    return see_other(f"/incidents/{made.number}?done=pin#pins")
