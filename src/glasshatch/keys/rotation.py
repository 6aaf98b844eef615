"""Changing a keyring: a key is added as pending, comes into force, may be retired; none is ever dropped.

Every step replaces the file as a whole: after a crash it is the keyring before the step or after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from ..errors import ConfigError, Conflict
from .envelope import KEY_BYTES
from .files import changing, replace_secret
from .keyring import (
    KeyFacts,
    Keyring,
    KeyringDocument,
    Kind,
    WrappedKey,
    encoded,
    ledger_of,
    read_document,
    sealed,
    wrap_key,
)
from .ledgerkeys import DEFAULT_LEDGER
from .masters import MasterKey

_ROTATED_FORMAT = 2


def prepare_key(
    path: Path,
    master: MasterKey,
    kind: Kind,
    now_ns: int,
    ledger: str = DEFAULT_LEDGER,
    *,
    alone: bool = False,
    random: Callable[[int], bytes] = os.urandom,
) -> tuple[Keyring, KeyFacts]:
    """Add a key that is not used yet; durable when this returns. One that waits already is taken.

    Args:
        alone: Older signing keys are to retire with it; remembered, so that an interruption changes nothing.

    Raises:
        VerificationError, ConfigError: As `Keyring.open`, or there is no such ledger.
    """
    with changing(path):
        keys = Keyring.open(path, master).ledger(ledger)
        document = read_document(path)
        same = [key for key in document.keys if key.kind == kind and ledger_of(key) == ledger]
        waiting = [key for key in same if key.pending]
        key = waiting[0] if waiting else _new_key(kind, keys.origin, ledger, now_ns, same, random)
        if alone:
            key = msgspec.structs.replace(key, mark="pending alone")
        if not waiting:
            key = wrap_key(key, random(KEY_BYTES), document.tenant, master)
        others = tuple(one for one in document.keys if one.id != key.id)
        _replace(path, master, document, (*others, key))
    keyring = Keyring.open(path, master)
    return keyring, next(fact for fact in keyring.facts() if fact.id == key.id)


def _new_key(
    kind: Kind,
    origin: str,
    ledger: str,
    now_ns: int,
    before: list[WrappedKey],
    random: Callable[[int], bytes],
) -> WrappedKey:
    epoch = max(key.epoch for key in before) + 1
    named = ledger if ledger != DEFAULT_LEDGER else msgspec.UNSET
    name = origin if kind == "signing" else ""
    return WrappedKey(kind, random(8).hex(), epoch, "", name, named, str(now_ns), "pending")


def activate_key(path: Path, master: MasterKey, key_id: str) -> Keyring:
    """Make a pending key the one in use; those before it stay. Done already, this changes nothing."""
    return _mark(path, master, key_id, msgspec.UNSET)


def retire_key(path: Path, master: MasterKey, key_id: str) -> Keyring:
    """Mark a signing key as one that signs no more; it stays, so that its signatures can be explained.

    Raises:
        Conflict: It is the one in use, or no signing key.
    """
    fact = next((one for one in Keyring.open(path, master).facts() if one.id == key_id), None)
    if fact is not None and (fact.kind != "signing" or fact.state in ("in use", "pending")):
        raise Conflict(
            f"key {key_id} cannot be retired: it is the {fact.kind} key {fact.state}",
            hint="rotate it first; only signing keys are retired, others are kept for what they sealed",
        )
    return _mark(path, master, key_id, "retired")


def rewrapped(path: Path, old: MasterKey, new: MasterKey) -> bytes:
    """The content of a keyring with every key wrapped under another master key; nothing is written."""
    document = read_document(path)
    keyring = Keyring.open(path, old)
    keys = tuple(wrap_key(key, keyring._secrets[key.id], document.tenant, new) for key in document.keys)
    changed = msgspec.structs.replace(document, master=new.id, keys=keys)
    return encoded(sealed(changed, new))


def _mark(path: Path, master: MasterKey, key_id: str, mark: object) -> Keyring:
    with changing(path):
        Keyring.open(path, master)  # nothing that does not verify is sealed anew
        document = read_document(path)
        found = [key for key in document.keys if key.id == key_id]
        if not found:
            raise ConfigError(f"there is no key {key_id}", hint="glasshatch keys list shows them")
        if found[0].mark != mark:
            keys = [
                msgspec.structs.replace(key, mark=mark) if key.id == key_id else key for key in document.keys
            ]
            _replace(path, master, document, tuple(keys))
    return Keyring.open(path, master)


def _replace(path: Path, master: MasterKey, document: KeyringDocument, keys: tuple[WrappedKey, ...]) -> None:
    changed = msgspec.structs.replace(document, format=_ROTATED_FORMAT, keys=keys)
    replace_secret(path, encoded(sealed(changed, master)))
