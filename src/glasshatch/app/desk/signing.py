"""Signing in at the desk: nobody asks under a name yet, or somebody changes what they sign in with."""

from __future__ import annotations

import msgspec

from ...api.signin_values import (
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
    SignedIn,
    Ways,
)
from ...api.values import ActorView
from ...control import ProviderLink
from ...errors import ConfigError, Conflict
from ...events import Link, Outcome
from ...identity import Identity
from ..house import House
from ..signin import SignIn
from .people import PeoplePart


class SigningPart:
    """The desk's door."""

    def __init__(self, house: House, people: PeoplePart, signin: SignIn) -> None:
        self._house = house
        self._people = people
        self.signin = signin

    def signin_ways(self) -> Ways:
        """How one can sign in here."""
        return self.signin.ways()

    def sign_in_password(self, form: PasswordForm, address: str) -> SignedIn:
        """Sign in with a password."""
        return self.signin.sign_in_password(form, address)

    def begin_device(self) -> DeviceStarted:
        """A code to be confirmed at the provider."""
        return self.signin.begin_device()

    def poll_device(self, form: DeviceForm, address: str) -> DeviceAnswer:
        """Whether it was."""
        return self.signin.poll_device(form, address)

    def begin_browser(self, form: BrowserForm) -> BrowserStarted:
        """Where a browser is to go."""
        return self.signin.begin_browser(form)

    def finish_browser(self, form: BrowserAnswer, address: str) -> SignedIn:
        """Who came back."""
        return self.signin.finish_browser(form, address)

    def sign_out(self, caller: Identity, token_id: str) -> None:
        """End the token that the caller came with, and what was made from it."""
        self._people.revoke_token(caller, token_id)
        self._house.note(
            "signin.ended",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            attrs={"token_id": token_id},
        )

    def set_password(self, caller: Identity, name: str, form: PasswordChange, address: str) -> None:
        """Set a password."""
        actor = self._of(caller, name)
        self.signin.credentials.set_password(caller, actor, form, address)

    def drop_password(self, caller: Identity, name: str) -> None:
        """Take a password away."""
        self.signin.credentials.drop_password(caller, self._of(caller, name))

    def begin_factor(self, caller: Identity, name: str) -> FactorStarted:
        """Begin to enrol a second factor."""
        return self.signin.credentials.begin_factor(self._of_new_factor(caller, name))

    def confirm_factor(self, caller: Identity, name: str, form: FactorForm) -> RecoveryCodes:
        """Let it count."""
        return self.signin.credentials.confirm_factor(caller, self._of_new_factor(caller, name), form)

    def drop_factor(self, caller: Identity, name: str) -> None:
        """Take a second factor away: never one's own, or a stolen token would be enough for it."""
        self._house.require(caller, "credential.change")
        actor = self._house.control.actors.named(name)
        if actor.id == caller.id:
            raise Conflict("nobody takes their own second factor away", hint="ask another administrator")
        self.signin.credentials.drop_factor(caller, actor)

    def renew_codes(self, caller: Identity, name: str) -> RecoveryCodes:
        """Fresh recovery codes."""
        self._house.require(caller, "credential.change")
        actor = self._house.control.actors.named(name)
        if actor.id == caller.id:
            raise Conflict("nobody renews their own recovery codes", hint="ask another administrator")
        return self.signin.credentials.renew_codes(caller, actor)

    def link_actor(self, caller: Identity, name: str, form: LinkForm) -> ActorView:
        """Say which person at the provider an actor is."""
        self._house.require(caller, "actor.change")
        house, section = self._house, self._house.loaded.config.identity.oidc
        if section is None:
            raise ConfigError("no identity provider is configured here", key="identity.oidc")
        if not form.subject:
            raise ConfigError("the provider's name for the person is empty", key="subject")
        actor = house.control.actors.named(name)
        found = house.control.links.of(actor.id) or ProviderLink(id=actor.id, provider=section.issuer)
        link = msgspec.structs.replace(found, provider=section.issuer, subject=form.subject)
        house.control.links.keep(
            link, house.clock.now_ns(),
            record=lambda kept: house.note(
                "actor.linked", actor=caller.as_actor(), outcome=Outcome(status="success"),
                attrs={"holder": actor.id, "provider": section.issuer, "subject": kept.subject},
                links=(Link(rel="actor", id=actor.id),),
            ),
        )  # fmt: skip
        return self._people.view(actor)

    def issue_certificate(self, caller: Identity, form: CertificateForm) -> CertificateIssued:
        """A client certificate: administrators for anybody, everybody for themselves."""
        return self.signin.certifying.issue(caller, self._of(caller, form.actor), form)

    def list_certificates(self, caller: Identity) -> list[CertificateView]:
        """The certificates that were issued."""
        self._house.require(caller, "certificate.list")
        house, now_ns = self._house, self._house.clock.now_ns()
        names = {actor.id: actor.name for actor in house.control.actors.list()}
        return [
            CertificateView(
                serial=one.id, actor=names[one.actor_id], issued_by=names.get(one.issued_by, ""),
                created=str(one.created_ns), expires=str(one.expires_ns),
                state="revoked" if one.revoked_ns else "expired" if now_ns >= one.expires_ns else "valid",
            )
            for one in house.control.certificates.list()
        ]  # fmt: skip

    def revoke_certificate(self, caller: Identity, serial: str) -> None:
        """End a certificate: administrators any, everybody their own."""
        house = self._house
        if serial not in {one.id for one in house.control.certificates.list(caller.id)}:
            self._house.require(caller, "certificate.change")
        house.control.certificates.revoke(
            serial, house.clock.now_ns(),
            record=lambda done: house.note(
                "certificate.revoked", actor=caller.as_actor(), outcome=Outcome(status="success"),
                attrs={"certificate": done.id, "holder": done.actor_id},
                links=(Link(rel="actor", id=done.actor_id),),
            ),
        )  # fmt: skip

    def _of(self, caller: Identity, name: str) -> Identity:
        """Who is meant: administrators mean anybody, everybody themselves."""
        if name != caller.name:
            self._house.require(caller, "credential.change")
        return self._house.control.actors.named(name)

    def _of_new_factor(self, caller: Identity, name: str) -> Identity:
        """Who gets a second factor; who has one already gets another from an administrator alone."""
        actor = self._of(caller, name)
        if actor.id == caller.id and self._house.control.credentials.of(actor.id).totp:
            raise Conflict(
                "you have a second factor", hint="an administrator takes it away, then you enrol another"
            )
        return actor
