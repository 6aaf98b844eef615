"""Who visits the page: a sealed cookie that holds the token, checked anew at every request.

The cookie is AES-256-GCM under a key of the server's own, so it survives a restart and says nothing to
whoever reads it. A revoked token or a disabled actor is out at the next click.
"""

from __future__ import annotations

import base64
import hmac
import os
import time
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request
from litestar.datastructures import Cookie, State
from litestar.exceptions import PermissionDeniedException

from ...errors import Denied
from ...identity import Identity

Call = Request[Any, Any, State]
COOKIE: Final = "glasshatch"
LIFETIME_SECONDS: Final = 8 * 3_600
_PURPOSE = b"glasshatch page cookie v1"


class PageSettings(msgspec.Struct, frozen=True):
    """key: 32 bytes that seal cookies. hosts: names by which the page is reached, beside loopback ones."""

    key: bytes
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PageSettings(hosts={self.hosts!r})"


class _Ticket(msgspec.Struct, frozen=True):
    token: str
    csrf: str
    expires: int

    def __repr__(self) -> str:
        return "_Ticket()"


class Visit(msgspec.Struct, frozen=True):
    """A signed-in person, and the secret that their forms carry."""

    caller: Identity
    csrf: str


class NotSignedIn(Exception):
    """There is no valid cookie; the answer is the way to sign in."""


def sign_in(call: Call, settings: PageSettings, token: str) -> Cookie:
    """The cookie for a token that was accepted.

    Raises:
        Denied: It is not accepted.
    """
    call.app.state.authenticator.identify(token, "read")
    ticket = _Ticket(
        token, base64.urlsafe_b64encode(os.urandom(24)).decode(), int(time.time()) + LIFETIME_SECONDS
    )
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(settings.key).encrypt(nonce, msgspec.msgpack.encode(ticket), _PURPOSE)
    return _cookie(call, base64.urlsafe_b64encode(sealed).decode(), LIFETIME_SECONDS)


def sign_out(call: Call) -> Cookie:
    """The cookie that takes the other one away."""
    return _cookie(call, "", 0)


def visit_of(call: Call, settings: PageSettings, scope: str = "read") -> Visit:
    """Who visits.

    Raises:
        NotSignedIn: Nobody, or no longer.
        Denied: Somebody whose token does not open this.
    """
    ticket = _opened(call.cookies.get(COOKIE, ""), settings.key)
    if ticket is None or ticket.expires < time.time():
        raise NotSignedIn
    try:
        call.app.state.authenticator.identify(ticket.token, "")
    except Denied:
        raise NotSignedIn from None
    return Visit(call.app.state.authenticator.identify(ticket.token, scope), ticket.csrf)


def require_own_form(call: Call, visit: Visit, given: str) -> None:
    """Let a form through that this page has sent, and no other.

    Raises:
        PermissionDeniedException: It comes from another site, or lacks the visit's secret.
    """
    origin = call.headers.get("origin", "")
    foreign = origin and urlsplit(origin).netloc != call.headers.get("host", "")
    site = call.headers.get("sec-fetch-site", "same-origin")
    if (
        foreign
        or site not in ("same-origin", "none")
        or not hmac.compare_digest(given.encode(), visit.csrf.encode())
    ):
        raise PermissionDeniedException("this form was not sent by this page")


def known_host(call: Call, settings: PageSettings) -> bool:
    """Whether the page was asked for by a name of its own: another one would be a rebound DNS name."""
    host = call.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    return name in ("localhost", "127.0.0.1", "::1", *settings.hosts)


def _opened(text: str, key: bytes) -> _Ticket | None:
    try:
        sealed = base64.urlsafe_b64decode(text.encode())
        plain = AESGCM(key).decrypt(sealed[:12], sealed[12:], _PURPOSE)
        return msgspec.msgpack.decode(plain, type=_Ticket)
    except (ValueError, InvalidTag, msgspec.DecodeError):
        return None


def _cookie(call: Call, value: str, seconds: int) -> Cookie:
    secure = call.headers.get("x-forwarded-proto", call.url.scheme) == "https"
    return Cookie(
        key=COOKIE, value=value, max_age=seconds, path="/", httponly=True, samesite="strict", secure=secure
    )
