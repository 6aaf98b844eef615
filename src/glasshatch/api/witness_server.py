"""A witness over HTTP: `POST /add-checkpoint` (C2SP tlog-witness), and nothing else.

There is no token: what counts is the signature on the checkpoint. Put a proxy with TLS in front of it if
others shall not see which logs it watches; nothing that passes here is secret.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from ..errors import ConfigError
from ..ledger.log import MAX_REQUEST_BYTES
from ..ledger.witness import Answer, Witness

_PATH = "/add-checkpoint"
_PLAIN = "text/plain; charset=utf-8"
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class WitnessApp:
    """The ASGI application around a witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _reply(send, await self._answer(scope, receive))

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] == "/healthz":
            return Answer(200, b"ok\n", _PLAIN)
        if scope["path"] != _PATH:
            return Answer(404, b"there is nothing here\n", _PLAIN)
        if scope["method"] != "POST":
            return Answer(405, b"POST a checkpoint\n", _PLAIN)
        body = await _body(receive)
        if body is None:
            return Answer(413, b"a request has at most %d bytes\n" % MAX_REQUEST_BYTES, _PLAIN)
        # It waits for the disk, so not in the event loop.
        return await asyncio.to_thread(self._witness.add_checkpoint, body)


def run_witness(witness: Witness, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; raises `ConfigError` if the address cannot be used."""
    listener = _listen(host, port)
    where = "{}:{}".format(*listener.getsockname()[:2])
    config = uvicorn.Config(
        WitnessApp(witness), loop="uvloop", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, limit_concurrency=256, timeout_graceful_shutdown=5,
    )  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        # The HTTP server ends at them and raises them again afterwards; by then all is done.
        signal.signal(number, lambda *_: None)
    announce(f"ready: witness {witness.key.name} on http://{where}{_PATH}")
    with listener:
        uvicorn.Server(config).run([listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}", key="--listen", hint="choose another port"
        ) from None
    return listener


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too long, read no further."""
    data = bytearray()
    while True:
        message = await receive()
        data += message.get("body", b"")
        if len(data) > MAX_REQUEST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(data)


async def _reply(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
