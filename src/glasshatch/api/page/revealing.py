"""Masked values in clear: asked for at the event of the masked answer, and shown once to who asked.

A value is in the answer to a form and in no address, and nothing keeps the answer: every page is `no-store`.
"""

from __future__ import annotations

import asyncio
import re

import msgspec
from litestar import Response, post
from litestar.params import FromPath

from ...errors import ConfigError
from ..reveal_values import ClearForm
from .render import html, see_other
from .visit import Call, desk_of

_COLUMNS = re.compile(r"[,\s]+")


@post("/reveals", opt={"scope": "request"}, status_code=303)
async def ask_reveal(request: Call) -> Response[str]:
    """Ask for masked values of the row that an event's statement gave."""
    form = await request.form()
    typed = {name: str(form.get(name, "")) for name in ("event", "columns", "statement", "reason", "ticket")}
    columns = tuple(filter(None, _COLUMNS.split(typed.pop("columns"))))
    try:
        wanted = msgspec.convert(typed | {"columns": columns}, ClearForm)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the form is not filled in right: {error}", hint="go back to it") from None
    await asyncio.to_thread(desk_of(request).ask_reveal, request.user.caller, wanted)
    return see_other("/requests?done=reveal")


@post("/reveals/{request_id:str}", opt={"scope": "request"}, status_code=200)
async def show_reveal(request: Call, request_id: FromPath[str]) -> Response[str]:
    """Show what was approved, once: the answer to a form, so that no address brings it again."""
    shown = await asyncio.to_thread(desk_of(request).show_reveal, request.user.caller, request_id)
    return html(request, "revealed.html", current="requests", shown=shown)
