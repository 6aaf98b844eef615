"""Signing in at the back: all of it happens at the front, which is told where a call comes from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ...api.client import Client
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
    RolesForm,
    SignedIn,
    Ways,
)
from ...api.values import ActorView
from ...identity import Identity


class ForwardedSigning:
    """Mixed into `ForwardedPart`, which knows the front."""

    _socket: Path

    def _front(self, caller: Identity, address: str = "") -> contextlib.AbstractContextManager[Client]:
        raise NotImplementedError

    @contextlib.contextmanager
    def _door(self, address: str = "") -> Iterator[Client]:
        with contextlib.closing(Client(f"unix:{self._socket}", "", for_client=address)) as front:
            yield front

    def signin_ways(self) -> Ways:
        with self._door() as front:
            return front.signin_ways()

    def sign_in_password(self, form: PasswordForm, address: str) -> SignedIn:
        with self._door(address) as front:
            return front.sign_in_password(form)

    def begin_device(self) -> DeviceStarted:
        with self._door() as front:
            return front.begin_device()

    def poll_device(self, form: DeviceForm, address: str) -> DeviceAnswer:
        with self._door(address) as front:
            return front.poll_device(form)

    def begin_browser(self, form: BrowserForm) -> BrowserStarted:
        with self._door() as front:
            return front.begin_browser(form)

    def finish_browser(self, form: BrowserAnswer, address: str) -> SignedIn:
        with self._door(address) as front:
            return front.finish_browser(form)

    def sign_out(self, caller: Identity, token_id: str) -> None:
        with self._front(caller) as front:
            front.sign_out()

    def set_password(self, caller: Identity, name: str, form: PasswordChange, address: str) -> None:
        with self._front(caller, address) as front:
            front.set_password(name, form)

    def drop_password(self, caller: Identity, name: str) -> None:
        with self._front(caller) as front:
            front.drop_password(name)

    def begin_factor(self, caller: Identity, name: str) -> FactorStarted:
        with self._front(caller) as front:
            return front.begin_factor(name)

    def confirm_factor(self, caller: Identity, name: str, form: FactorForm) -> RecoveryCodes:
        with self._front(caller) as front:
            return front.confirm_factor(name, form)

    def drop_factor(self, caller: Identity, name: str) -> None:
        with self._front(caller) as front:
            front.drop_factor(name)

    def renew_codes(self, caller: Identity, name: str) -> RecoveryCodes:
        with self._front(caller) as front:
            return front.renew_codes(name)

    def link_actor(self, caller: Identity, name: str, form: LinkForm) -> ActorView:
        with self._front(caller) as front:
            return front.link_actor(name, form)

    def enable_actor(self, caller: Identity, name: str) -> ActorView:
        with self._front(caller) as front:
            return front.enable_actor(name)

    def set_roles(self, caller: Identity, name: str, form: RolesForm) -> ActorView:
        with self._front(caller) as front:
            return front.set_roles(name, form)

    def issue_certificate(self, caller: Identity, form: CertificateForm) -> CertificateIssued:
        with self._front(caller) as front:
            return front.issue_certificate(form)

    def list_certificates(self, caller: Identity) -> list[CertificateView]:
        with self._front(caller) as front:
            return front.list_certificates()

    def revoke_certificate(self, caller: Identity, serial: str) -> None:
        with self._front(caller) as front:
            front.revoke_certificate(serial)
