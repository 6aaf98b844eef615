"""The client's calls about signing in, part of `Client`; and a client for who has no token yet."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

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
from .values import ActorForm, ActorView, TokenForm, TokenIssued

T = TypeVar("T")


class PeopleCalls:
    """Mixed into `Client`, which knows how to ask: people, their tokens, and how they sign in."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _call(self, method: str, path: str, answer: type[T], body: bytes | None = None) -> T:
        raise NotImplementedError

    def _root(self, method: str, path: str, answer: type[T], form: msgspec.Struct | None = None) -> T:
        """A call that needs no tenant."""
        return self._call(method, path, answer, b"" if form is None else msgspec.json.encode(form))

    def signin_ways(self) -> Ways:
        """How one can sign in there."""
        return self._root("GET", "/v1/signin", Ways)

    def sign_in_password(self, form: PasswordForm) -> SignedIn:
        """Sign in with a password."""
        return self._root("POST", "/v1/signin/password", SignedIn, form)

    def begin_device(self) -> DeviceStarted:
        """A code to be confirmed at the identity provider."""
        return self._root("POST", "/v1/signin/device", DeviceStarted)

    def poll_device(self, form: DeviceForm) -> DeviceAnswer:
        """Whether it was confirmed."""
        return self._root("POST", "/v1/signin/device/poll", DeviceAnswer, form)

    def begin_browser(self, form: BrowserForm) -> BrowserStarted:
        """Where a browser is to go; on the front's socket alone."""
        return self._root("POST", "/v1/signin/browser", BrowserStarted, form)

    def finish_browser(self, form: BrowserAnswer) -> SignedIn:
        """Who came back; on the front's socket alone."""
        return self._root("POST", "/v1/signin/browser/finish", SignedIn, form)

    def sign_out(self) -> None:
        """End the token in use."""
        self._post("/signout", None, type(None))

    def set_password(self, name: str, form: PasswordChange) -> None:
        """Set a password."""
        self._post(f"/actors/{_named(name)}/password", form, type(None))

    def drop_password(self, name: str) -> None:
        """Take a password away."""
        self._post(f"/actors/{_named(name)}/password/remove", None, type(None))

    def begin_factor(self, name: str) -> FactorStarted:
        """Begin to enrol a second factor."""
        return self._post(f"/actors/{_named(name)}/totp", None, FactorStarted)

    def confirm_factor(self, name: str, form: FactorForm) -> RecoveryCodes:
        """Let it count."""
        path = f"/actors/{_named(name)}/totp/confirm"
        return self._post(path, form, RecoveryCodes)

    def drop_factor(self, name: str) -> None:
        """Take it away."""
        self._post(f"/actors/{_named(name)}/totp/remove", None, type(None))

    def renew_codes(self, name: str) -> RecoveryCodes:
        """Fresh recovery codes."""
        return self._post(f"/actors/{_named(name)}/recovery-codes", None, RecoveryCodes)

    def link_actor(self, name: str, form: LinkForm) -> ActorView:
        """Say which person at the provider an actor is."""
        return self._post(f"/actors/{_named(name)}/link", form, ActorView)

    def enable_actor(self, name: str) -> ActorView:
        """Let an actor in again."""
        return self._post(f"/actors/{_named(name)}/enable", None, ActorView)

    def set_roles(self, name: str, form: RolesForm) -> ActorView:
        """Give an actor these roles and no others."""
        return self._post(f"/actors/{_named(name)}/roles", form, ActorView)

    def issue_certificate(self, form: CertificateForm) -> CertificateIssued:
        """A client certificate."""
        return self._post("/certificates", form, CertificateIssued)

    def list_certificates(self) -> list[CertificateView]:
        """The certificates that were issued."""
        return self._get("/certificates", list[CertificateView])

    def revoke_certificate(self, serial: str) -> None:
        """End one."""
        self._post(f"/certificates/{_named(serial)}/revoke", None, type(None))

    def create_actor(self, form: ActorForm) -> ActorView:
        """Add an actor."""
        return self._post("/actors", form, ActorView)

    def list_actors(self) -> list[ActorView]:
        """Everybody there is."""
        return self._get("/actors", list[ActorView])

    def disable_actor(self, name: str) -> ActorView:
        """Shut an actor out."""
        return self._post(f"/actors/{_named(name)}/disable", None, ActorView)

    def issue_token(self, form: TokenForm) -> TokenIssued:
        """A token for an actor, its text shown this once."""
        return self._post("/tokens", form, TokenIssued)

    def revoke_token(self, token_id: str) -> None:
        """End a token now."""
        self._post(f"/tokens/{_named(token_id)}/revoke", None, type(None))


def _named(name: str) -> str:
    return quote(name, safe="")
