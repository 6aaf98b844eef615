"""Routes about signing in: the first ones are for everybody, the others change what people sign in with."""

from __future__ import annotations

import ipaddress
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from ..identity import Identity, parse_token
from .client import CLIENT_HEADER
from .ports import SignInDesk
from .signin_values import (
    BrowserAnswer,
    BrowserForm,
    BrowserStarted,
    CertificateForm,
    CertificateIssued,
    CertificateView,
    DeviceAnswer,
    DeviceForm,
    DeviceStarted,
    FactorForm,
    FactorStarted,
    LinkForm,
    PasswordChange,
    PasswordForm,
    RecoveryCodes,
    RolesForm,
    SignedIn,
    Ways,
)
from .values import ActorView

Call = Request[Identity, Any, State]
Anyone = Request[Any, Any, State]

_PUBLIC = {"public": True}
_ADMIN = {"scope": "admin"}


def _desk(request: Request[Any, Any, State]) -> SignInDesk:
    desk: SignInDesk = request.app.state.desk
    return desk


def caller_address(request: Request[Any, Any, State]) -> str:
    """Where a call comes from, as far as it can be told; empty if it cannot.

    A proxy of ours on this machine says whom it speaks for in the last part of `X-Forwarded-For`.
    """
    if not request.app.state.use:
        return _plain(request.headers.get(CLIENT_HEADER, ""))
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if forwarded and (not peer or _is_loopback(peer)):
        return _plain(forwarded)
    return _plain(peer)


@get("/signin", opt=_PUBLIC, sync_to_thread=True)
def ways(request: Anyone) -> Ways:
    """How one can sign in here."""
    return _desk(request).signin_ways()


@post("/signin/password", opt=_PUBLIC, sync_to_thread=True, status_code=200)
def sign_in_password(request: Anyone, data: JSONBody[PasswordForm]) -> SignedIn:
    """Sign in with a password, and a second factor if there is one."""
    return _desk(request).sign_in_password(data, caller_address(request))


@post("/signin/device", opt=_PUBLIC, sync_to_thread=True, status_code=200)
def begin_device(request: Anyone) -> DeviceStarted:
    """A code that a person confirms at the identity provider."""
    return _desk(request).begin_device()


@post("/signin/device/poll", opt=_PUBLIC, sync_to_thread=True, status_code=200)
def poll_device(request: Anyone, data: JSONBody[DeviceForm]) -> DeviceAnswer:
    """Whether the code was confirmed, and who signed in then."""
    return _desk(request).poll_device(data, caller_address(request))


@post("/signin/browser", opt=_PUBLIC, sync_to_thread=True, status_code=200)
def begin_browser(request: Anyone, data: JSONBody[BrowserForm]) -> BrowserStarted:
    """Where a browser is to go to sign in at the identity provider; on the front's socket alone."""
    return _desk(request).begin_browser(data)


@post("/signin/browser/finish", opt=_PUBLIC, sync_to_thread=True, status_code=200)
def finish_browser(request: Anyone, data: JSONBody[BrowserAnswer]) -> SignedIn:
    """Who came back from the identity provider; on the front's socket alone."""
    return _desk(request).finish_browser(data, caller_address(request))


@post("/signout", opt={"scope": ""}, sync_to_thread=True, status_code=204)
def sign_out(request: Call) -> None:
    """End the token that this call carries."""
    token = parse_token(request.headers["authorization"].partition(" ")[2].strip())
    _desk(request).sign_out(request.user, token.id if token else "")


@post("/actors/{name:str}/password", opt=_ADMIN, sync_to_thread=True, status_code=204)
def set_password(request: Call, name: FromPath[str], data: JSONBody[PasswordChange]) -> None:
    """Set a password: administrators anybody's, everybody their own."""
    _desk(request).set_password(request.user, name, data, caller_address(request))


@post("/actors/{name:str}/password/remove", opt=_ADMIN, sync_to_thread=True, status_code=204)
def drop_password(request: Call, name: FromPath[str]) -> None:
    """Take a password away."""
    _desk(request).drop_password(request.user, name)


@post("/actors/{name:str}/totp", opt=_ADMIN, sync_to_thread=True, status_code=200)
def begin_factor(request: Call, name: FromPath[str]) -> FactorStarted:
    """Begin to enrol a second factor."""
    return _desk(request).begin_factor(request.user, name)


@post("/actors/{name:str}/totp/confirm", opt=_ADMIN, sync_to_thread=True, status_code=200)
def confirm_factor(request: Call, name: FromPath[str], data: JSONBody[FactorForm]) -> RecoveryCodes:
    """Let the second factor count, by a code of it."""
    return _desk(request).confirm_factor(request.user, name, data)


@post("/actors/{name:str}/totp/remove", opt=_ADMIN, sync_to_thread=True, status_code=204)
def drop_factor(request: Call, name: FromPath[str]) -> None:
    """Take a second factor away."""
    _desk(request).drop_factor(request.user, name)


@post("/actors/{name:str}/recovery-codes", opt=_ADMIN, sync_to_thread=True, status_code=200)
def renew_codes(request: Call, name: FromPath[str]) -> RecoveryCodes:
    """Fresh recovery codes in the place of the old ones."""
    return _desk(request).renew_codes(request.user, name)


@post("/actors/{name:str}/link", opt=_ADMIN, sync_to_thread=True, status_code=200)
def link_actor(request: Call, name: FromPath[str], data: JSONBody[LinkForm]) -> ActorView:
    """Say which person at the identity provider an actor is."""
    return _desk(request).link_actor(request.user, name, data)


@post("/actors/{name:str}/enable", opt=_ADMIN, sync_to_thread=True, status_code=200)
def enable_actor(request: Call, name: FromPath[str]) -> ActorView:
    """Let an actor in again who was shut out."""
    return _desk(request).enable_actor(request.user, name)


@post("/actors/{name:str}/roles", opt=_ADMIN, sync_to_thread=True, status_code=200)
def set_roles(request: Call, name: FromPath[str], data: JSONBody[RolesForm]) -> ActorView:
    """Give an actor these roles and no others."""
    return _desk(request).set_roles(request.user, name, data)


@post("/certificates", opt={"scope": "connect"}, sync_to_thread=True)
def issue_certificate(request: Call, data: JSONBody[CertificateForm]) -> CertificateIssued:
    """A client certificate: administrators for anybody, everybody for themselves."""
    return _desk(request).issue_certificate(request.user, data)


@get("/certificates", opt=_ADMIN, sync_to_thread=True)
def list_certificates(request: Call) -> list[CertificateView]:
    """The certificates that were issued."""
    return _desk(request).list_certificates(request.user)


@post("/certificates/{serial:str}/revoke", opt=_ADMIN, sync_to_thread=True, status_code=204)
def revoke_certificate(request: Call, serial: FromPath[str]) -> None:
    """End a certificate now."""
    _desk(request).revoke_certificate(request.user, serial)


PUBLIC_ROUTES = (ways, sign_in_password, begin_device, poll_device)
"""Routes for everybody, below `/v1`."""

FRONT_PUBLIC_ROUTES = (begin_browser, finish_browser)
"""Routes that the back needs for the page: it is the back that holds the browser's own secret."""

SIGNIN_ROUTES = (
    sign_out, set_password, drop_password, begin_factor, confirm_factor, drop_factor, renew_codes, link_actor,
    enable_actor, set_roles, issue_certificate, list_certificates, revoke_certificate,
)  # fmt: skip
"""Routes for who is signed in, below `/v1/{tenant}`."""


def _plain(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
