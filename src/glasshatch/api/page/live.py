"""The live tail: the newest events, and those that follow as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial

from litestar import Response, get
from litestar.params import FromQuery
from litestar.response import Stream

from ...errors import ConfigError, Denied, GlasshatchError
from ...events import DEFAULT_LEDGER, read_place
from ...events import place_of as ledger_place
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
        return answer(request, "tail", 400, q=q, rows=[], after="", problem=error)
    rows = [row(one) for one in newest.events]
    marks = newest.positions or {DEFAULT_LEDGER: newest.indexed}
    after = write_marks({ledger: position - 1 for ledger, position in marks.items()})
    return answer(request, "tail", q=q, rows=rows, after=after, problem=None)


@get("/tail/stream")
async def stream(request: Call, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Stream:
    """The tail as server-sent events, each a row of the table, from the places `after` on.

    A browser that comes back names the places after the last row it has, so what it missed is made up for.
    """
    marks = read_marks(after)
    if after and not marks:
        raise ConfigError("names no place", key="after", hint="leave it out, or give LEDGER/INDEX")
    marks = read_marks(request.headers.get("last-event-id", "")) or marks
    following = await asyncio.to_thread(desk_of(request).tail, request.user.caller, q)
    headers = HEADERS | {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    return Stream(_sent(request, following, q, marks), media_type="text/event-stream", headers=headers)


async def _sent(request: Call, following: Tail, query: str, marks: dict[str, int]) -> AsyncIterator[bytes]:
    try:
        yield b": here\n\n"
        missed, older = await asyncio.to_thread(_missed, request, query, marks) if marks else ([], 0)
        yield b"".join(_rows(missed, marks))
        if older:
            yield f"event: gap\ndata: {older}\n\n".encode()
        async for found in follow(following, partial(_still_the_same, request)):
            yield b"".join(_rows(found, marks)) or b": alive\n\n"
    except (NotSignedIn, GlasshatchError) as error:
        yield f"event: problem\ndata: {_why(error)}\n\n".encode()
    finally:
        following.close()


def _missed(request: Call, query: str, marks: dict[str, int]) -> tuple[list[RecordedEvent], int]:
    """What was recorded between the page, or the last row, and the opening of the stream: the newest of it,
    as many as the page keeps, and how many there are beside them."""
    form = SearchForm(query=query, after_in=marks, limit=_CATCH_UP)
    found = desk_of(request).search(request.user.caller, form)
    return by_place(found.events), found.count - len(found.events)


def by_place(events: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    """Each ledger in its own order, else a mark would pass over what comes late with an early time."""
    return sorted(events, key=lambda one: (one.ledger, one.index))


def _rows(events: Iterable[RecordedEvent], marks: dict[str, int]) -> Iterator[bytes]:
    """The events after the marks, each with the marks as they are after it."""
    for one in events:
        if one.index > marks.get(one.ledger, -1):
            marks[one.ledger] = one.index
            yield _as_row(one, marks)


def _still_the_same(request: Call) -> None:
    """Whether the visitor may go on; one who was given other rights has to begin anew."""
    door: Door = request.route_handler.opt["door"]
    if door.visit(request, "read").caller != request.user.caller:
        raise Denied("your rights have changed")


def _as_row(one: RecordedEvent, marks: dict[str, int]) -> bytes:
    return f"id: {write_marks(marks)}\nevent: row\ndata: {fragment('row.html', row=row(one))}\n\n".encode()


def write_marks(marks: Mapping[str, int]) -> str:
    """The last place of each ledger in one text, as in `12,orders/5`."""
    return ",".join(ledger_place(ledger, index) for ledger, index in sorted(marks.items()) if index >= 0)


def read_marks(text: str) -> dict[str, int]:
    """The last place of each ledger; of what cannot be read nothing."""
    places = [read_place(part) for part in text[:10_000].split(",")]
    return {place[0]: place[1] for place in places if place is not None}


def _why(error: Exception) -> str:
    said = error.message if isinstance(error, GlasshatchError) else "you are signed out"
    return " ".join(said.split())
