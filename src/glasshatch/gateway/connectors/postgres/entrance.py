"""From the first byte to an open session: TLS, who it is, whether they may, and the database's login.

Refusals are recorded, said to the client in PostgreSQL's own form, and end the connection.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from ....errors import Denied, PeerError, Unavailable
from ....events import Access, DecisionMade, Outcome
from ....identity import Identity
from ....policy import Breach, Decision
from ...core import (
    AskSession,
    Authenticate,
    CancelOther,
    Close,
    GuardedResource,
    Limiter,
    Open,
    StartTls,
    Wake,
)
from .answers import error_message, notice_message
from .login import LoginStep, UpstreamLogin
from .session import Session
from .shelf import Shelf
from .startup import (
    CANCEL_REQUEST,
    GSSENC_REQUEST,
    SSL_REQUEST,
    Startup,
    negotiate,
    packet_code,
    read_cancel,
    read_startup,
    take_packet,
)
from .wire import FrameReader, cstring, message

_SECRET_BYTES = 8192
_ASK_PASSWORD = message(b"R", (3).to_bytes(4, "big"))
_AUTHENTICATED = message(b"R", (0).to_bytes(4, "big"))

_GLASS = "BREAK-GLASS: everything you do is recorded, everybody is told, and somebody else reviews it"
_GLASS_HINT = "Do what you came for, and leave. Until it is reviewed you can use no other sheet."

Step = Literal[
    "startup", "tls", "password", "identity", "policy", "opening", "login", "recording", "open", "over"
]


class Entrance:
    """One client's way in. `opened` is called once the session is recorded and both sides are ready.

    Args:
        resources: What can be reached, by the name clients give as database.
        shelves: The catalogue snapshots of these resources.
        tls: Whether the gateway has a certificate.
        plaintext_anywhere: Whether a token may come in clear from another host.
        cancel_key: What this client may cancel its own statements with.
        usage: The limits, and what all sessions use of them.
    """

    def __init__(
        self,
        session: Session,
        resources: Mapping[str, GuardedResource],
        shelves: Mapping[str, Shelf],
        *,
        tls: bool,
        plaintext_anywhere: bool,
        cancel_key: tuple[int, bytes],
        usage: Limiter,
        opened: Callable[[], None],
    ) -> None:
        self.step: Step = "startup"
        self._session = session
        self._resources = resources
        self._shelves = shelves
        self._tls = tls
        self._secure = False
        self._certificate = b""
        self._gss_asked = False
        self._plaintext = plaintext_anywhere or _is_loopback(session.client.ip)
        self._cancel_key = cancel_key
        self._usage = usage
        self._opened = opened
        self._buffer = bytearray()
        self._secret_reader = FrameReader(_SECRET_BYTES, allowed=frozenset(b"pX"))
        self._startup: Startup | None = None
        self._login: UpstreamLogin | None = None
        self._deadline_ns = 0
        self._decision: DecisionMade | None = None

    def start(self) -> None:
        """The client connected: it has a bounded time to become a session."""
        session = self._session
        self._deadline_ns = session.clock.monotonic_ns() + session.limits.login_ns
        session.outbox.aside(Wake(self._deadline_ns))

    def from_client(self, data: bytes) -> bytes:
        """Take the client's bytes; what comes after the password is given back for later."""
        if self.step == "startup":
            self._buffer += data
            self._packets()
        elif self.step == "password":
            return self._password(data)
        else:
            return data
        return b""

    def from_upstream(self, data: bytes) -> None:
        """Take the database's bytes during its login."""
        if self._login is None or self.step != "login":
            raise PeerError("the database spoke before it was asked")
        try:
            self._follow(self._login.feed(data))
        except Unavailable as error:
            self._no_upstream(error.message, error.hint, self._login.refusal)

    def tls_started(self, side: str, certificate: bytes = b"") -> None:
        """A handshake is done; a client may have shown a certificate."""
        if side == "client":
            self._secure = True
            self._certificate = certificate
            self.step = "startup"
        elif self._login is not None:
            self._follow(self._login.secured())

    def authenticated(self, actor: Identity) -> None:
        """The token was right; now policy."""
        session, startup = self._session, self._startup
        session.actor = actor
        session.record.know_actor(actor)
        guarded = self._resources.get(startup.database) if startup else None
        if guarded is None:
            self.refuse("3D000", "there is no such resource", "the database name must be a resource's name")
            return
        session.guarded = guarded
        session.shelf = self._shelves[guarded.facts.name]
        session.record.know_resource(guarded.facts)
        self.step = "policy"
        session.outbox.aside(AskSession(actor, guarded.facts))

    def refused(self, reason: str, hint: str, holder: str = "") -> None:
        """The token was not accepted."""
        self._session.record.know_holder(holder)
        self.refuse("28000" if self._certificate else "28P01", reason, hint)

    def decided(self, decision: Decision, access: Access | None) -> None:
        """Policy's word on the session."""
        made = DecisionMade(
            effect=decision.effect,
            rule=decision.rule,
            reason=decision.reason,
            policy_hash=decision.policy_hash,
        )
        self._session.record.access = access
        self._decision = made
        if decision.effect != "allow":
            self.refuse("42501", f"refused by policy: {decision.reason}", f"rule {decision.rule}", made)
            return
        if not self._take_place(made):
            return
        self.step = "opening"
        self._session.outbox.add(Open(self._session.address))

    def _take_place(self, decision: DecisionMade) -> bool:
        """Whether there is room for one more session of this actor; if so, it is taken."""
        session = self._session
        if session.actor is None:
            raise RuntimeError("a session before authentication")
        now_ns = session.clock.monotonic_ns()
        found = self._usage.open(session.actor, session.resource.facts.id, now_ns)
        if isinstance(found, Breach):
            rule = f"limits/{found.what}"
            over = msgspec.structs.replace(decision, effect="deny", rule=rule, reason=found.reason)
            self.refuse("53300", f"too many sessions: {found.reason}", "close some, or try again later", over)
            return False
        session.allowance = found
        return True

    def upstream_opened(self) -> None:
        """There is a connection to the database."""
        session, startup = self._session, self._startup
        settings = dict(startup.settings) if startup else {}
        settings["application_name"] = f"glasshatch {session.record.session_id}"
        nonce = base64.b64encode(session.random(18)).decode("ascii")
        self._login = UpstreamLogin(session.resource.target, settings, nonce)
        self.step = "login"
        self._follow(self._login.start())

    def upstream_failed(self, reason: str) -> None:
        """There is none."""
        self._no_upstream(reason, "try again later, or tell an administrator", "")

    def too_late(self) -> None:
        """The time to become a session is over."""
        if self.step == "over":
            return
        if self._session.clock.monotonic_ns() < self._deadline_ns:
            # A timer may go off a moment early, and nobody would look again.
            self._session.outbox.aside(Wake(self._deadline_ns))
            return
        self.refuse("08006", "the login took too long", "")

    def refuse(self, code: str, reason: str, hint: str, decision: DecisionMade | None = None) -> None:
        """Say why, record it, and end the connection."""
        session = self._session
        self.step = "over"
        session.submit(
            session.event(
                "session.refused",
                outcome=Outcome(status="failure", code=code, reason=reason),
                decision=decision,
            )
        )
        session.outbox.client(error_message(code, reason, hint=hint, severity="FATAL"))
        session.outbox.add(Close())

    # -- the client's packets -------------------------------------------------------------------

    def _packets(self) -> None:
        while self.step == "startup" and (packet := take_packet(self._buffer)) is not None:
            code = packet_code(packet)
            if code == SSL_REQUEST and not self._secure:
                self._answer_tls()
            elif code == GSSENC_REQUEST and not self._gss_asked:
                self._gss_asked = True
                self._session.outbox.client(b"N")
            elif code == CANCEL_REQUEST:
                self._cancel(packet)
            else:
                self._start_up(packet)

    def _answer_tls(self) -> None:
        if self._buffer:
            # Plaintext behind the request would be read as if it had come through TLS.
            raise PeerError("plaintext was put behind the request for TLS")
        if not self._tls:
            self._session.outbox.client(b"N")
            return
        self.step = "tls"
        self._session.outbox.client(b"S")
        self._session.outbox.add(StartTls("client"))

    def _cancel(self, packet: bytes) -> None:
        cancel = read_cancel(packet)
        self.step = "over"
        self._session.outbox.add(CancelOther(cancel.process, cancel.key))
        self._session.outbox.add(Close())

    def _start_up(self, packet: bytes) -> None:
        session = self._session
        try:
            startup = self._startup = read_startup(packet)
        except Denied as error:
            self.refuse("0A000", error.message, error.hint)
            return
        session.record.claim_actor(startup.user[:128])
        session.record.know_program(startup.application)
        if self._buffer:
            raise PeerError("data behind the startup packet")
        if not self._secure and not self._plaintext:
            self.refuse("28000", "this gateway takes a token only over TLS", "connect with sslmode=require")
            return
        if self._certificate:
            # TLS has proven that the client holds its key; whose it is, and whether it counts, is asked now.
            self.step = "identity"
            session.outbox.client(negotiate(startup))
            session.outbox.add(self._authenticate(""))
            return
        self.step = "password"
        session.outbox.client(negotiate(startup) + _ASK_PASSWORD)

    def _authenticate(self, secret: str) -> Authenticate:
        startup, session = self._startup, self._session
        assert startup is not None
        return Authenticate(startup.user, secret, startup.database, session.client, self._certificate)

    def _password(self, data: bytes) -> bytes:
        buffer, spans = self._secret_reader.feed(data)
        if not spans:
            return b""
        tag, start, end = spans[0]
        if tag == 0x58 or self._startup is None:
            self.step = "over"
            self._session.outbox.add(Close())
            return b""
        try:
            secret = buffer[start + 5 : end].rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError:
            raise PeerError("a password that is not UTF-8") from None
        self.step = "identity"
        self._session.outbox.add(self._authenticate(secret))
        return buffer[end:]

    # -- the database's login -------------------------------------------------------------------

    def _follow(self, step: LoginStep) -> None:
        if step.send:
            self._session.outbox.upstream(step.send)
        if step.start_tls:
            self._session.outbox.add(StartTls("upstream"))
        if step.done:
            self._record_opening()

    def _record_opening(self) -> None:
        session, startup = self._session, self._startup
        self.step = "recording"
        attrs: dict[str, object] = {"tls": self._secure, "upstream_tls": session.resource.target.tls}
        if session.actor is not None and session.actor.credential:
            attrs["certificate" if self._certificate else "token"] = session.actor.credential
        if session.limits.heartbeat_ns:
            # Whoever reads the record must know what silence means here.
            attrs["heartbeat_s"] = session.limits.heartbeat_ns // 10**9
        if session.resource.record == "async":
            # After a crash even the decision of a statement may be missing, and the record says so then.
            attrs["recording"] = "async"
        if startup and startup.settings:
            attrs["settings"] = sorted(startup.settings)
        event = session.event(
            "session.opened", outcome=Outcome(status="success"), attrs=attrs, decision=self._decision
        )
        session.submit(event, self._recorded)

    def _recorded(self, error: str) -> None:
        if self.step != "recording":
            return
        if error:
            self.refuse("57P03", "the session was not opened: recording is unavailable", "try again later")
            return
        self.step = "open"
        self._opened()

    def greet(self) -> None:
        """Tell the client that it may ask."""
        login, session = self._login, self._session
        parameters = dict(login.parameters) if login else {}
        parameters["client_encoding"] = "UTF8"
        process, key = self._cancel_key
        session.outbox.client(_AUTHENTICATED)
        for name, value in parameters.items():
            session.outbox.client(message(b"S", cstring(name) + cstring(value)))
        session.outbox.client(message(b"K", process.to_bytes(4, "big") + key))
        if session.record.access is not None and session.record.access.break_glass:
            session.outbox.client(notice_message(_GLASS, _GLASS_HINT))
        session.outbox.client(message(b"Z", b"I"))

    @property
    def upstream_cancel(self) -> tuple[int, bytes]:
        """Process and key of the database's own backend."""
        return (self._login.process, self._login.key) if self._login else (0, b"")

    def _no_upstream(self, reason: str, hint: str, code: str) -> None:
        name = self._session.resource.facts.id
        self.refuse("08001" if not code else "08004", f"resource {name} cannot be reached: {reason}", hint)


def _is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False
