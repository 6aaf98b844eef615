"""The routes about exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from ..errors import GlasshatchError
from .answers import problem
from .export_ports import ExportDesk
from .export_values import (
    Exported,
    ExportEnd,
    ExportForm,
    ExportHead,
    ExportReset,
    ExportResetForm,
    ExportView,
)
from .routes import Call, StoredEvent

_PART_EVENTS = 200


def _desk(request: Call) -> ExportDesk:
    desk: ExportDesk = request.app.state.desk
    return desk


@get("/exports", opt={"scope": "read"}, sync_to_thread=True)
def list_exports(request: Call) -> list[ExportView]:
    """The exports: where to, how far behind, how fast, and what went wrong."""
    return _desk(request).list_exports(request.user)


@post("/exports/{name:str}/reset", opt={"scope": "admin"}, sync_to_thread=True, status_code=200)
def reset_export(request: Call, name: FromPath[str], data: JSONBody[ExportResetForm]) -> ExportReset:
    """Let an export go on from another entry of a ledger."""
    return _desk(request).reset_export(request.user, name, data)


@post(
    "/export", opt={"scope": "read"}, sync_to_thread=True, status_code=200,
    responses={
        200: ResponseSpec(
            StoredEvent, generate_examples=False,
            description='First `{"count": N}`, then one event a line, at last `{"end": N}` if it is whole',
        )
    },
)  # fmt: skip
def export_events(request: Call, data: JSONBody[ExportForm]) -> Stream:
    """All events that match, by time."""
    found = _desk(request).export_events(request.user, data)
    return Stream(_lines(found), media_type="application/x-ndjson", headers={"cache-control": "no-store"})


def _lines(found: Exported) -> Iterator[bytes]:
    yield msgspec.json.encode(ExportHead(found.count)) + b"\n"
    part, count = [], 0
    try:
        for event in found.events:
            part.append(msgspec.json.encode(event))
            count += 1
            if len(part) == _PART_EVENTS:
                yield b"\n".join(part) + b"\n"
                part.clear()
    except GlasshatchError as error:
        # The answer has begun, so its status cannot change; the last line says what happened.
        yield b"".join(one + b"\n" for one in part) + msgspec.json.encode(problem(error)) + b"\n"
        return
    yield b"".join(one + b"\n" for one in part) + msgspec.json.encode(ExportEnd(count)) + b"\n"


EXPORT_ROUTES: tuple[Any, ...] = (list_exports, reset_export, export_events)
"""Routes below `/v1/{tenant}` that only a server with a back has."""
