"""ASGI middleware: every request and every WebSocket as an event, with the trace it came in.

app = AuditMiddleware(app, exclude=["/healthz"], actor=lambda scope: scope["user"].display_name)

Nothing of a body, a query or a header is recorded, except the client's address and program and the request's
id. What the application raises goes on as it is, and other kinds of scopes are passed through untouched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ..events import Actor
from .recorder import Recorder
from .requests import REQUESTED, Requested, Watch, template_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class AuditMiddleware:
    """Records what an ASGI application is asked, when its answer has ended."""

    def __init__(
        self,
        app: App,
        *,
        recorder: Recorder | None = None,
        actor: Callable[[Scope], str | Actor | None] | None = None,
        route: Callable[[Scope], str] | None = None,
        exclude: Iterable[str] = (),
        trusted_proxies: Iterable[str] = (),
        user_agent: bool = True,
    ) -> None:
        """Stand before an application.

        Args:
            recorder: By default the program's own.
            actor: Who asks, by the scope as the application left it; called when the answer has ended.
            route: The pattern of the route by the scope; by default what the router left there.
            exclude: Patterns of paths that are not recorded: `/static/*`.
            trusted_proxies: Networks whose `X-Forwarded-For` is believed; `unix` for a Unix socket.
            user_agent: Whether the client's program is recorded.

        Raises:
            ConfigError: A network is none.
        """
        self._app = app
        self._watch = Watch(recorder, actor, route, exclude, trusted_proxies, user_agent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] not in ("http", "websocket") or self._watch.passes_over(scope["path"]):
            return await self._app(scope, receive, send)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        peer, port = scope.get("client") or ("", 0)
        client = self._watch.client(peer or "", port or 0, headers)
        method = scope.get("method", "GET")
        with Requested(self._watch, method, scope["path"], headers, client) as requested:
            error: BaseException | None = None
            try:
                if scope["type"] == "http":
                    await self._app(scope, receive, _counted(requested, send))
                else:
                    await self._socket(requested, scope, receive, send)
            except BaseException as raised:
                error = raised
                raise
            finally:
                if scope["type"] == "http":
                    await self._record(requested, scope, error, REQUESTED)
        return None

    async def _socket(self, requested: Requested, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: an event when it is accepted or refused, and another when it has ended."""
        talk = _Talk(receive, send)
        error: BaseException | None = None

        async def first(message: Message) -> None:
            if message["type"] == "websocket.accept":
                requested.status = 101
                await self._record(requested, scope, None, "websocket.opened")
            await talk.send(message)

        try:
            await self._app(scope, talk.receive, first)
        except BaseException as raised:
            error = raised
            raise
        finally:
            if requested.status != 101:
                requested.status = 500 if error is not None else 403
            action = "websocket.closed" if requested.status == 101 else "websocket.refused"
            requested.sent_bytes = talk.sent_bytes
            await self._record(
                requested, scope, error, action, received=talk.received, sent=talk.sent, close_code=talk.code
            )

    async def _record(
        self, requested: Requested, scope: Scope, error: BaseException | None, action: str, **more: Any
    ) -> None:
        def parts() -> dict[str, Any]:
            return requested.parts(self._watch.actor(scope), self._template(scope), error, action, **more)

        recorder = self._watch.recorder
        if recorder is None or not recorder.durable:
            return self._watch.record(parts)
        import asyncio

        # The answer may have been given up, and what happened is recorded nevertheless.
        return await asyncio.shield(asyncio.to_thread(self._watch.record, parts))

    def _template(self, scope: Scope) -> str:
        if self._watch.route is not None:
            return self._watch.route(scope)
        route = scope.get("route")
        known = getattr(route, "path_format", None) or getattr(route, "path", None)
        if isinstance(known, str):
            return str(scope.get("root_path", "")) + known if known.startswith("/") else known
        return template_of(scope["path"], scope.get("path_params") or {})


def _counted(requested: Requested, send: Send) -> Send:
    async def counting(message: Message) -> None:
        if message["type"] == "http.response.start":
            requested.status = message["status"]
        elif message["type"] == "http.response.body":
            requested.sent_bytes += len(message.get("body", b""))
        await send(message)

    return counting


class _Talk:
    """Counts what goes through a WebSocket."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.received = self.sent = self.sent_bytes = self.code = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self.received += 1
        elif message["type"] == "websocket.disconnect":
            self.code = message.get("code") or 1005
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            self.sent += 1
            body = message.get("bytes") or (message.get("text") or "").encode()
            self.sent_bytes += len(body)
        elif message["type"] == "websocket.close":
            self.code = message.get("code") or 1000
        await self._send(message)
