"""Passwords and second factors, set and taken away; each change is recorded, and ends what stands on the
old."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import msgspec

from ...api.signin_values import FactorForm, FactorStarted, PasswordChange, RecoveryCodes
from ...control import Credentials
from ...errors import ConfigError, NotAuthenticated
from ...events import Link, Outcome
from ...identity import (
    Identity,
    PasswordHasher,
    accepted_step,
    check_password,
    enrolment_uri,
    new_recovery_codes,
    new_secret,
    recovery_hash,
)
from ..house import House
from .passwords import PasswordWay
from .sealing import SecretBox

_ENROLLING_NS = 600 * 1_000_000_000
_MOST_ENROLLING = 1_000


class CredentialKeeper:
    """Changes what people prove themselves with. The caller has made sure that they may."""

    def __init__(self, house: House, passwords: PasswordWay, hasher: PasswordHasher) -> None:
        self._house = house
        self._passwords = passwords
        self._hasher = hasher
        self._box = SecretBox(house, "totp")
        self._lock = threading.Lock()
        self._enrolling: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def set_password(self, caller: Identity, actor: Identity, form: PasswordChange, address: str) -> None:
        """Give somebody a password. Who changes their own says the old one first.

        Raises:
            ConfigError: It is not a good one, or the actor is no human.
            NotAuthenticated: One's own old password, or the second factor, is not right.
        """
        require_human(actor)
        check_password(form.password, actor.name)
        if caller.id == actor.id and self._house.control.credentials.of(actor.id).password:
            self._passwords.prove(actor, form.current, form.code, address, "password change")
        fresh = self._hasher.hash(form.password)
        self._change(caller, actor, "password", "set", lambda kept: _with(kept, password=fresh))

    def drop_password(self, caller: Identity, actor: Identity) -> None:
        """Take somebody's password away; their other ways in stay."""
        self._change(caller, actor, "password", "removed", lambda kept: _with(kept, password=""))

    def begin_factor(self, actor: Identity) -> FactorStarted:
        """A secret for an authenticator; it counts once `confirm_factor` got a code of it, within ten
        minutes."""
        require_human(actor)
        secret = new_secret(os.urandom)
        with self._lock:
            self._enrolling[actor.id] = (self._house.clock.monotonic_ns() + _ENROLLING_NS, secret)
            self._enrolling.move_to_end(actor.id)
            if len(self._enrolling) > _MOST_ENROLLING:
                self._enrolling.popitem(last=False)
        issuer = f"Glasshatch {self._house.keyring.origin}"
        return FactorStarted(secret=secret, uri=enrolment_uri(secret, actor.name, issuer))

    def confirm_factor(self, caller: Identity, actor: Identity, form: FactorForm) -> RecoveryCodes:
        """The second factor counts from now on, in the place of an older one; the codes for when it is lost.

        Raises:
            ConfigError: No enrolment was begun, or it is too long ago.
            NotAuthenticated: The code is not the authenticator's.
        """
        with self._lock:
            until_ns, secret = self._enrolling.get(actor.id, (0, ""))
        if not secret or self._house.clock.monotonic_ns() > until_ns:
            raise ConfigError("no second factor is being enrolled", key="code", hint="begin anew")
        step = accepted_step(secret, form.code.strip(), self._house.clock.now_ns(), -1)
        if step is None:
            raise NotAuthenticated(
                "the code is not the authenticator's", hint="compare the clocks of both devices"
            )
        with self._lock:
            self._enrolling.pop(actor.id, None)
        sealed, key_id = self._box.seal(actor.id, secret.encode())
        codes, kept = self._fresh_codes(actor)
        self._change(
            caller, actor, "totp", "set",
            lambda now: _with(now, totp=sealed, key_id=key_id, totp_step=step, recovery=kept),
        )  # fmt: skip
        return codes

    def drop_factor(self, caller: Identity, actor: Identity) -> None:
        """Take the second factor away, with its recovery codes."""
        self._change(
            caller, actor, "totp", "removed", lambda now: _with(now, totp="", key_id="", recovery=())
        )

    def renew_codes(self, caller: Identity, actor: Identity) -> RecoveryCodes:
        """Fresh recovery codes; the old ones open nothing any more.

        Raises:
            ConfigError: There is no second factor.
        """
        if not self._house.control.credentials.of(actor.id).totp:
            raise ConfigError(
                "there is no second factor", key="actor", hint="glasshatch actors totp enrols one"
            )
        codes, kept = self._fresh_codes(actor)
        self._change(caller, actor, "recovery codes", "set", lambda now: _with(now, recovery=kept))
        return codes

    def _fresh_codes(self, actor: Identity) -> tuple[RecoveryCodes, tuple[str, ...]]:
        codes = new_recovery_codes(os.urandom)
        return RecoveryCodes(codes=codes), tuple(recovery_hash(code, actor.id) for code in codes)

    def _change(self, caller: Identity, actor: Identity, what: str, how: str, step: object) -> None:
        house = self._house
        house.control.credentials.change(
            actor.id,
            step,  # type: ignore[arg-type]
            house.clock.now_ns(),
            record=lambda _: house.note(
                "credential.changed", actor=caller.as_actor(), outcome=Outcome(status="success"),
                attrs={"what": what, "change": how, "holder": actor.id, "own": caller.id == actor.id},
                links=(Link(rel="actor", id=actor.id),),
            ),
        )  # fmt: skip


def require_human(actor: Identity) -> None:
    """Passwords and second factors are for people; programs have tokens and certificates.

    Raises:
        ConfigError: The actor is a program.
    """
    if actor.type != "human":
        raise ConfigError(
            f"{actor.name} is no human, and signs in with nothing", key="actor",
            hint="issue a token or a certificate",
        )  # fmt: skip


def _with(kept: Credentials, **changes: object) -> Credentials:
    return msgspec.structs.replace(kept, **changes)
