"""Who asks for what, judging it, and what is granted."""

from __future__ import annotations

import asyncio

from litestar import Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from .render import answer, page, see_other
from .visit import Call, desk_of

_BEFORE = 20
_TOLD = {
    "approve": "Approved. If no other approval is needed, the grant begins now.",
    "deny": "Denied. Who asked can see it.",
    "reveal": "Asked for. Once somebody else has approved it, you can see it here, once.",
    "revoke": "Revoked. The next statement is already decided without the grant.",
}


@page("/requests")
def requests(request: Call, done: FromQuery[str] = "") -> Response[str]:
    """Requests that wait, grants in force, and what was judged before."""
    caller, desk = request.user.caller, desk_of(request)
    every = desk.list_requests(caller, "")
    judged = [one for one in reversed(every) if one.state != "pending"]
    return answer(
        request, "requests", pending=[one for one in every if one.state == "pending"],
        ready=[one for one in every if one.reveal and one.reveal.redeemable],
        judged=judged[:_BEFORE], grants=desk.list_grants(caller, "active"), told=_TOLD.get(done, ""),
        may_revoke=caller.has_role("approver", "admin"),
    )  # fmt: skip


@post("/requests/{request_id:str}/{verdict:str}", opt={"scope": "review"}, status_code=303)
async def judge(request: Call, request_id: FromPath[str], verdict: FromPath[str]) -> Response[str]:
    """Approve or deny."""
    desk = desk_of(request)
    steps = {"approve": desk.approve, "deny": desk.deny}
    if verdict not in steps:
        raise NotFoundException
    comment = str((await request.form()).get("comment", ""))
    await asyncio.to_thread(steps[verdict], request.user.caller, request_id, comment)
    return see_other(f"/requests?done={verdict}")


@post("/grants/{grant_id:str}/revoke", opt={"scope": "review"}, status_code=303)
async def revoke(request: Call, grant_id: FromPath[str]) -> Response[str]:
    """Take a grant back."""
    await asyncio.to_thread(desk_of(request).revoke, request.user.caller, grant_id)
    return see_other("/requests?done=revoke")


@page("/judge/{link:str}", opt={"scope": "review"})
def judge_page(request: Call, link: FromPath[str]) -> Response[str]:
    """One request, opened by the link that was sent to the one approver whom it names."""
    caller, desk = request.user.caller, desk_of(request)
    return answer(request, "judge", one=desk.open_link(caller, link), link=link)


@post("/judge/{link:str}/{verdict:str}", opt={"scope": "review"}, status_code=303)
async def judge_by_link(request: Call, link: FromPath[str], verdict: FromPath[str]) -> Response[str]:
    """Approve or deny by a link; it has done its work with that, as nobody has two words on a request."""
    desk, caller = desk_of(request), request.user.caller
    steps = {"approve": desk.approve, "deny": desk.deny}
    if verdict not in steps:
        raise NotFoundException
    comment = str((await request.form()).get("comment", ""))
    found = await asyncio.to_thread(desk.open_link, caller, link)
    await asyncio.to_thread(steps[verdict], caller, found.id, comment)
    return see_other(f"/requests?done={verdict}")
