"""What detection raised, and taking it on."""

from __future__ import annotations

import asyncio

from litestar import Response, post
from litestar.params import FromPath, FromQuery

from .deeds import deeds_of
from .render import answer, page, see_other
from .visit import Call, desk_of

_MOST = 200


@page("/alerts")
def alerts(request: Call, done: FromQuery[str] = "") -> Response[str]:
    """Alerts, open ones first, each with the events behind it."""
    found = desk_of(request).list_alerts(request.user.caller, "")
    opened = [one for one in found if one.state == "open"]
    taken = [one for one in found if one.state != "open"]
    return answer(
        request, "alerts", opened=opened[:_MOST], taken=taken[:_MOST], most=_MOST,
        opens="incident.change" in deeds_of(request),
        told="Acknowledged, and recorded under your name." if done else "",
    )  # fmt: skip


@post("/alerts/{alert_id:str}/acknowledge", opt={"scope": "review"}, status_code=303)
async def acknowledge(request: Call, alert_id: FromPath[str]) -> Response[str]:
    """Take an alert on."""
    comment = str((await request.form()).get("comment", ""))
    await asyncio.to_thread(desk_of(request).acknowledge, request.user.caller, alert_id, comment)
    return see_other("/alerts?done=1")
