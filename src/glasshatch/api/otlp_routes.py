"""The routes of OTLP: logs as OpenTelemetry's exporters send them, answered as these expect it.

OTLP 1.x, "OTLP/HTTP": the answer comes in the form of the request, an error is a `google.rpc.Status`, and
what may be sent again is 429, 502, 503 or 504.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, RequestBody
from litestar.openapi.spec.operation import Operation
from litestar.params import FromPath, FromQuery

from ..errors import ConfigError, GlasshatchError, NotAuthenticated, PeerError
from ..sources.otlp import JSON, PROTOBUF, RETRY_SECONDS, answer, status
from .answers import STATUS
from .intake_routes import REFUSALS, Call, check_kind, deliver, ending_slow_ones
from .values import IntakeResult

_FORMATS: Final = {PROTOBUF: "protobuf", JSON: "json"}
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class _WrongType(PeerError):
    """The body is said to be something that is not read here."""


class _Export(Operation):
    """Says in the API's description what a handler that reads its own body takes and answers."""

    def __init__(self, **described: Any) -> None:
        super().__init__(**described)
        kinds = {kind: OpenAPIMediaType() for kind in _FORMATS}
        self.request_body = RequestBody(
            description="An ExportLogsServiceRequest; Content-Encoding gzip or zstd",
            content=kinds,
            required=True,
        )
        self.description = (
            "Answered with 200 when every record is durable, as an event or quarantined with its reason; the"
            " quarantined ones are counted as partialSuccess.rejectedLogRecords."
        )
        self.responses = {
            **(self.responses or {}), **REFUSALS,
            "200": OpenAPIResponse(description="An ExportLogsServiceResponse", content=kinds),
            "415": OpenAPIResponse(description="The content type is neither protobuf nor JSON"),
        }  # fmt: skip


def _failed(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
    """What went wrong, as an exporter understands it."""
    code, told = _told(request, error)
    headers = dict(_HEADERS)
    if code == 401:
        headers["www-authenticate"] = "Bearer"
    if code in (429, 503):
        headers["retry-after"] = str(RETRY_SECONDS)
    kind = _kind(request) or JSON
    return Response(status(told, kind), status_code=code, headers=headers, media_type=kind)


def _told(request: Request[Any, Any, State], error: Exception) -> tuple[int, GlasshatchError]:
    if isinstance(error, _WrongType):
        return 415, error
    if isinstance(error, NotAuthenticated):
        return 401, error
    if isinstance(error, GlasshatchError):
        return STATUS.get(error.code, 500), error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code, ConfigError("the request is not acceptable", hint="see /openapi.json")
    request.app.state.unexpected(error)
    return 500, GlasshatchError("an unexpected error", hint="see the server's log")


def _kind(request: Request[Any, Any, State]) -> str:
    """The form of the body, as its sender says; empty for another."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind if kind in _FORMATS else ""


_ROUTE: Final[dict[str, Any]] = {
    "opt": {"scope": "ingest", "target": "otlp/{name}"},
    "status_code": 200,
    "request_max_body_size": None,
    "middleware": [ending_slow_ones],
}


@post("/logs", operation_class=_Export, exception_handlers={Exception: _failed}, **_ROUTE)
async def export_logs(request: Call, name: FromQuery[str] = "") -> Response[bytes]:
    """Record log records of OpenTelemetry, at the path that its exporters know."""
    return await _export(request, name or "default")


@post(
    "/sources/otlp/{name:str}/v1/logs", operation_class=_Export, exception_handlers={Exception: _failed},
    **_ROUTE,
)  # fmt: skip
async def export_logs_of(request: Call, name: FromPath[str]) -> Response[bytes]:
    """The same under a name, below which an exporter looks for its path."""
    return await _export(request, name)


@post("/sources/otlp/{name:str}", operation_class=_Export, **_ROUTE)
async def deliver_otlp(
    request: Call,
    name: FromPath[str],
    file: FromQuery[str] = "",
    line: FromQuery[int] = 0,
    option: FromQuery[list[str] | None] = None,
) -> Response[bytes] | IntakeResult:
    """The same as one of our own deliveries, which is answered as those are, unless it is protobuf."""
    if _kind(request) == PROTOBUF:
        try:
            return await _export(request, name)
        except GlasshatchError as error:
            return _failed(request, error)
    check_kind(request.headers.get("content-type", ""))
    return await deliver(request, "otlp", name, file, line, tuple(option or ()))


async def _export(request: Call, name: str) -> Response[bytes]:
    kind = _kind(request)
    if not kind:
        raise _WrongType("the content type is not known", hint=f"send {PROTOBUF} or {JSON}")
    result = await deliver(request, "otlp", name, options=(f"format={_FORMATS[kind]}",))
    return Response(answer(result, kind), status_code=200, headers=dict(_HEADERS), media_type=kind)


OTLP_ROUTES = (export_logs, export_logs_of, deliver_otlp)
"""Routes below `/v1`."""
