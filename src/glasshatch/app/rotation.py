"""Changing the keys of an open house: first pending, then recorded, then in force.

A kill between any two steps leaves a state that the next opening finishes: `finish` does, before anything
else happens. A key is never used before the record that says so is durable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..control import ControlStore
from ..errors import ConfigError, Conflict, VerificationError
from ..events import Actor, Link, Outcome
from ..keys import KeyFacts, Keyring, Kind, MasterKey, activate_key, prepare_key, retire_key
from ..ledger import Ledger, Succession, VerifierKey
from .home import Home

if TYPE_CHECKING:
    from .house import House

_MOST_SIGNERS, _MOST_KEYS = 8, 400
_INTERRUPTED = "finished after an interruption"


class Rotation:
    """The keys of one house; one change at a time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._path = house.home.keyring(house.tenant)

    def rotate(
        self, kind: Kind, ledger: str, reason: str, actor: Actor, *, at_once: bool = False
    ) -> KeyFacts:
        """Put a fresh key in the place of the one in use; what was sealed or signed before stays readable.

        Args:
            at_once: A signing key only: older ones sign nothing from now on.

        Raises:
            ConfigError: There is no such ledger.
            Conflict: Too many signing keys are in service.
            Unavailable: The record did not take it, or the disk failed; the old key stays in use, or the next
                start finishes what was begun.
        """
        with self._house.changing_keys:
            house = self._house
            _check_room(kind, self._ledger(ledger).keys, at_once)
            keyring, key = prepare_key(
                self._path, house.master, kind, house.clock.now_ns(), ledger, alone=at_once
            )
            house.take_keyring(keyring)
            self._carry_out(key, {"actor": actor, "outcome": _success(reason)})
            return self._facts(key.id)

    def retire(self, key_id: str, reason: str, actor: Actor) -> KeyFacts:
        """Let an older signing key sign no more.

        Raises:
            ConfigError: There is no such key.
            Conflict: It is in use, or no signing key.
        """
        with self._house.changing_keys:
            self._facts(key_id)
            self._house.take_keyring(retire_key(self._path, self._house.master, key_id))
            # Retired already and recorded, this does nothing; not recorded, because that failed, it is now.
            self._settle_retired(self._facts(key_id), {"actor": actor, "outcome": _success(reason)})
            return self._facts(key_id)

    def finish(self) -> None:
        """Carry out what an interruption left undone, and record that it was."""
        told: dict[str, Any] = {"outcome": _success(_INTERRUPTED)}
        for key in self._house.keyring.pending:
            self._carry_out(key, told)
        for key in self._house.keyring.facts():
            if key.kind == "signing" and key.state in ("kept", "retired"):
                self._settle_retired(key, told)

    def _carry_out(self, key: KeyFacts, told: dict[str, Any]) -> None:
        at_once = self._house.keyring.takes_over_alone(key.id)
        steps: dict[Kind, Callable[[], None]] = {
            "data": lambda: self._note(key, told),
            "token": lambda: self._note(key, told),
            "control": lambda: self._rekey(key, told),
            "signing": lambda: self._succeed(key, told, at_once),
        }
        steps[key.kind]()
        # A crash before this leaves the key pending, and the next start comes here again.
        house = self._house
        house.take_keyring(activate_key(self._path, self._house.master, key.id))
        if key.kind == "data":
            self._ledger(key.ledger).use_data_key(house.keyring.ledger(key.ledger))
        for old in house.keyring.facts() if at_once else ():
            if (old.kind, old.ledger, old.state) == ("signing", key.ledger, "kept"):
                house.take_keyring(retire_key(self._path, self._house.master, old.id))

    def _rekey(self, key: KeyFacts, told: dict[str, Any]) -> None:
        mac_key = self._house.keyring.next_control_mac_key
        if mac_key is None:
            raise VerificationError("the control key that is to be used is not in the keyring")
        if self._house.control_mac_key != mac_key:
            self._note(key, told)
            self._house.control.rekey(mac_key)
            self._house.control_mac_key = mac_key

    def _succeed(self, key: KeyFacts, told: dict[str, Any], at_once: bool) -> None:
        ledger = self._ledger(key.ledger)
        if ledger.key.public == _public(key):
            return  # done already, and what came after it failed

        def record(statement: bytes) -> None:
            self._note(key, told, statement, {"public": str(VerifierKey(ledger.key.name, _public(key)))})

        ledger.succeed_key(self._house.keyring.signing_secret(key.id), record, at_once=at_once)

    def _retire(self, key: KeyFacts, told: dict[str, Any]) -> None:
        ledger = self._ledger(key.ledger)

        def record(statement: bytes) -> None:
            self._record("key.retired", key, told, _links(statement), {})

        ledger.retire_key(VerifierKey(ledger.key.name, _public(key)), record)

    def _settle_retired(self, key: KeyFacts, told: dict[str, Any]) -> None:
        """What the ledger's statements say of an older key, and what the keyring says, become the same."""
        succession = self._ledger(key.ledger).keys
        period = next((one for one in succession.periods if one.key.public == _public(key)), None)
        if period is None:
            return
        if key.state == "retired" and period.retired < 0:
            self._retire(key, told)
        if key.state == "kept" and period.retired >= 0:
            self._house.take_keyring(retire_key(self._path, self._house.master, key.id))

    def _note(
        self,
        key: KeyFacts,
        told: dict[str, Any],
        statement: bytes = b"",
        more: dict[str, str] | None = None,
    ) -> None:
        before = next(
            one.id
            for one in self._house.keyring.facts()
            if (one.kind, one.ledger, one.state) == (key.kind, key.ledger, "in use")
        )
        self._record("key.rotated", key, told, _links(statement), {"before": before, **(more or {})})

    def _record(
        self,
        action: str,
        key: KeyFacts,
        told: dict[str, Any],
        links: tuple[Link, ...],
        more: dict[str, str],
    ) -> None:
        attrs = {"kind": key.kind, "key": key.id, "epoch": str(key.epoch), **more}
        if key.ledger:
            attrs["ledger"] = key.ledger
        self._house.note(action, attrs=attrs, links=links, **told)

    def _ledger(self, name: str) -> Ledger:
        return self._house.ledgers.get(name)

    def _facts(self, key_id: str) -> KeyFacts:
        for fact in self._house.keyring.facts():
            if fact.id == key_id:
                return fact
        raise ConfigError(f"there is no key {key_id}", hint="glasshatch keys list shows them")


def _check_room(kind: Kind, keys: Succession, at_once: bool) -> None:
    """Before anything is begun, because a rotation that is begun is always finished."""
    serving = [period for period in keys.periods if period.retired < 0]
    if kind == "signing" and len(keys.periods) >= _MOST_KEYS:
        raise Conflict(f"the ledger had {len(keys.periods)} signing keys", hint="begin another ledger")
    if kind == "signing" and not at_once and len(serving) >= _MOST_SIGNERS:
        # Each signs every checkpoint, and readers take only so many signatures (C2SP signed-note).
        raise Conflict(
            f"{len(serving)} signing keys sign every checkpoint",
            hint="retire older ones: glasshatch keys retire",
        )


def settle_succession(home: Home, keyring: Keyring, master: MasterKey) -> Keyring:
    """Bring a signing key into force whose succession stands in its ledger already.

    Before the ledger is opened, because the next checkpoint has to be signed by it.
    """
    for key in keyring.pending:
        if key.kind == "signing":
            path = home.ledger_of(key.ledger) / "succession"
            statements = path.read_bytes() if path.exists() else b""
            origin = keyring.ledger(key.ledger).origin
            newest = keyring.ledger(key.ledger).signing_key.public_key().public_bytes_raw()
            known = Succession.read(statements, VerifierKey(origin, newest))
            if _public(key) in [one.public for one in known.keys]:
                keyring = activate_key(home.keyring(keyring.tenant), master, key.id)
    return keyring


def open_control(home: Home, keyring: Keyring, random: Callable[[int], bytes]) -> tuple[ControlStore, bytes]:
    """The control store, and the key that it is under: the one in use, or the one that was to follow it.

    Raises as `ControlStore.open`.
    """
    following = keyring.next_control_mac_key
    try:
        key = keyring.control_mac_key
        return ControlStore.open(home.control_db, tenant=keyring.tenant, mac_key=key, random=random), key
    except VerificationError:
        if following is None:
            raise
    return (
        ControlStore.open(home.control_db, tenant=keyring.tenant, mac_key=following, random=random),
        following,
    )


def _success(reason: str) -> Outcome:
    return Outcome(status="success", reason=reason)


def _links(statement: bytes) -> tuple[Link, ...]:
    """What ties the event to the statement in the ledger's directory."""
    return (Link(rel="succession", id=hashlib.sha256(statement).hexdigest()),) if statement else ()


def _public(key: KeyFacts) -> bytes:
    return bytes.fromhex(key.public)
