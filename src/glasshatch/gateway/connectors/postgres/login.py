"""The gateway's own login at the upstream: TLS, SCRAM, settings, until it is ready for a query.

Pure: bytes in, steps out. A password never appears in an error.
"""

from __future__ import annotations

import msgspec

from ....errors import PeerError, Unavailable
from ...core import PostgresTarget
from . import scram
from .answers import error_fields
from .startup import ssl_request, startup_packet
from .wire import FrameReader, cstring, message

_LOGIN_MESSAGE_BYTES = 1 << 20
_REFUSALS = {
    "28P01": "the database refused the gateway's own credentials",
    "28000": "the database refused the gateway's own credentials",
    "3D000": "the upstream database does not exist",
    "53300": "the database has no free connections",
    "57P03": "the database is starting up or shutting down",
}


class LoginStep(msgspec.Struct, frozen=True):
    """What to do next: bytes to send, then TLS if asked; `done` once the upstream is ready."""

    send: bytes = b""
    start_tls: bool = False
    done: bool = False


class UpstreamLogin:
    """One login. After `done`: `parameters` the server reported, and its `process` and `key` for cancels.

    Args:
        settings: Run-time settings for the session.
        nonce: Fresh randomness for SCRAM.
    """

    def __init__(self, target: PostgresTarget, settings: dict[str, str], nonce: str) -> None:
        self._target = target
        self._settings = settings
        self._nonce = nonce
        self._reader = FrameReader(_LOGIN_MESSAGE_BYTES)
        self._awaits_tls_answer = False
        self._secure = False
        self._proof: scram.ScramClient | None = None
        self._proved = False
        self.parameters: dict[str, str] = {}
        self.process = 0
        self.key = b""
        self.refusal = ""
        """SQLSTATE with which the upstream refused, if it did."""

    def start(self) -> LoginStep:
        """The first bytes on a fresh connection."""
        if self._target.tls == "disable":
            return LoginStep(self._startup())
        self._awaits_tls_answer = True
        return LoginStep(ssl_request())

    def secured(self) -> LoginStep:
        """TLS stands; the server's certificate was checked as the target demands."""
        self._secure = True
        return LoginStep(self._startup())

    def feed(self, data: bytes) -> LoginStep:
        """Take bytes of the upstream.

        Raises:
            Unavailable: The upstream refused; the message is fit for the client.
            PeerError: The upstream broke the protocol.
        """
        if self._awaits_tls_answer:
            return self._tls_answer(data)
        buffer, spans = self._reader.feed(data)
        out: list[bytes] = []
        for tag, start, end in spans:
            body = buffer[start + 5 : end]
            if tag == 0x5A:
                return LoginStep(b"".join(out), done=True)
            out.append(self._take(tag, body))
        return LoginStep(b"".join(out))

    def _tls_answer(self, data: bytes) -> LoginStep:
        self._awaits_tls_answer = False
        if data == b"S":
            return LoginStep(start_tls=True)
        if data == b"N":
            raise Unavailable("the database offers no TLS", hint='enable it there, or set tls = "disable"')
        # More than one byte would be plaintext that a man in the middle put before the handshake.
        raise PeerError("the upstream answered a TLS request with something else")

    def _startup(self) -> bytes:
        target = self._target
        return startup_packet(
            {"user": target.user, "database": target.database, "client_encoding": "UTF8", **self._settings}
        )

    def _take(self, tag: int, body: bytes) -> bytes:
        if tag == 0x52:  # R, authentication
            return self._authenticate(int.from_bytes(body[:4], "big"), body[4:])
        if tag == 0x53:  # S, a parameter
            name, _, rest = body.partition(b"\0")
            self.parameters[name.decode("utf-8", "replace")] = rest.rstrip(b"\0").decode("utf-8", "replace")
        elif tag == 0x4B:  # K, the cancel key
            self.process, self.key = int.from_bytes(body[:4], "big"), body[4:]
        elif tag == 0x45:  # E
            self._refuse(body)
        elif tag not in (0x4E, 0x76):  # N is a notice, v settles on 3.0: nothing to do
            raise PeerError("the upstream sent an unexpected message during login")
        return b""

    def _authenticate(self, method: int, rest: bytes) -> bytes:
        if method == 0:
            if self._proof is not None and not self._proved:
                raise PeerError("the upstream accepted a password without proving that it knows it")
            return b""
        if method == 10:
            return self._begin_scram(rest)
        if method == 11 and self._proof:
            return message(b"p", self._proof.final(rest))
        if method == 12 and self._proof:
            self._proof.verify(rest)
            self._proved = True
            return b""
        if method == 3 and self._secure:
            return message(b"p", cstring(self._target.password()))
        raise Unavailable(
            "the database asks for a way of authentication that exposes the password",
            hint="set password_encryption = 'scram-sha-256' there and set the role's password again",
        )

    def _begin_scram(self, rest: bytes) -> bytes:
        if scram.MECHANISM.encode("ascii") not in rest.split(b"\0"):
            raise Unavailable("the database offers no SCRAM-SHA-256")
        self._proof = scram.ScramClient(self._target.password(), self._nonce)
        first = self._proof.first()
        return message(b"p", cstring(scram.MECHANISM) + len(first).to_bytes(4, "big") + first)

    def _refuse(self, body: bytes) -> None:
        self.refusal = error_fields(body).get("C", "")
        reason = _REFUSALS.get(self.refusal, f"the database refused the login (SQLSTATE {self.refusal[:5]})")
        raise Unavailable(
            reason, hint="the resource's host, user, password and database in the configuration"
        )
