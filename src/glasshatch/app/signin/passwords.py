"""The way in with a password and a second factor."""

from __future__ import annotations

import threading

import msgspec

from ...api.signin_values import PasswordForm, SignedIn
from ...control import Credentials
from ...errors import ConfigError, Denied, NotAuthenticated, Unavailable
from ...identity import Identity, PasswordHasher, accepted_step, spend_recovery_code
from ..house import House
from .gate import Attempt, Gate
from .issuing import Issuing
from .sealing import SecretBox

_WRONG = "name, password or code is not accepted"
_AT_ONCE = 6


class WrongCode(Exception):
    """The second factor does not fit; nothing is stored."""


class PasswordWay:
    """Proves people by what they know and what they have. Blocks for a hash, some 100 ms; from any thread."""

    def __init__(self, house: House, gate: Gate, issuing: Issuing, hasher: PasswordHasher) -> None:
        self._house = house
        self._gate = gate
        self._issuing = issuing
        self._hasher = hasher
        self._box = SecretBox(house, "totp")
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def sign_in(self, form: PasswordForm, address: str) -> SignedIn:
        """Who this is.

        Raises:
            NotAuthenticated: Something does not fit, whatever it is; or too many attempts failed lately.
            Denied: A second factor is required here, and they have none.
            Unavailable: Too many are being looked at.
        """
        if not self._room.acquire(timeout=2):
            raise Unavailable("too many are signing in", hint="try again in a moment")
        try:
            return self._signed_in(form, address)
        finally:
            self._room.release()

    def prove(self, actor: Identity, password: str, code: str, address: str, way: str) -> None:
        """Let them go on only if they know their password, and have their second factor if there is one.

        Raises:
            NotAuthenticated: They do not, or too many attempts failed lately.
        """
        attempt = self._gate.enter(way, address, actor)
        self._check(attempt, password, code)
        self._gate.succeeded(attempt)

    def _signed_in(self, form: PasswordForm, address: str) -> SignedIn:
        account = self._account(form.name)
        attempt = self._gate.enter("password", address, account, form.name)
        factor = self._check(attempt, form.password, form.code)
        assert account is not None
        if factor == "none" and self._house.loaded.config.identity.second_factor == "required":
            self._gate.failed(attempt, "factor", "a second factor is required")
            raise Denied(
                "a second factor is required here, and you have none",
                hint=f"an administrator enrols one: glasshatch actors totp {account.name}",
            )
        self._gate.succeeded(attempt)
        return self._issuing.accept(account, "password", attempt.client(), factor=factor)

    def _account(self, name: str) -> Identity | None:
        try:
            found = self._house.control.actors.named(name)
        except ConfigError:
            return None
        return found if found.type == "human" and not found.disabled else None

    def _check(self, attempt: Attempt, password: str, code: str) -> str:
        """Which second factor was given: `code`, `recovery` or `none`."""
        account = attempt.account
        kept = self._house.control.credentials.of(account.id) if account else Credentials(id="")
        if not self._hasher.matches(kept.password, password) or account is None:
            self._gate.failed(attempt, "password" if account else "unknown", _WRONG)
            raise NotAuthenticated(_WRONG, hint=_HINT)
        try:
            factor = self._spend(account, code) if kept.totp else "none"
        except WrongCode:
            self._gate.failed(attempt, "code", _WRONG)
            raise NotAuthenticated(_WRONG, hint=_HINT) from None
        if self._hasher.outdated(kept.password):
            fresh = self._hasher.hash(password)
            self._house.control.credentials.change(
                account.id,
                lambda now: msgspec.structs.replace(now, password=fresh),
                self._house.clock.now_ns(),
            )
        return factor

    def _spend(self, account: Identity, code: str) -> str:
        """Use the code up, in the transaction that looks at it: of two that come at once, one is too late."""
        used = []
        now_ns = self._house.clock.now_ns()

        def step(kept: Credentials) -> Credentials:
            secret = self._box.open(account.id, kept.totp, kept.key_id).decode()
            found = accepted_step(secret, code.strip(), now_ns, kept.totp_step)
            if found is not None:
                used.append("code")
                return msgspec.structs.replace(kept, totp_step=found)
            left = spend_recovery_code(code, account.id, kept.recovery)
            if left is None:
                raise WrongCode
            used.append("recovery")
            return msgspec.structs.replace(kept, recovery=left)

        self._house.control.credentials.change(account.id, step, now_ns)
        return used[0]


_HINT = "after some failures nothing is looked at for a while; a lost device: use a recovery code"
