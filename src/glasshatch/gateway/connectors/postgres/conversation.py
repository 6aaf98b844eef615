"""One PostgreSQL session through the gateway, without input or output: inputs in, effects out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....errors import PeerError
from ....events import Client, Ids, Outcome
from ....identity import Identity
from ...core import (
    Abort,
    Authenticated,
    CancelUpstream,
    Close,
    Closed,
    Cut,
    Decided,
    Drain,
    Due,
    Effect,
    Held,
    House,
    Input,
    Opened,
    OpenFailed,
    Received,
    Recorded,
    Refused,
    Reviewed,
    SessionDecided,
    SessionRecord,
    Tick,
    TlsStarted,
    cancel_process,
)
from .answering import JOINED, Answering
from .answers import error_message
from .asking import CLIENT_TAGS, Asking
from .entrance import Entrance
from .lane import Lane
from .running import finish
from .session import Session
from .shelf import Shelf
from .startup import cancel_request, ssl_request
from .wire import FrameReader

_STATEMENT_TAGS = b"QP"
_MAX_EARLY_BYTES = 65_536


class PostgresConversation:
    """The protocol of one session: entrance, then traffic in both directions, then one ending.

    Any `PeerError` that leaves `handle`, and any other exception, is answered by the driver with
    `Abort`, after which the conversation is over whatever state it was in.
    """

    def __init__(
        self,
        house: House,
        shelves: Mapping[str, Shelf],
        client: Client,
        ids: Ids | None = None,
    ) -> None:
        random, limits = house.random, house.limits
        record = SessionRecord(
            tenant=house.tenant, connector="postgres", instance=house.instance, client=client,
            clock=house.clock, random=random, ids=ids,
        )  # fmt: skip
        self.session = Session(
            redactor=house.redactor, clock=house.clock, random=random, limits=limits, record=record
        )
        self.cancel_key = (cancel_process(house.siblings.number, random(4)), random(4))
        self._asking = Asking(self.session, house.waits)
        self._answering = Answering(self.session, self._asking)
        self._entrance = Entrance(
            self.session,
            house.resources,
            shelves,
            tls=house.tls,
            plaintext_anywhere=house.plaintext_anywhere,
            cancel_key=self.cancel_key,
            usage=house.usage,
            opened=self._opened,
        )
        self._lane = Lane(self.session, self._asking, self._answering.bounding, house.authority)
        self._answering.bounding.upstream_cancel = lambda: self._entrance.upstream_cancel
        small = dict.fromkeys(_STATEMENT_TAGS, limits.statement_bytes)
        self._client_reader = FrameReader(limits.message_bytes, small, CLIENT_TAGS)
        self._upstream_reader = FrameReader(limits.message_bytes)
        self._heard = False
        self._greeted = False
        self._smooth = False
        """Nothing but the client's next statement is waited for in general; no end is near."""
        self._over = False
        self._draining = False
        self._handlers: dict[type, Callable[..., None]] = {
            Received: self._received,
            Recorded: lambda event: self.session.recorded(event.ticket, event.error),
            Decided: lambda event: self.session.decided(event.ticket, event.decision, event.access),
            Held: lambda event: self._asking.holding.told(event.ticket, event.notice, event.hint),
            Reviewed: self._reviewed,
            Cut: self._cut,
            Closed: self._closed,
            Opened: lambda _: self._entrance.upstream_opened(),
            OpenFailed: lambda event: self._entrance.upstream_failed(event.reason),
            TlsStarted: lambda event: self._entrance.tls_started(event.side, event.certificate),
            Authenticated: lambda event: self._entrance.authenticated(event.actor),
            Refused: lambda event: self._entrance.refused(event.message, event.hint, event.holder),
            SessionDecided: lambda event: self._entrance.decided(event.decision, event.access),
            Tick: self._tick,
            Drain: self._drain,
            Abort: self._abort,
        }

    @property
    def session_id(self) -> str:
        """The session's id, as in its events."""
        return self.session.record.session_id

    @property
    def actor(self) -> Identity | None:
        """Whose session it is; see `Conversation`."""
        return self.session.actor

    @property
    def due_ns(self) -> int:
        """When it wants a `Tick`; see `Conversation`."""
        return self.session.lifetime.due_ns

    @property
    def rests_on(self) -> tuple[Identity, frozenset[str]] | None:
        """Who uses it and under which grants; see `Conversation`."""
        session = self.session
        return (session.actor, session.grants) if session.grants and session.actor is not None else None

    def start(self) -> Sequence[Effect]:
        """The client connected."""
        self._entrance.start()
        return self.session.outbox.take()

    def handle(self, event: Input) -> Sequence[Effect]:
        """Take one input; see `Conversation`."""
        if self._over:
            return ()
        kind = type(event)
        lane = self._lane
        if kind is Received and self._takes_lane(event):
            if self._asking.exchange is None:
                return self.session.outbox.take()
        else:
            if lane.flight is not None and kind is not Recorded:
                lane.settle()
            self._handlers[kind](event)
            if lane.flight is not None:
                return self.session.outbox.take()
        self._over = self._over or self._entrance.step == "over"
        if self._entrance.step == "open" and not self._over:
            if not self._greeted and self._asking.exchange is None:
                self._greeted = self._smooth = True
                self._entrance.greet()
                self._begin_lifetime()
            if self.session.end_with is not None:
                self._say_goodbye("session.aborted", *self.session.end_with)
            elif self._greeted:
                self._go_on()
        return self.session.outbox.take()

    def cancel(self) -> Sequence[Effect]:
        """The holder of the cancel key asked; nothing happens if nothing runs."""
        if not self._over:
            self._lane.settle()
        exchange = self._asking.exchange
        if not self._over and self._asking.holding.cancel():
            self._go_on()
            return self.session.outbox.take()
        if self._over or exchange is None or not exchange.forwarded or exchange.catalogue_begun:
            return ()
        run = next((expect.run for expect in exchange.pending if expect.run), None)
        self.session.submit(self.session.event("statement.cancelled", request_id=run.id if run else ""))
        self._cancel_upstream()
        return self.session.outbox.take()

    def gone(self) -> None:
        """Both sockets are closed: what the session held of shared limits is free."""
        if self.session.allowance is not None:
            self.session.allowance.close()

    def _cancel_upstream(self) -> None:
        exchange = self._asking.exchange
        if exchange is None or not exchange.forwarded:
            return
        process, key = self._entrance.upstream_cancel
        self.session.outbox.aside(
            CancelUpstream(self.session.address, cancel_request(process, key), ssl_request(), b"S")
        )

    # -- inputs ---------------------------------------------------------------------------------

    def _takes_lane(self, event: Any) -> bool:
        """Whether what arrived went the short way, from its beginning to where it waits."""
        if event.side == "upstream":
            return self._lane.flight is not None and self._lane.answer(event.data)
        return (
            self._smooth
            and self._lane.flight is None
            and not self._client_reader.partial_bytes
            and not self._upstream_reader.partial_bytes
            and self._lane.ask(event.data)
        )

    def _received(self, event: Received) -> None:
        if event.side == "upstream":
            if self._entrance.step != "open":
                self._entrance.from_upstream(event.data)
                return
            self._answering.take(*self._upstream_reader.feed_runs(event.data, JOINED))
            return
        self._heard = True
        self.session.lifetime.active_ns = self.session.clock.monotonic_ns()
        data = event.data if self._entrance.step == "open" else self._entrance.from_client(event.data)
        if not data:
            return
        buffer, spans = self._client_reader.feed(data)
        for tag, start, end in spans:
            self._asking.arrive(tag, buffer[start:end])
        if not self._greeted and sum(end - start for _, start, end in spans) > _MAX_EARLY_BYTES:
            raise PeerError("statements before the login was answered")

    def _opened(self) -> None:
        """The session is recorded; before the client may ask, the gateway must know the tables."""
        if self.session.shelf.wants_reading(self.session.clock.monotonic_ns()):
            self._asking.read_catalogue()

    def _go_on(self) -> None:
        self._asking.work()
        if self._asking.left:
            self._end("session.closed", Outcome(status="success"))
        elif self._draining and self._idle():
            self._say_goodbye("session.closed", "57P01", "the gateway is stopping")

    def _idle(self) -> bool:
        return self._asking.exchange is None and not self.session.asking and self.session.tx == b"I"

    def _tick(self, event: Tick) -> None:
        self.session.tick()
        if not self._greeted:
            self._entrance.too_late()
            return
        now_ns = self.session.clock.monotonic_ns()
        due = self.session.lifetime.due(now_ns, self.session.record.count, idle=self._awaits_client())
        if due is not None:
            self._carry_out_due(due)

    def _begin_lifetime(self) -> None:
        session, allowance = self.session, self.session.allowance
        session.lifetime.begin(
            session.clock.monotonic_ns(),
            heartbeat_ns=session.limits.heartbeat_ns,
            idle_ns=allowance.idle_ns if allowance else 0,
            session_ns=allowance.session_ns if allowance else 0,
        )

    def _awaits_client(self) -> bool:
        return self._asking.exchange is None and not self.session.asking

    def _carry_out_due(self, due: Due) -> None:
        session = self.session
        if due == "alive":
            exchange = self._asking.exchange
            running = [expect.run.id for expect in exchange.pending if expect.run] if exchange else []
            session.submit(session.event("session.alive", attrs={"running": running} if running else None))
        elif due == "idle":
            code = "57P05" if session.tx == b"I" else "25P03"
            self._say_goodbye("session.aborted", code, "the session was idle for longer than its limit")
        else:
            # Closing alone would let the database run on until it next writes.
            self._cancel_upstream()
            self._say_goodbye(
                "session.aborted", "57P01", "the session has lasted as long as its limit allows"
            )

    def _drain(self, event: Drain) -> None:
        self._draining = True
        self._smooth = False
        if not self._greeted:
            self._entrance.refuse("57P01", "the gateway is stopping", "connect again")

    def _reviewed(self, event: Reviewed) -> None:
        self._asking.holding.settled(
            event.ticket, event.verdict, event.reason, event.hint, event.grant_id, event.access
        )

    def _cut(self, event: Cut) -> None:
        """What it rests on was taken back: the database stops what runs, and rolls it back."""
        self._cancel_upstream()
        self._say_goodbye("session.aborted", "57P01", event.reason)

    def _closed(self, event: Closed) -> None:
        if event.side == "upstream" and self._entrance.step == "open" and not self._answering.said_fatal:
            text = "the database closed the connection"
            self.session.outbox.client(error_message("08006", text, severity="FATAL"))
            self._end("session.aborted", Outcome(status="failure", code="08006", reason=text))
        elif event.side == "upstream" and self._entrance.step in ("opening", "login"):
            self._entrance.upstream_failed("it closed the connection during the login")
        elif not self._greeted and self._entrance.step != "open":
            if self._entrance.step != "over" and self._heard:
                reason = event.why or "the client left before it was let in"
                self.session.submit(
                    self.session.event("session.refused", outcome=Outcome(status="failure", reason=reason))
                )
            self._finish_off()
        elif event.side == "client" and self._idle():
            self._end("session.closed", Outcome(status="success", reason="the client left without a word"))
        else:
            reason = (
                "the client left in the middle"
                if event.side == "client"
                else "the database ended the session"
            )
            self._end("session.aborted", Outcome(status="failure", reason=reason))

    def _abort(self, event: Abort) -> None:
        code = "57P01" if event.cut else "08P01"
        if self._greeted:
            # Closing alone would let the database run on until it next writes.
            self._cancel_upstream()
            self._say_goodbye("session.aborted", code, event.reason)
        elif self._entrance.step == "open":
            self.session.outbox.client(error_message(code, event.reason, severity="FATAL"))
            self._end("session.aborted", Outcome(status="failure", code=code, reason=event.reason))
        else:
            self._entrance.refuse(code, event.reason, "")

    # -- endings --------------------------------------------------------------------------------

    def _say_goodbye(self, action: str, code: str, reason: str) -> None:
        if not self._answering.said_fatal:
            self.session.outbox.client(error_message(code, reason, severity="FATAL"))
        outcome = Outcome(
            status="success" if action == "session.closed" else "failure", code=code, reason=reason
        )
        self._end(action, outcome)

    def _end(self, action: str, outcome: Outcome) -> None:
        """The one ending: what still runs has an unknown outcome, and both sides are closed."""
        exchange = self._asking.exchange
        if exchange is not None:
            for expect in exchange.pending:
                if expect.run is not None:
                    finish(self.session, expect.run, unknown="the session ended first")
            for item in exchange.waiting:
                if item.expect is not None and item.expect.run is not None:
                    finish(self.session, item.expect.run, not_sent="not sent: the session ended first")
        self.session.submit(self.session.event(action, outcome=outcome))
        self._finish_off()

    def _finish_off(self) -> None:
        self._over = True
        self._asking.holding.leave()
        self.session.outbox.add(Close())
