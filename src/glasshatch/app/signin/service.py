"""Everything about signing in, wired over an opened house."""

from __future__ import annotations

import os

from ...api.signin_values import (
    BrowserAnswer,
    BrowserForm,
    BrowserStarted,
    DeviceAnswer,
    DeviceForm,
    DeviceStarted,
    PasswordForm,
    SignedIn,
    Ways,
)
from ...errors import ConfigError
from ...identity import PasswordHasher
from ...identity.openid import OpenIdClient, Settings
from ..config import read_secret
from ..house import House
from ..identifying import OidcSection
from .admitting import Admitting
from .certifying import Certifying
from .credentials import CredentialKeeper
from .forgetting import Forgetting
from .gate import Gate
from .issuing import Issuing
from .leaving import Leaving
from .passwords import PasswordWay
from .provider import ProviderWay
from .refreshing import Refreshing
from .web import ProviderWeb


class SignIn:
    """The ways in of one server. From any thread; each call may take as long as a hash or a provider
    takes."""

    def __init__(self, house: House) -> None:
        """Nothing is asked of a provider yet.

        Raises:
            ConfigError: The file of authorities cannot be read.
        """
        hasher = PasswordHasher(os.urandom)
        issuing = Issuing(house)
        self.passwords = PasswordWay(house, Gate(house), issuing, hasher)
        self.credentials = CredentialKeeper(house, self.passwords, hasher)
        self.leaving = Leaving(house)
        self.certifying = Certifying(house)
        self.forgetting = Forgetting(house)
        self.provider: ProviderWay | None = None
        self.admitting: Admitting | None = None
        self.refreshing: Refreshing | None = None
        section = house.loaded.config.identity.oidc
        if section is not None:
            client = _client(house, section)
            self.admitting = Admitting(house, section)
            self.provider = ProviderWay(house, client, self.admitting, issuing)
            self.refreshing = Refreshing(house, client, self.admitting, self.leaving)

    def start(self) -> None:
        """Begin to ask the provider about those who are signed in."""
        if self.refreshing is not None:
            self.refreshing.start()

    def stop(self) -> None:
        """End that."""
        if self.refreshing is not None:
            self.refreshing.stop()

    def ways(self) -> Ways:
        """How one can sign in."""
        if self.provider is None:
            return Ways()
        problem, device = self.provider.problem()
        return Ways(provider=self.provider.name, device=device, problem=problem)

    def sign_in_password(self, form: PasswordForm, address: str) -> SignedIn:
        """See `PasswordWay.sign_in`."""
        return self.passwords.sign_in(form, address)

    def begin_browser(self, form: BrowserForm) -> BrowserStarted:
        """See `ProviderWay`."""
        return self._provider().begin_browser(form.redirect)

    def finish_browser(self, form: BrowserAnswer, address: str) -> SignedIn:
        """See `ProviderWay`."""
        return self._provider().finish_browser(form, address)

    def begin_device(self) -> DeviceStarted:
        """See `ProviderWay`."""
        return self._provider().begin_device()

    def poll_device(self, form: DeviceForm, address: str) -> DeviceAnswer:
        """See `ProviderWay`."""
        return self._provider().poll_device(form.handle, address)

    def _provider(self) -> ProviderWay:
        if self.provider is None:
            raise ConfigError(
                "no identity provider is configured here", key="identity.oidc",
                hint="sign in with a password: glasshatch login --name NAME",
            )  # fmt: skip
        return self.provider


def _client(house: House, section: OidcSection) -> OpenIdClient:
    loaded = house.loaded
    file = str(loaded.file)

    def secret() -> str:
        if not section.client_secret:
            return ""
        return read_secret(
            loaded.reference(section.client_secret), key="identity.oidc.client_secret", file=file
        )

    settings = Settings(
        issuer=section.issuer, client_id=section.client_id, secret=secret, scopes=section.scopes,
        name_claim=section.name_claim, groups_claim=section.groups_claim, leeway_s=section.skew_seconds,
    )  # fmt: skip
    web = ProviderWeb(str(loaded.path(section.ca)) if section.ca else "", file=file)
    return OpenIdClient(settings, web, house.clock, os.urandom)
