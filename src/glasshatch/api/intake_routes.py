"""The routes by which other systems deliver their events; the tenant is the token's."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar import Request, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.openapi.spec import OpenAPIMediaType as BodyType
from litestar.openapi.spec import RequestBody
from litestar.openapi.spec.operation import Operation
from litestar.params import FromPath, FromQuery

from ..errors import TooLarge
from ..identity import Identity
from .values import IntakeResult

MAX_DELIVERY_BYTES: Final = 32 * 1024 * 1024
"""The longest body of a delivery as it travels; decompressed it may be longer (`glasshatch.sources`)."""

Call = Request[Identity, Any, State]


class _Delivery(Operation):
    """Says in the API's description what a handler that reads its own body takes."""

    def __post_init__(self) -> None:
        kinds = ("application/json", "application/x-ndjson")
        self.request_body = RequestBody(
            description="One JSON event, an array of them, or one a line; Content-Encoding gzip or zstd",
            content={kind: BodyType() for kind in kinds},
            required=True,
        )


@post(
    "/events",
    opt={"scope": "ingest", "target": "json/{name}"},
    status_code=200,
    request_max_body_size=None,
    operation_class=_Delivery,
)
async def deliver_events(request: Call, name: FromQuery[str] = "") -> IntakeResult:
    """Record events; answered when every one of them is durable or quarantined."""
    return await _deliver(request, "json", name or "default")


@post(
    "/sources/{kind:str}/{name:str}",
    opt={"scope": "ingest", "target": "{kind}/{name}"},
    status_code=200,
    request_max_body_size=None,
    operation_class=_Delivery,
)
async def deliver_source(
    request: Call,
    kind: FromPath[str],
    name: FromPath[str],
    file: FromQuery[str] = "",
    line: FromQuery[int] = 0,
) -> IntakeResult:
    """Record what a source of some kind sends, as in `/v1/sources/kubernetes/prod`.

    `file` and `line` say where the body's first line stands, if it comes out of a file.
    """
    return await _deliver(request, kind, name, file, line)


async def _deliver(request: Call, kind: str, name: str, file: str = "", line: int = 0) -> IntakeResult:
    body = await _body(request)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    desk = request.app.state.desk
    result: IntakeResult = await asyncio.to_thread(
        desk.ingest, request.user, kind, name, body, encoding, file, max(0, line)
    )
    return result


async def _body(request: Call) -> bytes:
    """The whole body, or `TooLarge` as soon as it is longer than may be."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_DELIVERY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_DELIVERY_BYTES:
                raise _too_large()
    except ClientException:
        raise _too_large() from None
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(
        f"a delivery may have {MAX_DELIVERY_BYTES // 1024**2} MiB",
        hint="send it in several; nothing was stored",
    )


INTAKE_ROUTES = (deliver_events, deliver_source)
"""Routes below `/v1`."""
