"""The routes by which other systems deliver their events; the tenant is the token's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, InternalServerException
from litestar.openapi.spec import OpenAPIMediaType as BodyType
from litestar.openapi.spec import OpenAPIResponse, RequestBody
from litestar.openapi.spec.operation import Operation
from litestar.params import FromPath, FromQuery
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import PeerError, TooLarge, Unavailable
from ..identity import Identity
from .feed_values import SourceView
from .values import IntakeResult

MAX_DELIVERY_BYTES: Final = 32 * 1024 * 1024
"""The longest body of a delivery as it travels; decompressed it may be longer (`glasshatch.sources`)."""

_IN_HAND_BYTES = 4 * MAX_DELIVERY_BYTES
_WORKERS = 4
_PATIENCE_SECONDS = 15.0
_SLOWEST_BYTES_PER_SECOND = 16 * 1024
_TOO_SLOW = "glasshatch.too_slow"
_FORMS = ("multipart/", "image/", "audio/", "video/")

Call = Request[Identity, Any, State]


class _Hands:
    """How much a server holds of deliveries at once, and the threads that take them in.

    The threads are apart from those of all other calls, which therefore go on while deliveries wait.
    """

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="intake")
        self._held = 0

    @contextmanager
    def room(self) -> Iterator[bytearray]:
        """A body to be filled; what it holds counts until it is let go."""
        body = bytearray()
        try:
            yield body
        finally:
            self._held -= len(body)

    def add(self, body: bytearray, chunk: bytes) -> None:
        """Raises `TooLarge` or, if all hands are full, `Unavailable`."""
        if len(body) + len(chunk) > MAX_DELIVERY_BYTES:
            raise _too_large()
        if self._held + len(chunk) > _IN_HAND_BYTES:
            raise Unavailable("too many deliveries are in hand", hint="deliver it again in a moment")
        body += chunk
        self._held += len(chunk)


_hands = _Hands()


def ending_slow_ones(app: ASGIApp) -> ASGIApp:
    """Close the connection after the answer to a body that did not arrive: else it could be held for ever."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get(_TOO_SLOW):
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await app(scope, receive, answer)

    return asked


class _Delivery(Operation):
    """Says in the API's description what a handler that reads its own body takes and answers."""

    def __init__(self, **described: Any) -> None:
        super().__init__(**described)
        kinds = ("application/json", "application/x-ndjson")
        self.request_body = RequestBody(
            description="One JSON event, an array of them, or one a line; Content-Encoding gzip or zstd",
            content={kind: BodyType() for kind in kinds},
            required=True,
        )
        self.description = (
            "Answered with 200 when every item is durable, as an event or quarantined with its reason."
        )
        self.responses = {**(self.responses or {}), **REFUSALS}


REFUSALS = {
    status: OpenAPIResponse(description=description)
    for status, description in (
        ("400", "The body cannot be read, as for its compression; nothing was stored"),
        ("403", "The token does not open this source under this name; nothing was stored"),
        ("413", "The body is too long, or has too many items; nothing was stored"),
        ("503", "Not everything could be recorded; deliver it again"),
    )
}


@post(
    "/events",
    opt={"scope": "ingest", "target": "json/{name}"},
    status_code=200,
    request_max_body_size=None,
    operation_class=_Delivery,
    middleware=[ending_slow_ones],
)
async def deliver_events(request: Call, name: FromQuery[str] = "") -> IntakeResult:
    """Record events; answered when every one of them is durable or quarantined."""
    check_kind(request.headers.get("content-type", ""))
    return await deliver(request, "json", name or "default")


@post(
    "/sources/{kind:str}/{name:str}",
    opt={"scope": "ingest", "target": "{kind}/{name}"},
    status_code=200,
    request_max_body_size=None,
    operation_class=_Delivery,
    middleware=[ending_slow_ones],
)
async def deliver_source(
    request: Call,
    kind: FromPath[str],
    name: FromPath[str],
    file: FromQuery[str] = "",
    line: FromQuery[int] = 0,
    option: FromQuery[list[str] | None] = None,
) -> IntakeResult:
    """Record what a source of some kind sends, as in `/v1/sources/kubernetes/prod`.

    `file` and `line` say where the body's first line stands, if it comes out of a file; `option=NAME=VALUE`,
    which may be repeated, what the source must know of the form.
    """
    check_kind(request.headers.get("content-type", ""))
    return await deliver(request, kind, name, file, line, tuple(option or ()))


@get("/sources", opt={"scope": "read"}, sync_to_thread=True)
def list_sources(request: Call) -> list[SourceView]:
    """The feeds: when something came of each at last, how fast, how late, and what was wrong."""
    found: list[SourceView] = request.app.state.desk.list_sources(request.user)
    return found


async def deliver(
    request: Call, kind: str, name: str, file: str = "", line: int = 0, options: tuple[str, ...] = ()
) -> IntakeResult:
    """Read the body within its bounds of length and time, and hand it on."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    desk = request.app.state.desk
    with _hands.room() as body:
        await _read(request, body)
        result: IntakeResult = await asyncio.get_running_loop().run_in_executor(
            _hands.threads,
            desk.ingest,
            request.user,
            kind,
            name,
            bytes(body),
            encoding,
            file,
            max(0, line),
            options,
        )
    return result


def check_kind(content_type: str) -> None:
    """Anything that may be text is read: what it is, its items tell better than what it says of itself."""
    if content_type.strip().lower().startswith(_FORMS):
        raise PeerError("the content type is none of events", hint="send application/x-ndjson")


async def _read(request: Call, body: bytearray) -> None:
    """The whole body; raises as soon as it is longer, or slower, than may be."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_DELIVERY_BYTES:
        raise _too_large()
    begun_s = time.monotonic()
    stream = aiter(request.stream())
    try:
        while True:
            left_s = begun_s + _PATIENCE_SECONDS + len(body) / _SLOWEST_BYTES_PER_SECOND - time.monotonic()
            chunk = await asyncio.wait_for(anext(stream, None), max(left_s, 0.001))
            if chunk is None:
                return
            _hands.add(body, chunk)
    except TimeoutError:
        request.scope[_TOO_SLOW] = True  # type: ignore[literal-required]
        raise PeerError("the body does not arrive", hint="send it whole; nothing was stored") from None
    except InternalServerException:
        # So the framework says that the client went away; there is nobody to answer, and nothing to store.
        raise PeerError("the body ended early") from None
    except ClientException:
        raise _too_large() from None


def _too_large() -> TooLarge:
    return TooLarge(
        f"a delivery may have {MAX_DELIVERY_BYTES // 1024**2} MiB",
        hint="send it in several; nothing was stored",
    )


INTAKE_ROUTES = (deliver_events, deliver_source)
"""Routes below `/v1`."""

FEED_ROUTES = (list_sources,)
"""Routes below `/v1/TENANT`."""
