"""The authority for clients of this tenant: made when it is first needed, its key sealed in the control
store."""

from __future__ import annotations

import os
import threading

from ...api.signin_values import CertificateForm, CertificateIssued
from ...control import IssuedCertificate, KeptAuthority
from ...errors import ConfigError, Denied
from ...events import Link, Outcome
from ...identity import Identity
from ...identity.certificates import Authority, issue_certificate, make_authority
from ..config import duration_seconds
from ..home import Home
from ..house import House
from .sealing import SecretBox

_SECOND_NS = 1_000_000_000


class Certifying:
    """Issues certificates. Whoever asks has made their own key; it never was here."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._box = SecretBox(house, "authority")
        self._lock = threading.Lock()
        kept = house.control.certificates.authority()
        if kept is not None:
            # Also after a restore: gateways ask for certificates of the authority that this file names.
            publish_authority(house.home, kept.certificate)

    def issue(self, caller: Identity, actor: Identity, form: CertificateForm) -> CertificateIssued:
        """A certificate for an actor; it opens nothing before it is recorded and stored.

        Raises:
            ConfigError: The request cannot be used, or the lifetime is longer than the configuration allows.
            Denied: The actor is disabled.
        """
        house = self._house
        if actor.disabled:
            raise Denied("the actor is disabled", hint="an admin can enable it")
        most_s = duration_seconds(house.loaded.config.identity.certificate)
        lifetime_s = form.lifetime_s or most_s
        if lifetime_s > most_s:
            raise ConfigError(
                f"a certificate lasts {most_s} s at most", key="lifetime", hint="identity.certificate sets it"
            )
        authority = self._authority(caller)
        now_ns = house.clock.now_ns()
        expires_ns = now_ns + lifetime_s * _SECOND_NS
        made = issue_certificate(authority, form.request, actor.name, actor.id, now_ns, expires_ns)
        kept = IssuedCertificate(
            id=made.serial, actor_id=actor.id, fingerprint=made.fingerprint, created_ns=now_ns,
            expires_ns=expires_ns, issued_by=caller.id,
        )  # fmt: skip
        house.control.certificates.keep(kept, record=lambda one: self._note(caller, one))
        return CertificateIssued(
            serial=made.serial, actor=actor.name, certificate=made.pem, authority=authority.certificate,
            expires=str(expires_ns),
        )  # fmt: skip

    def _authority(self, caller: Identity) -> Authority:
        with self._lock:
            kept = self._house.control.certificates.authority()
            if kept is None:
                return self._found_authority(caller)
        return Authority(kept.certificate, self._box.open(kept.id, kept.sealed, kept.key_id))

    def _found_authority(self, caller: Identity) -> Authority:
        house, now_ns = self._house, self._house.clock.now_ns()
        made = make_authority(f"Glasshatch clients of {house.keyring.origin}", now_ns)
        id = os.urandom(8).hex()
        sealed, key_id = self._box.seal(id, made.key)
        house.control.certificates.keep_authority(
            KeptAuthority(
                id=id, certificate=made.certificate, sealed=sealed, key_id=key_id, created_ns=now_ns
            ),
            record=lambda kept: house.note(
                "certificate.issued", actor=caller.as_actor(), outcome=Outcome(status="success"),
                attrs={"authority": kept.id, "certificate": kept.certificate},
            ),
        )  # fmt: skip
        # A crash before this: the next start, or the next certificate, writes it.
        publish_authority(house.home, made.certificate)
        return made

    def _note(self, caller: Identity, issued: IssuedCertificate) -> None:
        self._house.note(
            "certificate.issued", actor=caller.as_actor(), outcome=Outcome(status="success"),
            attrs={
                "certificate": issued.id, "holder": issued.actor_id, "fingerprint": issued.fingerprint,
                "expires": str(issued.expires_ns),
            },
            links=(Link(rel="actor", id=issued.actor_id),),
        )  # fmt: skip


def publish_authority(home: Home, certificate: str) -> None:
    """Write its certificate for those who take clients in, whole or not at all; nothing secret is in it."""
    file = home.clients_authority
    fresh = file.with_suffix(".new")
    fresh.write_text(certificate, encoding="ascii")
    fresh.chmod(0o600)
    fresh.replace(file)
