"""Who visits the page: a sealed cookie that holds the token, checked anew at every request.

The cookie is AES-256-GCM under a key of the server's own, so it survives a restart and says nothing to
whoever reads it. A revoked token or a disabled actor is out at the next click.
"""

from __future__ import annotations

import base64
import hmac
import os
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State
from litestar.exceptions import PermissionDeniedException

from ...errors import Denied
from ...identity import Identity, TokenRefused, parse_token, with_reason
from ..ports import UseDesk

LIFETIME_SECONDS: Final = 8 * 3_600
_COOKIE = "glasshatch"
_TRIP = "glasshatch-signin"
_TRIP_SECONDS = 600
_PURPOSE = b"glasshatch page cookie v1"
_TRIP_PURPOSE = b"glasshatch page trip v1"
_WHY = "glasshatch-why"
_WHY_PURPOSE = b"glasshatch page reason v1"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
Connection = ASGIConnection[Any, Any, Any, State]
T = TypeVar("T")


class PageSettings(msgspec.Struct, frozen=True):
    """key: gives 32 bytes that seal cookies now. hosts: names by which the page is reached, and loopback."""

    key: Callable[[], bytes]
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PageSettings(hosts={self.hosts!r})"


class _Ticket(msgspec.Struct, frozen=True):
    token: str
    csrf: str
    expires: int
    made_here: bool = False

    def __repr__(self) -> str:
        return "_Ticket()"


class _Trip(msgspec.Struct, frozen=True):
    """A browser on its way to the identity provider and back."""

    state: str
    wanted: str
    expires: int


class _Why(msgspec.Struct, frozen=True):
    """Why somebody reads, during one visit."""

    reason: str
    csrf: str


class Visit(msgspec.Struct, frozen=True):
    """A signed-in person, and the secret that their forms carry.

    reason: why they read, if they said so. asks: whether saying so would show them more.
    """

    caller: Identity
    csrf: str
    reason: str = ""
    asks: bool = False

    def __repr__(self) -> str:
        return f"Visit({self.caller!r})"


Call = Request[Visit, Any, State]


class NotSignedIn(Exception):
    """There is no valid cookie; the answer is the way to sign in."""


class Door:
    """Seals cookies and opens them, and knows who has left.

    Who signed out is kept in memory until the cookie would have run out: a copy of it opens nothing
    either. After a restart only its end, or the end of the token in it, shuts a copied cookie out.
    """

    def __init__(self, settings: PageSettings) -> None:
        self._key = settings.key
        self._hosts = {*_LOOPBACK, *(host.lower() for host in settings.hosts)}
        self._left: dict[str, int] = {}

    def _seal(self) -> AESGCM:
        """Under the key of the moment: after a change of the control key every older cookie opens nothing."""
        return AESGCM(self._key())

    def __deepcopy__(self, _: object) -> Door:
        # Litestar copies a route's options for each of its handlers; there is one door all the same.
        return self

    def sign_in(self, call: Connection, token: str, *, made_here: bool = False) -> Cookie:
        """The cookie for a token that was accepted.

        Args:
            made_here: Signing in gave it out, so signing out ends it.

        Raises:
            Denied: It is not accepted, or does not open the record.
        """
        # Checked here first: the token goes on in a header, which does not take any text.
        if parse_token(token) is None:
            raise TokenRefused.unaccepted("unknown")
        call.app.state.authenticator.identify(token, "read")
        secret = base64.urlsafe_b64encode(os.urandom(24)).decode()
        ticket = _Ticket(token, secret, int(time.time()) + LIFETIME_SECONDS, made_here)
        return _cookie(call, self._sealed(ticket, _PURPOSE), LIFETIME_SECONDS)

    def token_made_here(self, call: Connection) -> str:
        """The token of the visit, if signing in here made it; or nothing."""
        ticket = self._opened(call)
        return ticket.token if ticket is not None and ticket.made_here else ""

    def remember_trip(self, call: Connection, state: str, wanted: str) -> Cookie:
        """The cookie of a browser that goes to the identity provider. It comes back from another site, so a
        strict cookie would not come with it; this one opens nothing but the way back."""
        trip = _Trip(state, wanted, int(time.time()) + _TRIP_SECONDS)
        return self._trip_cookie(call, self._sealed(trip, _TRIP_PURPOSE), _TRIP_SECONDS)

    def end_trip(self, call: Connection, state: str) -> str | None:
        """Where the browser that went out with this state wanted to go; None if it was not this one."""
        trip = self._unsealed(call.cookies.get(_trip_name(call), ""), _Trip, _TRIP_PURPOSE)
        if trip is None or trip.expires < time.time():
            return None
        return trip.wanted if hmac.compare_digest(trip.state.encode(), state.encode()) else None

    def forget_trip(self, call: Connection) -> Cookie:
        """Takes that cookie away."""
        return self._trip_cookie(call, "", 0)

    def _trip_cookie(self, call: Connection, value: str, seconds: int) -> Cookie:
        return Cookie(
            key=_trip_name(call), value=value, max_age=seconds, path="/", httponly=True, samesite="lax",
            secure=_is_https(call),
        )  # fmt: skip

    def _sealed(self, value: msgspec.Struct, purpose: bytes) -> str:
        nonce = os.urandom(12)
        sealed = nonce + self._seal().encrypt(nonce, msgspec.msgpack.encode(value), purpose)
        return base64.urlsafe_b64encode(sealed).decode()

    def _unsealed(self, text: str, type: type[T], purpose: bytes) -> T | None:
        try:
            sealed = base64.urlsafe_b64decode(text.encode())
            return msgspec.msgpack.decode(self._seal().decrypt(sealed[:12], sealed[12:], purpose), type=type)
        except (ValueError, InvalidTag, msgspec.DecodeError):
            return None

    def sign_out(self, call: Connection) -> Cookie:
        """End the cookie that came, and every copy of it; gives the one that takes it away."""
        ticket = self._opened(call)
        now = time.time()
        self._left = {secret: expires for secret, expires in self._left.items() if expires > now}
        if ticket is not None:
            self._left[ticket.csrf] = ticket.expires
        return _cookie(call, "", 0)

    def visit(self, call: Connection, scope: str) -> Visit:
        """Who visits.

        Raises:
            NotSignedIn: Nobody, or no longer.
            Denied: Somebody whose token does not open this.
        """
        ticket = self._opened(call)
        if ticket is None or ticket.expires < time.time() or ticket.csrf in self._left:
            raise NotSignedIn
        identify = call.app.state.authenticator.identify
        try:
            identify(ticket.token, "")
        except Denied:
            raise NotSignedIn from None
        why = self._unsealed(call.cookies.get(_why_name(call), ""), _Why, _WHY_PURPOSE)
        # Another visit in the same browser has to say its own.
        reason = why.reason if why is not None and why.csrf == ticket.csrf else ""
        return Visit(with_reason(identify(ticket.token, scope), reason), ticket.csrf, reason)

    def remember_reason(self, call: Connection, reason: str) -> Cookie:
        """The cookie that keeps why somebody reads, until the browser closes or the visit ends."""
        ticket = self._opened(call)
        if ticket is None:
            raise NotSignedIn
        return _why_cookie(call, self._sealed(_Why(reason, ticket.csrf), _WHY_PURPOSE))

    def forget_reason(self, call: Connection) -> Cookie:
        """Takes it away."""
        return _why_cookie(call, "", 0)

    def knows_host(self, call: Connection) -> bool:
        """Whether the page was asked for by a name of its own: another one would be a rebound DNS name."""
        try:
            name = urlsplit(f"//{call.headers.get('host', '')}").hostname
        except ValueError:
            return False
        return name in self._hosts

    def _opened(self, call: Connection) -> _Ticket | None:
        return self._unsealed(call.cookies.get(_cookie_name(call), ""), _Ticket, _PURPOSE)


def desk_of(call: Call) -> UseDesk:
    """The desk that answers."""
    desk: UseDesk = call.app.state.desk
    return desk


def require_own_site(call: Connection) -> None:
    """Let a form through that a page of this very site has sent.

    Raises:
        PermissionDeniedException: The browser says that it comes from another one.
    """
    origin = call.headers.get("origin", "")
    foreign = origin and urlsplit(origin).netloc != call.headers.get("host", "")
    if foreign or call.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDeniedException("this form was not sent by this page")


def require_own_form(visit: Visit, given: str) -> None:
    """Let a form through that was made for this visit.

    Raises:
        PermissionDeniedException: It lacks the visit's secret.
    """
    if not hmac.compare_digest(given.encode(), visit.csrf.encode()):
        raise PermissionDeniedException("this form was not sent by this page")


def _is_https(call: Connection) -> bool:
    # TLS ends before us; a browser cannot be made to send this header to a page that it shows.
    return call.headers.get("x-forwarded-proto", call.url.scheme) == "https"


def _cookie_name(call: Connection) -> str:
    # Browsers take the prefix over https only, and then from nobody but this host.
    return f"__Host-{_COOKIE}" if _is_https(call) else _COOKIE


def _trip_name(call: Connection) -> str:
    return f"__Host-{_TRIP}" if _is_https(call) else _TRIP


def _why_name(call: Connection) -> str:
    return f"__Host-{_WHY}" if _is_https(call) else _WHY


def _why_cookie(call: Connection, value: str, seconds: int | None = None) -> Cookie:
    return Cookie(
        key=_why_name(call), value=value, max_age=seconds, path="/", httponly=True, samesite="strict",
        secure=_is_https(call),
    )  # fmt: skip


def _cookie(call: Connection, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=_cookie_name(call), value=value, max_age=seconds, path="/", httponly=True, samesite="strict",
        secure=_is_https(call),
    )  # fmt: skip
