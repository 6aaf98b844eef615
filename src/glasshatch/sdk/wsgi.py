"""WSGI middleware: every request as an event, with the trace it came in; as the one for ASGI."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any

from ..events import Actor
from .recorder import Recorder
from .requests import Requested, Watch

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class AuditMiddleware:
    """Records what a WSGI application is asked, when its answer has ended."""

    def __init__(
        self,
        app: App,
        *,
        recorder: Recorder | None = None,
        actor: Callable[[Environ], str | Actor | None] | None = None,
        route: Callable[[Environ], str] | None = None,
        exclude: Iterable[str] = (),
        trusted_proxies: Iterable[str] = (),
        user_agent: bool = True,
    ) -> None:
        """Stand before an application; as for ASGI, with the environ in place of the scope.

        Without `route` the pattern is looked for where Flask leaves it (`werkzeug.request`), else the path is
        recorded.

        Raises:
            ConfigError: A network is none.
        """
        self._app = app
        self._watch = Watch(recorder, actor, route, exclude, trusted_proxies, user_agent)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as the application does."""
        # As the bytes were, for an environ holds them as latin-1 (PEP 3333).
        path = (
            (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
            .encode("latin-1")
            .decode("utf-8", "replace")
        )
        if self._watch.passes_over(path):
            return self._app(environ, start_response)
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        port = str(environ.get("REMOTE_PORT", ""))
        client = self._watch.client(
            environ.get("REMOTE_ADDR", ""), int(port) if port.isdecimal() else 0, headers
        )
        requested = Requested(self._watch, environ.get("REQUEST_METHOD", "GET"), path, headers, client)
        # A context of its own: the server may ask for the parts of the answer between other requests.
        return _Answer(self._watch, self._app, environ, start_response, requested)


class _Answer:
    """What the server iterates over. The application runs in a context of this request alone."""

    def __init__(
        self,
        watch: Watch,
        app: App,
        environ: Environ,
        start_response: Callable[..., Any],
        requested: Requested,
    ) -> None:
        self._watch = watch
        self._environ = environ
        self._requested = requested
        self._context = copy_context()
        self._told = self._left = False
        self._pattern = ""
        self._context.run(requested.__enter__)

        def started(status: str, headers: Any, *error: Any) -> Any:
            self._pattern = _pattern_in(environ)  # Flask forgets it before the answer has ended
            requested.status = int(status.partition(" ")[0])
            return start_response(status, headers, *error)

        try:
            self._body = self._context.run(app, environ, started)
            self._parts = iter(self._body)
        except BaseException as raised:
            self._end(raised)
            self._leave()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = self._context.run(next, self._parts)
        except StopIteration:
            # Test clients of Flask and others read to the end and never close.
            self._end(None)
            raise
        except BaseException as raised:
            self._end(raised)
            raise
        self._requested.sent_bytes += len(part)
        return part

    def close(self) -> None:
        """The server calls it when it has sent everything, or gave up."""
        try:
            if hasattr(self._body, "close"):
                self._context.run(self._body.close)
        finally:
            self._end(None)
            self._leave()

    def __del__(self) -> None:
        # A caller that let go of it unread and unclosed. Nothing is recorded from here: the collector may
        # run while this very thread holds the spool's lock.
        with contextlib.suppress(Exception):
            self._leave()

    def _leave(self) -> None:
        """End the request's trace, in the context where it began."""
        if not self._left:
            self._left = True
            self._context.run(self._requested.__exit__)

    def _end(self, error: BaseException | None) -> None:
        if self._told:
            return
        self._told = True
        self._watch.record(
            lambda: self._requested.parts(self._watch.actor(self._environ), self._template(), error)
        )

    def _template(self) -> str:
        if self._watch.route is not None:
            return self._watch.route(self._environ)
        return self._pattern


def _pattern_in(environ: Environ) -> str:
    """The pattern of the route where Flask leaves it; empty for none."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return str(rule) if rule is not None else ""
