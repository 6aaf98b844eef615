"""The routes of the record's use: search, statistics, timeline, tail and alerts; served by the back.

What is looked for travels in bodies, not in addresses, which end up in logs and histories.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from ..errors import GlasshatchError
from .answers import problem
from .exposure_values import Exposure, ExposureForm
from .following import follow
from .ports import Tail, UseDesk
from .routes import Call, StoredEvent
from .values import (
    AlertView,
    EvidenceForm,
    Histogram,
    IndexState,
    ReviewForm,
    SearchForm,
    Stats,
    StatsForm,
    Table,
    TailForm,
    Timeline,
    TimelineForm,
)

_READ = {"scope": "read"}
_REVIEW = {"scope": "review"}
InState = Annotated[str, QueryParameter(name="state")]


class FoundEvents(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a search found."""

    events: list[StoredEvent]
    count: int
    indexed: int
    ledger_size: int
    positions: dict[str, int] = {}
    next: str = ""
    table: Table | None = None


def _desk(request: Call) -> UseDesk:
    desk: UseDesk = request.app.state.desk
    return desk


def _encoded(value: object) -> Response[bytes]:
    # Encoded here, in the worker thread: a long answer would hold up the event loop.
    return Response(msgspec.json.encode(value), media_type="application/json", status_code=200)


@post(
    "/search", opt=_READ, sync_to_thread=True, status_code=200,
    responses={
        200: ResponseSpec(
            FoundEvents, generate_examples=False, description="A page of matches, and how many there are"
        )
    },
)  # fmt: skip
def search(request: Call, data: JSONBody[SearchForm]) -> Response[bytes]:
    """Events that match a query."""
    return _encoded(_desk(request).search(request.user, data))


@post("/histogram", opt=_READ, sync_to_thread=True, status_code=200)
def histogram(request: Call, data: JSONBody[SearchForm]) -> Histogram:
    """Matches of a query over time."""
    return _desk(request).histogram(request.user, data)


@post("/stats", opt=_READ, sync_to_thread=True, status_code=200)
def stats(request: Call, data: JSONBody[StatsForm]) -> Stats:
    """Matches of a query, counted by the values of fields."""
    return _desk(request).stats(request.user, data)


@post(
    "/timeline", opt=_READ, sync_to_thread=True, status_code=200,
    responses={
        200: ResponseSpec(Timeline, generate_examples=False, description="Events of all sources in one order")
    },
)  # fmt: skip
def timeline(request: Call, data: JSONBody[TimelineForm]) -> Response[bytes]:
    """All that happened about one trace, session, actor, resource or request, in one order."""
    return _encoded(_desk(request).timeline(request.user, data.subject, data.limit, data.cursor))


@post(
    "/tail", opt=_READ, status_code=200,
    responses={
        200: ResponseSpec(
            StoredEvent, generate_examples=False, description="One event a line; empty ones are signs of life"
        )
    },
)  # fmt: skip
async def tail(request: Call, data: JSONBody[TailForm]) -> Stream:
    """Events as they are recorded, one JSON object a line, until the caller goes."""
    following = await asyncio.to_thread(_desk(request).tail, request.user, data.query)
    token = request.headers["authorization"].partition(" ")[2].strip()
    still_allowed = partial(request.app.state.authenticator.identify, token, "read")
    return Stream(
        _lines(following, still_allowed),
        media_type="application/x-ndjson",
        headers={"cache-control": "no-store"},
    )


async def _lines(following: Tail, still_allowed: Callable[[], object]) -> AsyncIterator[bytes]:
    try:
        async for found in follow(following, still_allowed):
            yield b"".join(msgspec.json.encode(event) + b"\n" for event in found) or b"\n"
    except GlasshatchError as error:
        # The answer has begun, so its status cannot change; the last line says what happened.
        yield msgspec.json.encode(problem(error)) + b"\n"
    finally:
        following.close()


@post(
    "/evidence", opt=_READ, sync_to_thread=True, status_code=200,
    responses={200: ResponseSpec(bytes, generate_examples=False, description="The bundle, a zip file")},
)  # fmt: skip
def make_evidence(request: Call, data: JSONBody[EvidenceForm]) -> Response[bytes]:
    """The events that match a query as an evidence bundle; auditors only, and recorded."""
    made = _desk(request).make_evidence(request.user, data)
    return Response(made, media_type="application/zip", headers={"cache-control": "no-store"})


@post(
    "/exposure", opt=_READ, sync_to_thread=True, status_code=200,
    responses={
        200: ResponseSpec(Exposure, generate_examples=False, description="Answers, and who got them")
    },
)  # fmt: skip
def exposure(request: Call, data: JSONBody[ExposureForm]) -> Response[bytes]:
    """Who saw whom: answers that held personal data, by actor, resource, class and data subject."""
    return _encoded(_desk(request).exposure(request.user, data))


@get("/index", opt=_READ, sync_to_thread=True)
def index_state(request: Call) -> IndexState:
    """How far the index has come behind the ledger."""
    return _desk(request).index_state(request.user)


@post("/index/rebuild", opt={"scope": "admin"}, sync_to_thread=True, status_code=202)
def rebuild_index(request: Call) -> int:
    """Make the index anew from the ledger; answers how many events it will hold."""
    return _desk(request).rebuild_index(request.user)


@get("/alerts", opt=_READ, sync_to_thread=True)
def list_alerts(request: Call, in_state: InState = "") -> list[AlertView]:
    """Alerts, newest first; `state` narrows to open or acknowledged."""
    return _desk(request).list_alerts(request.user, in_state)


@post("/alerts/{alert_id:str}/acknowledge", opt=_REVIEW, sync_to_thread=True, status_code=200)
def acknowledge(request: Call, alert_id: FromPath[str], data: JSONBody[ReviewForm]) -> AlertView:
    """Take an alert on."""
    return _desk(request).acknowledge(request.user, alert_id, data.comment)


USE_ROUTES: tuple[Any, ...] = (
    search, histogram, stats, timeline, tail, exposure, make_evidence, index_state, rebuild_index,
    list_alerts, acknowledge,
)  # fmt: skip
"""Routes below `/v1/{tenant}` that only a server with a back has."""
