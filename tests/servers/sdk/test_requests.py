"""The middleware before real servers: Starlette under uvicorn, and a WSGI application under wsgiref."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import wsgiref.simple_server
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import litestar
import pytest
import uvicorn
import websockets.sync.client
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus

from fixtures.glasshatch import free_port
from fixtures.recording import offline, recorded
from glasshatch.errors import ConfigError
from glasshatch.sdk import Recorder, asgi, current_acting, current_trace, wsgi

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
lived: list[str] = []


class Refused(Exception):
    """An application's own."""


async def order(request: Request) -> JSONResponse:
    trace = current_trace()
    acting = current_acting()
    request.scope["who"] = request.headers.get("x-user", "")
    return JSONResponse({"trace": str(trace), "request": acting.request_id})


async def stream(_: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.01)
            yield b"x" * 100

    return StreamingResponse(parts())


async def fails(_: Request) -> JSONResponse:
    raise Refused("ada@example.com")


async def breaks_off(_: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise Refused("ada@example.com")

    return StreamingResponse(parts())


async def missing(_: Request) -> JSONResponse:
    return JSONResponse({}, 404)


async def talk(socket: WebSocket) -> None:
    if socket.query_params.get("key") != "right":
        await socket.close()
        return
    await socket.accept()
    for _ in range(2):
        await socket.send_text((await socket.receive_text()).upper())
    await socket.close(4001)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    lived.append("began")
    yield
    lived.append("ended")


APP = Starlette(
    routes=[
        Route("/orders/{order_id:int}", order), Route("/stream", stream), Route("/fails", fails),
        Route("/breaks", breaks_off), Route("/missing", missing), Route("/healthz", missing),
        WebSocketRoute("/talk/{room}", talk), Mount("/shop", routes=[Route("/cart/{cart}", order)]),
    ],
    lifespan=lifespan,
)  # fmt: skip


class Serving:
    """A uvicorn in a thread."""

    def __init__(self, app: Any) -> None:
        self.port = free_port()
        # By itself it would believe X-Forwarded-For of this machine, and tell the application so.
        config = uvicorn.Config(app, "127.0.0.1", self.port, log_level="critical", proxy_headers=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Serving:
        self.thread.start()
        deadline = time.monotonic() + 60
        while not self.server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(60)


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): one for name, one in headers.items()}
        )
        answer = connection.getresponse()
        body = b""
        with suppress(http.client.IncompleteRead):
            body = answer.read()
        return answer.status, body
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(params=[False, True], ids=["quick", "durable"])
def sdk(request: pytest.FixtureRequest, tmp_path: Path) -> Recorder:
    return offline(tmp_path, durable=request.param)


def test_requests_are_recorded_as_they_were_answered(tmp_path: Path, sdk: Recorder) -> None:
    lived.clear()
    app = asgi.AuditMiddleware(
        APP,
        recorder=sdk,
        actor=lambda scope: scope.get("who"),
        exclude=["/health*"],
        trusted_proxies=["127.0.0.0/8"],
    )
    with Serving(app) as serving:
        assert lived == ["began"]
        status, body = ask(
            serving.port, "/orders/4711?card=4111", traceparent=PARENT, x_request_id="r7", x_user="ada",
            x_forwarded_for="198.51.100.9, 203.0.113.7, 127.0.0.1", user_agent="till/2",
        )  # fmt: skip
        assert status == 200
        assert json.loads(body)["request"] == "r7"
        assert TRACE in json.loads(body)["trace"]
        assert ask(serving.port, "/shop/cart/ada%40example.com", "GET")[0] == 200
        assert ask(serving.port, "/missing", "HEAD")[0] == 404
        assert ask(serving.port, "/healthz")[0] == 404
        assert ask(serving.port, "/nowhere", "POST")[0] == 404
        assert len(ask(serving.port, "/stream")[1]) == 300
        assert ask(serving.port, "/fails")[0] == 500
        ask(serving.port, "/breaks")
    assert lived == ["began", "ended"]
    events = recorded(tmp_path, sdk)
    assert {event["action"] for event in events} == {"http.requested"}
    seen = [
        (event["resource"]["name"], event["outcome"].get("code"), event["outcome"]["status"])
        for event in events
    ]
    assert seen == [
        ("/orders/{order_id}", "200", "success"), ("/shop/cart/{cart}", "200", "success"),
        ("/missing", "404", "failure"), ("/nowhere", "404", "failure"), ("/stream", "200", "success"),
        ("/fails", "500", "failure"), ("/breaks", "200", "failure"),
    ]  # fmt: skip
    first = events[0]
    assert (first["trace_id"], first["request_id"], first["actor"]["id"]) == (TRACE, "r7", "ada")
    assert first["client"] == {"ip": "203.0.113.7", "user_agent": "till/2"}
    assert first["attrs"]["method"] == "GET"
    assert "4111" not in str(events)
    assert "ada@" not in str(events)
    assert events[1]["client"]["ip"] == "127.0.0.1"
    assert len({event["trace_id"] for event in events}) == len(events)
    stream_event, fails_event, breaks_event = events[4:]
    assert stream_event["attrs"]["sent_bytes"] == 300
    assert stream_event["attrs"]["duration_us"] >= 30_000
    assert fails_event["severity"] == breaks_event["severity"] == 3
    assert fails_event["outcome"]["reason"].endswith("Refused")
    assert breaks_event["outcome"]["reason"].endswith("Refused")


def test_websockets_are_recorded_when_they_open_and_when_they_end(tmp_path: Path, sdk: Recorder) -> None:
    with Serving(asgi.AuditMiddleware(APP, recorder=sdk)) as serving:
        address = f"ws://127.0.0.1:{serving.port}/talk/ada"
        with pytest.raises(InvalidStatus):
            websockets.sync.client.connect(address)
        with websockets.sync.client.connect(f"{address}?key=right") as client:
            for text in ("hello", "world"):
                client.send(text)
                assert client.recv(60) == text.upper()
        with websockets.sync.client.connect(f"{address}?key=right") as client:
            client.send("hello")
            assert client.recv(60) == "HELLO"
    events = recorded(tmp_path, sdk)
    refused, opened, closed, _, left = events
    assert [refused["action"], opened["action"], closed["action"]] == [
        "websocket.refused", "websocket.opened", "websocket.closed",
    ]  # fmt: skip
    assert {event["resource"]["name"] for event in events} == {"/talk/{room}"}
    assert refused["outcome"] == {"status": "failure", "code": "403"}
    assert opened["outcome"] == {"status": "success", "code": "101"}
    assert (closed["attrs"]["received"], closed["attrs"]["sent"]) == (2, 2)
    assert closed["attrs"]["close_code"] == 4001
    assert closed["trace_id"] == opened["trace_id"]
    assert left["action"] == "websocket.closed"
    assert left["attrs"]["close_code"] == 1000


def test_routes_of_another_framework_have_their_pattern_too(tmp_path: Path) -> None:
    @litestar.get("/orders/{order_id:int}/lines/{line:str}", sync_to_thread=False)
    def line(order_id: FromPath[int], line: FromPath[str]) -> str:
        return f"{order_id} {line}"

    sdk = offline(tmp_path)

    async def play() -> None:
        app = asgi.AuditMiddleware(litestar.Litestar([line]), recorder=sdk)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            assert (await client.get("/orders/7/lines/ada")).text == "7 ada"

    asyncio.run(play())
    (event,) = recorded(tmp_path, sdk)
    assert event["resource"]["name"] == "/orders/{order_id}/lines/{line}"


def test_addresses_that_others_write_are_not_believed(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    for trusted in ((), ("10.0.0.0/8",)):
        with Serving(asgi.AuditMiddleware(APP, recorder=sdk, trusted_proxies=trusted)) as serving:
            ask(serving.port, "/missing", x_forwarded_for="203.0.113.7")
    assert [event["client"]["ip"] for event in recorded(tmp_path, sdk)] == ["127.0.0.1", "127.0.0.1"]
    with pytest.raises(ConfigError, match="trusted_proxies"):
        asgi.AuditMiddleware(APP, trusted_proxies=["the.proxy"])


def test_trouble_with_recording_is_told_and_breaks_no_answer(tmp_path: Path) -> None:
    told: list[str] = []
    sdk = offline(tmp_path, limit_bytes=10, problem=told.append)

    def nobody(_: Any) -> str:
        raise Refused("ada@example.com")

    app = asgi.AuditMiddleware(APP, recorder=sdk, actor=nobody, route=nobody)
    with Serving(app) as serving:
        assert ask(serving.port, "/orders/7")[0] == 200
        wait_for(lambda: len(told) > 1)
        assert ask(serving.port, "/stream")[0] == 200
    sdk.close(0)
    assert any("actor" in text for text in told)
    assert any("not recorded" in text for text in told)
    assert "ada" not in str(told)


def plain(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise Refused("ada@example.com")
    environ["who"] = environ.get("HTTP_X_USER")
    start_response("404 Not Found" if path == "/missing" else "200 OK", [("Content-Type", "text/plain")])

    def parts() -> Iterator[bytes]:
        for _ in range(3):
            yield f"{current_trace()}\n".encode()
        if path == "/breaks":
            raise Refused("ada@example.com")

    return parts()


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def wsgi_port(tmp_path: Path, sdk: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("wsgiref.handlers.BaseHandler.log_exception", lambda *_: None)
    app = wsgi.AuditMiddleware(
        plain, recorder=sdk, actor=lambda environ: environ.get("who"), exclude=["/static/*"],
        route=lambda environ: "/orders/{id}" if environ["PATH_INFO"].startswith("/orders/") else "",
    )  # fmt: skip
    port = free_port()
    server = wsgiref.simple_server.make_server("127.0.0.1", port, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()


def test_a_wsgi_application_is_recorded_too(tmp_path: Path, sdk: Recorder, wsgi_port: int) -> None:
    status, body = ask(wsgi_port, "/orders/7?card=4111", traceparent=PARENT, x_user="ada", x_request_id="r7")
    assert status == 200
    assert {line[3:35] for line in body.decode().splitlines()} == {TRACE}
    assert ask(wsgi_port, "/missing")[0] == 404
    assert ask(wsgi_port, "/static/logo.png")[0] == 200
    assert ask(wsgi_port, "/fails")[0] == 500
    ask(wsgi_port, "/breaks")
    assert current_trace() is None
    first, missed, failed, broke = recorded(tmp_path, sdk)
    assert (first["trace_id"], first["request_id"], first["actor"]["id"]) == (TRACE, "r7", "ada")
    assert first["resource"] == {"type": "http", "id": "http/orders/{id}", "name": "/orders/{id}"}
    assert first["client"]["ip"] == "127.0.0.1"
    assert first["attrs"]["sent_bytes"] == len(body)
    assert missed["outcome"] == {"status": "failure", "code": "404"}
    assert failed["outcome"]["code"] == "500"
    assert failed["outcome"]["reason"].endswith("Refused")
    assert broke["outcome"]["reason"].endswith("Refused")
    assert "4111" not in str(first)
