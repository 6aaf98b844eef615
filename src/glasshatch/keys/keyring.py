"""A tenant's keyring: every key of one tenant in one file, wrapped under the master key.

The file is JSON with a format version. Each key is wrapped with its kind, id and tenant as context,
and the whole document is sealed, so no key can be moved, dropped or brought back unnoticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import ConfigError, Conflict, VerificationError
from .envelope import KEY_BYTES, Envelope
from .files import changing, read_secret, replace_secret, write_new_secret
from .ledgerkeys import DEFAULT_LEDGER, OneLedger
from .masters import MasterKey

FORMAT = 2
"""What this program reads; a keyring whose keys were never changed is still written as format 1."""
_CHECK = b"glasshatch keyring"

Kind = Literal["data", "signing", "token", "control"]
KINDS: tuple[Kind, ...] = ("data", "signing", "token", "control")


class WrappedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key as it is stored; `epoch` counts within its kind, the highest is the one in use."""

    kind: Kind
    id: str
    epoch: int
    wrapped: str
    name: str = ""
    ledger: str | msgspec.UnsetType = msgspec.UNSET
    """Whose signing or data key this is; unset for the default ledger and for the tenant's own keys."""
    since: str | msgspec.UnsetType = msgspec.UNSET
    """When it was made, in nanoseconds UTC; unset for a first key."""
    mark: Literal["pending", "pending alone", "retired"] | msgspec.UnsetType = msgspec.UNSET
    """Pending until its rotation is recorded; alone, if older ones retire with it; retired: signs no more."""

    @property
    def pending(self) -> bool:
        """Whether its rotation was begun and is not finished."""
        return self.mark in ("pending", "pending alone")


class KeyringDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stored form of a keyring."""

    format: int
    tenant: str
    master: str
    keys: tuple[WrappedKey, ...]
    seal: str = ""


class KeyFacts(msgspec.Struct, frozen=True):
    """What may be known of a key by everybody; `since` is in nanoseconds UTC, empty for a first key."""

    kind: Kind
    id: str
    ledger: str
    """Empty for the tenant's own keys."""
    epoch: int
    state: Literal["in use", "kept", "retired", "pending"]
    since: str
    public: str
    """The public half of a signing key, 64 hex digits."""


class Keyring:
    """The opened keys of one tenant; nothing secret shows in its repr."""

    def __init__(self, document: KeyringDocument, secrets: Mapping[str, bytes]) -> None:
        self.tenant = document.tenant
        self.format = document.format
        self._secrets = secrets
        self._keys = document.keys
        names = {ledger_of(key) for key in self._of("signing")}
        self._ledgers = {name: self._one_ledger(name) for name in sorted(names | {DEFAULT_LEDGER})}
        default = self._ledgers[DEFAULT_LEDGER]
        self.origin, self.signing_key, self.data_key = default.origin, default.signing_key, default.data_key
        self.signing_keys = default.signing_keys
        self.token_keys = {key.epoch: secrets[key.id] for key in self._of("token")}
        self.token_epoch = self._latest("token").epoch
        # The first one stays as long as the record, whichever is in use.
        self.feed_key = HKDF(SHA256(), 32, salt=None, info=b"glasshatch feed digests v1").derive(
            self.token_keys[min(self.token_keys)]
        )
        self.control_mac_key = secrets[self._latest("control").id]
        # One more use of that secret, apart from the other by its purpose (RFC 5869).
        self.page_key = HKDF(SHA256(), 32, salt=None, info=b"glasshatch page cookie v1").derive(
            self.control_mac_key
        )

    def __repr__(self) -> str:
        return f"Keyring(tenant={self.tenant!r}, origin={self.origin!r}, data_key={self.data_key.id!r})"

    @staticmethod
    def create(
        path: Path,
        tenant: str,
        origin: str,
        master: MasterKey,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Keyring:
        """Make one fresh key of each kind and store them in `path`; durable when this returns.

        Args:
            origin: The name of the ledger in its signed notes, for example `example.com/audit`.

        Raises:
            Conflict: The file exists.
            ConfigError: The origin cannot stand in a signed note.
        """
        _check_origin(origin)
        keys, secrets = _fresh(KINDS, tenant, origin, master, random)
        document = sealed(KeyringDocument(1, tenant, master.id, keys), master)
        write_new_secret(path, encoded(document))
        return Keyring(document, secrets)

    @staticmethod
    def add_ledger(
        path: Path,
        master: MasterKey,
        name: str,
        origin: str,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Keyring:
        """Give a new ledger a signing and a data key; the file is replaced as a whole, durable on return.

        Args:
            origin: Its name in its signed notes, which no other ledger of the tenant has.

        Raises:
            Conflict: The ledger has keys already, or another one has this origin; nothing was changed.
            ConfigError, VerificationError: As `open`, or the origin cannot stand in a signed note.
        """
        _check_origin(origin)
        with changing(path):
            before = Keyring.open(path, master)
            if name in before.ledgers:
                raise Conflict(f"there is a ledger {name} already", hint="glasshatch ledger list")
            if origin in [before.ledger(other).origin for other in before.ledgers]:
                raise Conflict(f"another ledger has the origin {origin} already", hint="give another one")
            keys, secrets = _fresh(("data", "signing"), before.tenant, origin, master, random, name)
            document = KeyringDocument(before.format, before.tenant, master.id, (*before._keys, *keys))
            document = sealed(document, master)
            replace_secret(path, encoded(document))
        return Keyring(document, {**before._secrets, **secrets})

    @staticmethod
    def open(path: Path, master: MasterKey) -> Keyring:
        """Read and check the keyring in `path`.

        Raises:
            ConfigError: Unreadable, open to others, or of a newer format.
            VerificationError: Not what was written, or made under another master key.
        """
        document = read_document(path)
        if document.master != master.id:
            raise VerificationError(
                "the keyring was made under another master key",
                expected=document.master,
                found=master.id,
                where=str(path),
                hint="give the master key whose id is expected",
            )
        try:
            if not hmac.compare_digest(master.unwrap(_unbase64(document.seal), _digest(document)), _CHECK):
                raise VerificationError("the keyring's seal holds another value")
            secrets = {
                key.id: master.unwrap(_unbase64(key.wrapped), _context(document.tenant, key))
                for key in document.keys
            }
            return Keyring(document, secrets)
        except VerificationError as error:
            raise VerificationError(error.message, where=str(path), hint=error.hint) from None

    @property
    def ledgers(self) -> tuple[str, ...]:
        """The names of the ledgers that have keys here, sorted."""
        return tuple(self._ledgers)

    def ledger(self, name: str) -> OneLedger:
        """The keys of one ledger.

        Raises:
            VerificationError: The keyring has none for it.
        """
        try:
            return self._ledgers[name]
        except KeyError:
            raise VerificationError(
                f"the keyring of tenant {self.tenant} has no keys for the ledger {name}",
                hint="the keyring is an older copy: restore it from a backup",
            ) from None

    @property
    def pending(self) -> tuple[KeyFacts, ...]:
        """The keys whose rotation was begun and not finished."""
        return tuple(fact for fact in self.facts() if fact.state == "pending")

    @property
    def next_control_mac_key(self) -> bytes | None:
        """The control key whose rotation was begun and not finished."""
        keys = [key for key in self._keys if key.kind == "control" and key.pending]
        return self._secrets[keys[-1].id] if keys else None

    def takes_over_alone(self, key_id: str) -> bool:
        """Whether older signing keys are to retire when this pending one comes into force."""
        return any(key.id == key_id and key.mark == "pending alone" for key in self._keys)

    def facts(self) -> tuple[KeyFacts, ...]:
        """Every key there is, by kind, ledger and age; nothing secret."""
        order = sorted(self._keys, key=lambda key: (KINDS.index(key.kind), ledger_of(key), key.epoch))
        return tuple(self._facts(key) for key in order)

    def signing_secret(self, key_id: str) -> Ed25519PrivateKey:
        """The signing key with this id, also one that is pending or retired."""
        return Ed25519PrivateKey.from_private_bytes(self._secrets[key_id])

    def _facts(self, key: WrappedKey) -> KeyFacts:
        public = self.signing_secret(key.id).public_key().public_bytes_raw() if key.kind == "signing" else b""
        ledger = ledger_of(key) if key.kind in ("signing", "data") else ""
        since = key.since if isinstance(key.since, str) else ""
        return KeyFacts(key.kind, key.id, ledger, key.epoch, self._state(key), since, public.hex())

    def _state(self, key: WrappedKey) -> Literal["in use", "kept", "retired", "pending"]:
        if isinstance(key.mark, str):
            return "pending" if key.pending else "retired"
        if key.id == self._latest(key.kind, ledger_of(key)).id:
            return "in use"
        # Nothing is ever read or checked again with a control key before the one in use.
        return "retired" if key.kind == "control" else "kept"

    def envelope(self, key_id: str) -> Envelope:
        """The data key of the default ledger with this id; raises as `OneLedger.envelope`."""
        return self._ledgers[DEFAULT_LEDGER].envelope(key_id)

    def _one_ledger(self, name: str) -> OneLedger:
        signing, data = self._latest("signing", name), self._latest("data", name)
        envelopes = {
            key.id: Envelope(self._secrets[key.id], key.id)
            for key in self._of("data")
            if ledger_of(key) == name
        }
        signing_keys = [
            self.signing_secret(key.id)
            for key in sorted(self._of("signing"), key=lambda key: -key.epoch)
            if ledger_of(key) == name and key.mark != "retired"
        ]
        return OneLedger(name, signing.name, signing_keys, envelopes, data.id)

    def _of(self, kind: Kind) -> list[WrappedKey]:
        """The keys of a kind, without those whose rotation is not finished."""
        return [key for key in self._keys if key.kind == kind and not key.pending]

    def _latest(self, kind: Kind, ledger: str = DEFAULT_LEDGER) -> WrappedKey:
        keys = [key for key in self._of(kind) if ledger_of(key) == ledger]
        if not keys:
            raise VerificationError(
                f"the keyring has no {kind} key", hint="restore the keyring from a backup"
            )
        return max(keys, key=lambda key: key.epoch)


def _fresh(
    kinds: tuple[Kind, ...],
    tenant: str,
    origin: str,
    master: MasterKey,
    random: Callable[[int], bytes],
    ledger: str | msgspec.UnsetType = msgspec.UNSET,
) -> tuple[tuple[WrappedKey, ...], dict[str, bytes]]:
    """The first key of each kind, wrapped, and the secrets by id."""
    keys, secrets = [], {}
    for kind in kinds:
        key_id, secret = random(8).hex(), random(KEY_BYTES)
        key = WrappedKey(kind, key_id, 1, "", origin if kind == "signing" else "", ledger)
        keys.append(wrap_key(key, secret, tenant, master))
        secrets[key_id] = secret
    return tuple(keys), secrets


def wrap_key(key: WrappedKey, secret: bytes, tenant: str, master: MasterKey) -> WrappedKey:
    """The key as it is stored: its secret wrapped under the master key, bound to what the key is."""
    wrapped = base64.b64encode(master.wrap(secret, _context(tenant, key))).decode()
    return msgspec.structs.replace(key, wrapped=wrapped)


def sealed(document: KeyringDocument, master: MasterKey) -> KeyringDocument:
    """The document with a seal over all of it."""
    seal = base64.b64encode(master.wrap(_CHECK, _digest(document))).decode()
    return msgspec.structs.replace(document, seal=seal)


def encoded(document: KeyringDocument) -> bytes:
    """As the file holds it."""
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def ledger_of(key: WrappedKey) -> str:
    """The ledger whose key this is."""
    return key.ledger if isinstance(key.ledger, str) else DEFAULT_LEDGER


def _check_origin(origin: str) -> None:
    # C2SP signed-note: a key name is non-empty and has no space and no plus sign.
    if not origin or "+" in origin or any(c.isspace() or not c.isprintable() for c in origin):
        raise ConfigError(
            "the ledger's origin must be non-empty, without spaces and plus signs",
            key="origin",
            hint="use a name such as example.com/audit",
        )


def _context(tenant: str, key: WrappedKey) -> bytes:
    """What a wrapped key is bound to; a ledger other than the default one is a part of it."""
    parts = [tenant, key.kind, key.id, key.epoch, key.name]
    if isinstance(key.ledger, str):
        parts.append(key.ledger)
    return b"glasshatch/keyring/v1\0" + msgspec.json.encode(parts)


def _digest(document: KeyringDocument) -> bytes:
    return hashlib.sha256(
        msgspec.json.encode(msgspec.structs.replace(document, seal=""), order="sorted")
    ).digest()


def read_document(path: Path) -> KeyringDocument:
    """The keyring in a file as it is stored; nothing is checked but its form."""
    return _decode(path, read_secret(path, "keyring"))


def _decode(path: Path, data: bytes) -> KeyringDocument:
    try:
        format = msgspec.json.decode(data, type=dict).get("format", 0)
        if format > FORMAT:
            raise ConfigError(
                f"keyring format {format} is newer than {FORMAT}", file=str(path), hint="upgrade glasshatch"
            )
        return msgspec.json.decode(data, type=KeyringDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError) as error:
        raise VerificationError(
            f"not a keyring: {error}", where=str(path), hint="restore it from a backup"
        ) from None


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError(
            "a wrapped key is not base64", hint="restore the keyring from a backup"
        ) from None
