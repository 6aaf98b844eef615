"""`record()`: an event of an application, safe in the local spool when it returns, sent in the background."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import Unavailable
from ..events import Actor, Client, Data, Event, Link, Outcome, Resource, Source, StatementText
from .acting import current_acting
from .keeper import Keeper
from .leftovers import moved
from .recording import Recording, recorded
from .sender import Sender
from .settings import Token, actor_of, key_of, outcome_of, plain, resource_of, token_of, warn
from .sifting import CaptureText, Sieve, WhenFull
from .spool import Spool
from .trace import Trace, current_trace

_LIMIT_BYTES = 256 * 1024 * 1024
_EXIT_SECONDS = 2.0
_ANSWER_SECONDS = 1.0


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
        token: Token = "",
        spool: str | Path,
        durable: bool = True,
        version: str = "",
        key: str = "",
        limit_bytes: int = _LIMIT_BYTES,
        full: WhenFull = "refuse",
        capture: CaptureText = None,
        problem: Callable[[str], None] | None = None,
    ) -> None:
        """Open the spool and begin to send what is left in it.

        Args:
            service: The name of this application; `source.name` of its events.
            server: `unix:PATH`, `https://…` or `http://` on loopback; default `GLASSHATCH_SERVER`.
            token: The path of a file (mode 0600), or a function; default `GLASSHATCH_TOKEN`, or the file that
                `GLASSHATCH_TOKEN_FILE` names.
            spool: A directory of this process alone.
            durable: Whether `record` waits for the disk.
            key: `env:NAME` or `file:PATH` of 32 bytes in hexadecimal; default a file beside the spool.
            limit_bytes: How much the spool may hold.
            full: What happens when it does: `refuse` raises; `drop-new` and `drop-old` drop, and record how
                many.
            capture: What to record of which action: a TOML file, read again when it changes, or the same as a
                mapping; by default everything.
            problem: Told of trouble with sending; by default a `RuntimeWarning`.

        Raises:
            ConfigError: The server's address, the token file, the policy or the spool cannot be used.
            Conflict: Another process has the spool open.
        """
        self.durable = durable
        self._source = Source(kind="app", name=service, instance=str(os.getpid()), version=version)
        self._process = os.getpid()
        self.problem = problem or warn
        address = server or os.environ.get("GLASSHATCH_SERVER", "")
        self._key = key_of(key)
        with ExitStack() as undone:
            self._spool = Spool(Path(spool), key=self._key, limit_bytes=limit_bytes, durable=durable)
            undone.callback(self._spool.close)
            self._sieve = Sieve(self._spool, self._source, capture, full, self.problem)
            undone.callback(self._sieve.close)
            self._sender = Sender(self._spool, address, token_of(token), service, self.problem)
            self._keeper = Keeper(self._spool, self._sieve, self.problem)
            undone.pop_all()
        self._closed = False
        self.ended = threading.Event()
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
            actor: Who did it; a text is an id. By default who `acting_as` says; so for session and request.
            outcome: `success`, `failure`, or an `Outcome` with code and reason.
            trace: By default the current one.
            attrs: What else is to be known; the server redacts personal data before it stores anything.

        Returns:
            The event's id, by which the record finds it: that of the event which tells of it together with
            others, if the capture policy counts; empty for what is not recorded by itself.

        Raises:
            TooLarge: The event has more than 60,000 bytes.
            Unavailable: The spool is full or its disk is; the event is not recorded.
        """
        return self.write(
            action, attrs, actor, resource, outcome, severity, session_id, request_id, trace, links, labels
        )

    def write(
        self,
        action: str,
        attrs: dict[str, Any],
        actor: str | Actor | None = None,
        resource: str | Resource | None = None,
        outcome: str | Outcome | None = None,
        severity: int = 0,
        session_id: str = "",
        request_id: str = "",
        trace: Trace | None = None,
        links: tuple[Link, ...] = (),
        labels: Mapping[str, str] | None = None,
        client: Client | None = None,
        data: Data | None = None,
        statement: StatementText | None = None,
    ) -> str:
        """As `record`, with the parts that middleware knows of."""
        if self._closed or os.getpid() != self._process:
            raise Unavailable(
                "this recorder is closed, or belongs to the parent process",
                hint="make a Recorder in each process, with a spool of its own",
            )
        now_ns = time.time_ns()
        span = trace or current_trace()
        acting = current_acting()
        if acting.labels:
            labels = {**acting.labels, **(labels or {})}
        if isinstance(outcome, str):
            outcome = outcome_of(outcome)
        # An id that is a number or a UUID is one as well; the server would take it for something else.
        if actor is not None and type(actor) is not Actor:
            actor = actor_of(str(actor))
        if resource is not None and type(resource) is not Resource:
            resource = resource_of(str(resource))
        event = Event(
            id=self._sieve.new_id(now_ns), time=str(now_ns), action=action, source=self._source,
            actor=actor or acting.actor, resource=resource, outcome=outcome,
            severity=severity, session_id=session_id or acting.session_id,
            request_id=request_id or acting.request_id,
            trace_id=span.trace_id if span else "", span_id=span.span_id if span else "",
            client=client or acting.client, data=data, statement=statement,
            links=links, labels=dict(labels) if labels else {}, attrs=plain(attrs),
        )  # fmt: skip
        found = self._sieve.take(event)
        self._sender.wake()
        self._keeper.stir()
        return found

    def recording(
        self,
        action: str,
        *,
        actor: str | Actor | None = None,
        resource: str | Resource | None = None,
        message: bool = False,
        **attrs: Any,
    ) -> Recording:
        """A block, sync or async, that is recorded when it ends: how, and after how long.

        with recorder.recording("order.refunded", resource=f"order/{order}") as event:
            event.set(amount_cents=refund(order))

        Args:
            message: Whether the text of an exception is recorded too; it may hold anything.
        """
        return Recording(self, action, actor, resource, message, attrs)

    def recorded(
        self,
        action: str,
        *,
        actor: str | Callable[..., str] | None = None,
        resource: str | Callable[..., str] | None = None,
        attrs: tuple[str, ...] = (),
        message: bool = False,
    ) -> Callable[[Any], Any]:
        """A decorator for functions, coroutines and generators of both kinds: each call is recorded.

        Args:
            actor: A text with `{names}` of arguments, or a function of the call's arguments.
            resource: The same.
            attrs: Names of arguments to record; no other is.
            message: As for `recording`.

        Raises:
            ConfigError: The function has no such argument.
        """
        return recorded(lambda: self, action, actor, resource, attrs, message)

    def take_over(self, directory: str | Path) -> int:
        """Send what a process that is no more left in its spool, under the same key; how many events.

        Raises:
            Conflict: That process lives.
            ConfigError: The key does not open it.
            Unavailable: There is no room here; what was not brought stays there.
        """
        return moved(self, Path(directory), self._key)

    def append(self, event: bytes) -> None:
        """Keep an event that was encoded before, and send it."""
        self._spool.append(event)
        self._sender.wake()
        self._keeper.stir()

    def keep(self, event: Event) -> None:
        """Keep an event as it is, whatever the policy says, and send it."""
        self._sieve.keep(event)
        self._sender.wake()
        self._keeper.stir()

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until the server has acknowledged everything, counts included; False if it has not in time."""
        self._sieve.tell_all()
        return self._sender.flush(timeout_s)

    def close(self, timeout_s: float = _EXIT_SECONDS) -> None:
        """Try to send what is left, then let the spool go; what remains is sent by the next start."""
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        self.ended.set()
        atexit.unregister(self.close)
        self._sieve.tell_all()
        self._sender.flush(timeout_s)
        # Both are told to end, whichever takes longer.
        if all([self._keeper.stop(_ANSWER_SECONDS), self._sender.stop(_ANSWER_SECONDS)]):
            self._sieve.close()
            self._spool.close()
        # Else it still connects, and would touch the spool: nobody else gets that before this process ends.

    @property
    def usable(self) -> bool:
        """Whether it is open, and this process's."""
        return not self._closed and os.getpid() == self._process

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
