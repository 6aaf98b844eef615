"""The live tail: the newest events, and those that follow as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from litestar import Response, get
from litestar.params import FromQuery
from litestar.response import Stream

from ...errors import ConfigError, Denied, GlasshatchError
from ..following import follow
from ..ports import Tail
from ..values import RecordedEvent, SearchForm
from .headers import HEADERS
from .render import answer, fragment, page, row
from .visit import Call, Door, NotSignedIn, desk_of

_SHOWN = 25
_CATCH_UP = 300


@page("/tail")
def tail(request: Call, q: FromQuery[str] = "") -> Response[str]:
    """The newest events; what is recorded from now on follows."""
    try:
        newest = desk_of(request).search(request.user.caller, SearchForm(query=q, limit=_SHOWN))
    except ConfigError as error:
        return answer(request, "tail", 400, q=q, rows=[], after=-1, problem=error)
    rows = [row(one) for one in newest.events]
    return answer(request, "tail", q=q, rows=rows, after=newest.indexed - 1, problem=None)


@get("/tail/stream")
async def stream(request: Call, q: FromQuery[str] = "", after: FromQuery[int] = -1) -> Stream:
    """The tail as server-sent events, each a row of the table, from ledger index `after` on.

    A browser that comes back names the last row it has, so what it missed is made up for.
    """
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdecimal() and len(last) <= 18 else after
    following = await asyncio.to_thread(desk_of(request).tail, request.user.caller, q)
    headers = HEADERS | {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    return Stream(_sent(request, following, q, after), media_type="text/event-stream", headers=headers)


async def _sent(request: Call, following: Tail, query: str, after: int) -> AsyncIterator[bytes]:
    try:
        yield b": here\n\n"
        missed = await asyncio.to_thread(_missed, request, query, after) if after >= 0 else []
        for one in missed:
            yield _as_row(one)
        if len(missed) == _CATCH_UP:
            yield b"event: gap\ndata: more was recorded meanwhile\n\n"
        last = max([after, *(one.index for one in missed)])
        async for found in follow(following, partial(_still_the_same, request)):
            yield b"".join(_as_row(one) for one in found if one.index > last) or b": alive\n\n"
    except (NotSignedIn, GlasshatchError) as error:
        yield f"event: problem\ndata: {_why(error)}\n\n".encode()
    finally:
        following.close()


def _missed(request: Call, query: str, after: int) -> list[RecordedEvent]:
    """What was recorded between the page, or the last row, and the opening of the stream."""
    form = SearchForm(query=query, after=after, limit=_CATCH_UP)
    return sorted(desk_of(request).search(request.user.caller, form).events, key=lambda one: one.index)


def _still_the_same(request: Call) -> None:
    """Whether the visitor may go on; one who was given other rights has to begin anew."""
    door: Door = request.route_handler.opt["door"]
    if door.visit(request, "read").caller != request.user.caller:
        raise Denied("your rights have changed")


def _as_row(one: RecordedEvent) -> bytes:
    return f"id: {one.index}\nevent: row\ndata: {fragment('row.html', row=row(one))}\n\n".encode()


def _why(error: Exception) -> str:
    said = error.message if isinstance(error, GlasshatchError) else "you are signed out"
    return " ".join(said.split())
