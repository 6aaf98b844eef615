"""Carries out the effects of one conversation over two sockets: the same driver for every protocol.

One `asyncio.Protocol` per direction; a side is not read while the other cannot be written. Whatever
goes wrong here or in the conversation ends the session on both sides and is recorded.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ...clock import Clock
from ...errors import Denied, GlasshatchError, NotAuthenticated, PeerError, place_of_bug
from ...identity import Identity
from ..core import (
    Abort,
    Address,
    Ask,
    AskSession,
    Authenticate,
    Authenticated,
    Authenticator,
    Authority,
    CancelOther,
    CancelUpstream,
    Close,
    Closed,
    Conversation,
    Decided,
    Hold,
    Input,
    Open,
    Opened,
    OpenFailed,
    Pause,
    Received,
    Record,
    Recorded,
    Refused,
    Resume,
    Reviewing,
    Send,
    SessionDecided,
    Side,
    StartTls,
    Tick,
    TlsStarted,
    Wake,
    Withdraw,
)
from .cancelling import cancel_upstream
from .clientcerts import ClientTls
from .handshakes import handshake_failure, os_reason, shown_certificate
from .mailbox import Mailbox, Outgoing
from .tls import upstream_context
from .waiting import Waits

_log = logging.getLogger("glasshatch.gateway")
_CONNECT_SECONDS = 10.0
_LINGER_SECONDS = 5.0
_WRITE_HIGH_BYTES = 256 << 10
_FAILED = "the gateway failed and closed the session"


class Surroundings(Protocol):
    """What a driver needs of its server."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    outgoing: Outgoing
    mailbox: Mailbox
    authenticator: Authenticator
    authority: Authority
    reviewing: Reviewing
    server_tls: ClientTls | None

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is over before the server is."""

    def cancel(self, process: int, key: bytes) -> None:
        """Pass a cancel request to the session that holds the key."""

    def gone(self, driver: SessionDriver) -> None:
        """The session is over."""

    def endings_mark(self) -> int:
        """A moment, for `ended_since`."""

    def ended_since(self, mark: int, actor: Identity) -> str:
        """Why a session of this identity would be over, by what ended since that moment; or nothing."""


class _End(asyncio.Protocol):
    """One socket of a session."""

    def __init__(self, driver: SessionDriver, side: Side) -> None:
        self._driver = driver
        self._side: Side = side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._driver.connected(self._side, transport)

    def data_received(self, data: bytes) -> None:
        self._driver.feed(Received(self._side, data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.lost(self._side)

    def pause_writing(self) -> None:
        self._driver.hold_other(self._side, True)

    def resume_writing(self) -> None:
        self._driver.hold_other(self._side, False)


class SessionDriver:
    """One session's sockets and its conversation. Belongs to the event loop's thread."""

    def __init__(self, conversation: Conversation, around: Surroundings) -> None:
        self.conversation = conversation
        self._around = around
        self._transports: dict[Side, asyncio.Transport] = {}
        self._held: dict[Side, set[str]] = {"client": set(), "upstream": set()}
        self._inputs: deque[Input] = deque()
        self._busy = False
        self._closing = False
        self._failed = False
        self._upstream_address: Address | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._waits = Waits(around, self.feed)
        self._effects: dict[type, Callable[[Any], None]] = {
            Send: self._send,
            Record: self._record,
            Ask: self._ask,
            AskSession: self._ask_session,
            Hold: self._waits.begin,
            Withdraw: self._waits.withdraw,
            Authenticate: lambda effect: self._around.spawn(self._authenticate(effect)),
            Open: lambda effect: self._around.spawn(self._open(effect)),
            StartTls: lambda effect: self._around.spawn(self._start_tls(effect.side)),
            Close: lambda _: self.close(),
            Wake: self._wake,
            Pause: lambda _: self._hold("client", "conversation", True),
            Resume: lambda _: self._hold("client", "conversation", False),
            CancelOther: lambda effect: self._around.cancel(effect.process, effect.key),
            CancelUpstream: lambda effect: self._around.spawn(cancel_upstream(effect)),
        }

    def client_end(self) -> asyncio.Protocol:
        """The protocol for the accepted socket."""
        return _End(self, "client")

    # -- sockets --------------------------------------------------------------------------------

    def connected(self, side: Side, transport: asyncio.BaseTransport) -> None:
        """A socket stands."""
        if not isinstance(transport, asyncio.Transport) and not hasattr(transport, "write"):
            raise TypeError("not a stream transport")
        stream: asyncio.Transport = transport  # type: ignore[assignment]
        stream.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
        self._transports[side] = stream
        if side == "client":
            self._carry_out(self.conversation.start())
        elif self._closing:
            stream.abort()

    def lost(self, side: Side) -> None:
        """A socket is gone."""
        self._transports.pop(side, None)
        if not self._closing:
            self.feed(Closed(side))
        elif not self._transports:
            self._around.gone(self)

    def hold_other(self, side: Side, held: bool) -> None:
        """This side cannot be written for now, so what would be written to it is not read."""
        self._hold("upstream" if side == "client" else "client", "other side", held)

    def _hold(self, side: Side, why: str, held: bool) -> None:
        reasons = self._held[side]
        before = bool(reasons)
        reasons.add(why) if held else reasons.discard(why)
        transport = self._transports.get(side)
        if transport is None or bool(reasons) == before or transport.is_closing():
            return
        if reasons:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def close(self) -> None:
        """Write what is pending, then close both sides; a side that does not read is cut after a while."""
        if self._closing:
            return
        self._closing = True
        for timer in self._timers:
            timer.cancel()
        for transport in self._transports.values():
            transport.close()
            self._around.loop.call_later(_LINGER_SECONDS, transport.abort)
        if not self._transports:
            self._around.gone(self)

    # -- inputs and effects ---------------------------------------------------------------------

    def feed(self, event: Input) -> None:
        """Give the conversation an input and carry out what it wants; never re-entered."""
        self._inputs.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inputs:
                self._carry_out(self._handled(self._inputs.popleft()))
        finally:
            self._busy = False

    def cancel(self) -> None:
        """The holder of this session's key wants its statement cancelled."""
        try:
            self._carry_out(self.conversation.cancel())
        except Exception as error:
            self._fail(error)

    def _handled(self, event: Input) -> Any:
        try:
            return self.conversation.handle(event)
        except PeerError as error:
            self._inputs.clear()
            return self._abort(error.message)
        except Exception as error:
            self._inputs.clear()
            _log_failure(error)
            return self._abort(_FAILED)

    def _abort(self, reason: str) -> Any:
        try:
            return self.conversation.handle(Abort(reason))
        except Exception as error:
            _log_failure(error)
            return (Close(),)

    def _carry_out(self, effects: Any) -> None:
        for effect in effects:
            try:
                self._effects[type(effect)](effect)
            except Exception as error:
                self._fail(error)
                return

    def _fail(self, error: Exception) -> None:
        """Carrying out an effect failed: end the session, and if that fails too, just cut it."""
        _log_failure(error)
        if self._failed:
            self.close()
            return
        self._failed = True
        self.feed(Abort(_FAILED))

    def _send(self, effect: Send) -> None:
        transport = self._transports.get(effect.side)
        if transport is not None:
            transport.write(effect.data)

    def _record(self, effect: Record) -> None:
        around = self._around
        if effect.ticket is None:
            around.outgoing.aside(effect.event)
        else:
            around.outgoing.add(effect.event, around.mailbox, self._recorded, effect.ticket)

    def _recorded(self, ticket: int, error: str) -> None:
        self.feed(Recorded(ticket, error))

    def _ask(self, effect: Ask) -> None:
        authority = self._around.authority
        decision = authority.decide(effect.actor, effect.resource, effect.statement, effect.masked)
        access = authority.access(decision.grant_id) if decision.grant_id else None
        self.feed(Decided(effect.ticket, decision, access))

    def _ask_session(self, effect: AskSession) -> None:
        authority = self._around.authority
        decision = authority.authorise(effect.actor, effect.resource)
        access = authority.access(decision.grant_id) if decision.grant_id else None
        self.feed(SessionDecided(decision, access))

    def _wake(self, effect: Wake) -> None:
        delay = (effect.at_ns - self._around.clock.monotonic_ns()) / 1e9
        self._timers.append(self._around.loop.call_later(max(delay, 0.0), self._tick))

    def _tick(self) -> None:
        # Timers are few (the login's and one for records), and a fired one is harmless to cancel.
        del self._timers[:-2]
        self.feed(Tick())

    # -- what takes time ------------------------------------------------------------------------

    async def _authenticate(self, effect: Authenticate) -> None:
        mark = self._around.endings_mark()
        try:
            actor = await self._around.authenticator.authenticate(
                effect.user, effect.secret, effect.resource, effect.client, effect.certificate
            )
            # What ended while that was found out was not looked for in this session.
            if reason := self._around.ended_since(mark, actor):
                raise Denied(f"the session is over before it began: {reason}")
        except Denied as error:
            holder = error.holder if isinstance(error, NotAuthenticated) else ""
            self.feed(Refused(error.message, error.hint, holder))
        except GlasshatchError:
            self.feed(Refused("it cannot be told who you are at the moment", "try again later"))
        except Exception as error:
            _log_failure(error)
            self.feed(Abort(_FAILED))
        else:
            self.feed(Authenticated(actor))

    async def _open(self, effect: Open) -> None:
        address = self._upstream_address = effect.address
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._around.loop.create_connection(
                    lambda: _End(self, "upstream"), address.host, address.port
                )
        except TimeoutError:
            self.feed(OpenFailed("it did not answer in time"))
        except OSError as error:
            self.feed(OpenFailed(os_reason(error)))
        else:
            self.feed(Opened())

    async def _start_tls(self, side: Side) -> None:
        transport = self._transports.get(side)
        if transport is None:
            return
        try:
            secure = await self._around.loop.start_tls(
                transport,
                transport.get_protocol(),
                self._tls_context(side),
                server_side=side == "client",
                server_hostname=self._tls_name(side),
                ssl_handshake_timeout=_CONNECT_SECONDS,
            )
        except (OSError, ssl.SSLError, GlasshatchError) as error:
            self._tls_failed(side, error)
            return
        if secure is None:
            self._tls_failed(side, ConnectionError())
            return
        self._transports[side] = secure
        secure.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
        self.feed(TlsStarted(side, shown_certificate(secure) if side == "client" else b""))

    def _tls_context(self, side: Side) -> ssl.SSLContext:
        if side == "client":
            if self._around.server_tls is None:
                raise RuntimeError("TLS was offered without a certificate")
            return self._around.server_tls.context()
        return upstream_context(self._address())

    def _tls_name(self, side: Side) -> str | None:
        return None if side == "client" else self._address().host

    def _address(self) -> Address:
        if self._upstream_address is None:
            raise RuntimeError("TLS with an upstream that was never opened")
        return self._upstream_address

    def _tls_failed(self, side: Side, error: Exception) -> None:
        if side == "upstream":
            verified = isinstance(error, ssl.SSLCertVerificationError)
            self.feed(
                OpenFailed("its certificate is not the expected one" if verified else "TLS with it failed")
            )
        else:
            self.feed(Closed("client", handshake_failure(error)))


def _log_failure(error: BaseException) -> None:
    """Say what failed and where. Never the exception's text: it may hold a statement or a value."""
    _log.error("gateway failure: %s", place_of_bug(error))
