"""Keys at the desk: an administrator changes them, whoever reads the record gets the public ones."""

from __future__ import annotations

from ...api.key_values import KeysText, KeyView, RetireForm, RotateForm
from ...errors import ConfigError
from ...identity import Identity
from ...keys import KeyFacts
from ...ledger import Published, VerifierKey
from ...ledger.log import encode_keys
from ..house import House
from ..rewrap import Rewrapped, rewrap


class KeysPart:
    """The desk's `KeysDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def list_keys(self, caller: Identity) -> list[KeyView]:
        """Every key of the tenant, nothing secret."""
        self._house.require(caller, "key.list")
        return [self._key_view(key) for key in self._house.keyring.facts()]

    def rotate_key(self, caller: Identity, form: RotateForm) -> KeyView:
        """Put a fresh key in the place of the one in use, recorded before it is used."""
        self._house.require(caller, "key.change")
        if form.now and form.kind != "signing":
            raise ConfigError("is for signing keys", key="--now", hint="other kinds change at once anyway")
        key = self._house.rotation.rotate(
            form.kind, form.ledger, form.reason, caller.as_actor(), at_once=form.now
        )
        return self._key_view(key)

    def retire_key(self, caller: Identity, form: RetireForm) -> KeyView:
        """Let an older signing key sign no more."""
        self._house.require(caller, "key.change")
        return self._key_view(self._house.rotation.retire(form.key, form.reason, caller.as_actor()))

    def rewrap_keys(self, caller: Identity, reference: str, reason: str) -> Rewrapped:
        """Wrap every keyring under another master key.

        At a directory without a server only: a reference can name a program, and nobody far away shall have
        a server run one.
        """
        self._house.require(caller, "key.change")
        return rewrap(self._house, reference, reason, caller.as_actor())

    def export_keys(self, caller: Identity, ledger: str) -> KeysText:
        """A ledger's public keys over time; they are public, so this is no read of the record."""
        house = self._house
        if ledger not in house.keyring.ledgers:
            raise ConfigError(f"there is no ledger {ledger}", key="--ledger")
        return KeysText(encode_keys(Published(house.home.ledger_of(ledger)).keys()).decode())

    def _key_view(self, key: KeyFacts) -> KeyView:
        public = ""
        if key.public:
            public = str(
                VerifierKey(self._house.keyring.ledger(key.ledger).origin, bytes.fromhex(key.public))
            )
        return KeyView(key.kind, key.id, key.ledger, key.epoch, key.state, key.since, public)
