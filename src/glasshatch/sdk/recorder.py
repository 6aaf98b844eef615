"""`record()`: an event of an application, safe in the local spool when it returns, sent in the background."""

from __future__ import annotations

import atexit
import os
import stat
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..errors import ConfigError, TooLarge, Unavailable
from ..events import Actor, Event, Link, Outcome, Resource, Source, foreign, uuid7
from .sender import Sender
from .spool import Spool
from .trace import Trace, current_trace

MAX_EVENT_BYTES = 60_000
_LIMIT_BYTES = 256 * 1024 * 1024
_EXIT_SECONDS = 2.0
_encoder = msgspec.json.Encoder()
_T = TypeVar("_T")


class Recorder:
    """Records events of one service. Safe from any thread; one for each process.

    What `record` returned for is not lost by a crash of the process, of the machine (if `durable`) or of
    the server, and is in the record once however often it had to be sent. After a fork the child makes
    its own.
    """

    def __init__(
        self,
        service: str,
        *,
        server: str = "",
        token: str | Path | Callable[[], str] = "",
        spool: str | Path,
        durable: bool = True,
        version: str = "",
        key: str = "",
        limit_bytes: int = _LIMIT_BYTES,
        problem: Callable[[str], None] | None = None,
    ) -> None:
        """Open the spool and begin to send what is left in it.

        Args:
            service: The name of this application; `source.name` of its events.
            server: `unix:PATH`, `https://…` or `http://` on loopback; default `GLASSHATCH_SERVER`.
            token: The path of a file (mode 0600), or a function; default `GLASSHATCH_TOKEN`.
            spool: A directory of this process alone.
            durable: Whether `record` waits for the disk.
            key: `env:NAME` or `file:PATH` of 32 bytes in hexadecimal; default a file beside the spool.
            limit_bytes: How much the spool may hold.
            problem: Told of trouble with sending; by default a `RuntimeWarning`.

        Raises:
            ConfigError: The server's address, the token file or the spool cannot be used.
            Conflict: Another process has the spool open.
        """
        self._source = Source(kind="app", name=service, instance=str(os.getpid()), version=version)
        self._process = os.getpid()
        address = server or os.environ.get("GLASSHATCH_SERVER", "")
        self._spool = Spool(Path(spool), key=_key(key), limit_bytes=limit_bytes, durable=durable)
        try:
            self._sender = Sender(self._spool, address, _token(token), service, problem or _warn)
        except BaseException:
            self._spool.close()
            raise
        self._closed = False
        atexit.register(self.close)

    def record(
        self,
        action: str,
        *,
        actor: str | Actor | None = None,
        resource: str | Resource | None = None,
        outcome: str | Outcome | None = None,
        severity: int = 0,
        session_id: str = "",
        request_id: str = "",
        trace: Trace | None = None,
        links: tuple[Link, ...] = (),
        labels: Mapping[str, str] | None = None,
        **attrs: Any,
    ) -> str:
        """Record that something happened, in the past tense: `order.paid`. Never waits for the network.

        Args:
            actor: Who did it; a text is an id.
            outcome: `success`, `failure`, or an `Outcome` with code and reason.
            trace: By default the current one.
            attrs: What else is to be known; the server redacts personal data before it stores anything.

        Returns:
            The event's id, by which the record finds it.

        Raises:
            TooLarge: The event has more than 60,000 bytes.
            Unavailable: The spool is full or its disk is; the event is not recorded.
        """
        if self._closed or os.getpid() != self._process:
            raise Unavailable(
                "this recorder is closed, or belongs to the parent process",
                hint="make a Recorder in each process, with a spool of its own",
            )
        now_ns = time.time_ns()
        span = trace or current_trace()
        event = Event(
            id=uuid7(now_ns, os.urandom(10)), time=str(now_ns), action=action, source=self._source,
            actor=Actor(id=actor, name=actor) if isinstance(actor, str) else actor,
            resource=_resource(resource) if isinstance(resource, str) else resource,
            outcome=_outcome(outcome) if isinstance(outcome, str) else outcome,
            severity=severity, session_id=session_id, request_id=request_id,
            trace_id=span.trace_id if span else "", span_id=span.span_id if span else "",
            links=links, labels=dict(labels or {}), attrs=foreign(attrs),
        )  # fmt: skip
        data = _encoder.encode(event)
        if len(data) > MAX_EVENT_BYTES:
            raise TooLarge(
                f"the event has {len(data)} bytes, at most {MAX_EVENT_BYTES} are taken",
                hint="shorten its attrs",
            )
        self._spool.append(data)
        self._sender.wake()
        return event.id

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until the server has acknowledged everything; False if it has not in time."""
        return self._sender.flush(timeout_s)

    def close(self, timeout_s: float = _EXIT_SECONDS) -> None:
        """Try to send what is left, then let the spool go; what remains is sent by the next start."""
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._sender.flush(timeout_s)
        self._sender.stop()
        self._spool.close()

    @property
    def sent(self) -> int:
        """How many events the server has acknowledged to this recorder."""
        return self._sender.sent

    @property
    def refused(self) -> int:
        """How many events the server will never take; they lie in the spool's directory."""
        return self._sender.refused

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncRecorder:
    """The same for asyncio: the disk is waited for in a thread, never on the event loop."""

    def __init__(self, service: str, **settings: Any) -> None:
        """As `Recorder`; opening reads the spool, so make it before the loop is busy."""
        self._recorder = Recorder(service, **settings)

    async def record(self, action: str, **members: Any) -> str:
        """As `Recorder.record`, in the trace of the calling task."""
        return await _to_thread(self._recorder.record, action, **members)

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """As `Recorder.flush`."""
        return await _to_thread(self._recorder.flush, timeout_s)

    async def close(self) -> None:
        """As `Recorder.close`."""
        await _to_thread(self._recorder.close)

    async def __aenter__(self) -> AsyncRecorder:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


async def _to_thread(function: Callable[..., _T], *arguments: Any, **members: Any) -> _T:
    # Imported here: every command of ours passes through this package, and hardly one needs a loop.
    import asyncio

    return await asyncio.to_thread(function, *arguments, **members)


def _resource(text: str) -> Resource:
    kind, slash, name = text.partition("/")
    return Resource(type=kind, id=text, name=name) if slash else Resource(type="thing", id=text, name=text)


def _outcome(text: str) -> Outcome:
    if text not in ("success", "failure", "unknown"):
        raise ConfigError("an outcome is success, failure or unknown", key="outcome")
    return Outcome(status=text)  # type: ignore[arg-type]


def _token(given: str | Path | Callable[[], str]) -> Callable[[], str]:
    if callable(given):
        return given
    if given:
        return lambda: _token_file(Path(given))
    return lambda: os.environ.get("GLASSHATCH_TOKEN", "").strip()


def _token_file(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError("can be read by others", file=str(path), hint=f"chmod 600 {path}")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(path)) from None


def _key(reference: str) -> bytes:
    if not reference:
        return b""
    kind, _, rest = reference.partition(":")
    text = os.environ.get(rest, "") if kind == "env" else _token_file(Path(rest)) if kind == "file" else ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(
            "the spool's key is not 32 bytes in hexadecimal", key="key", hint="write env:NAME or file:PATH"
        )
    return key


def _warn(text: str) -> None:
    warnings.warn(f"glasshatch: {text}", RuntimeWarning, stacklevel=2)
