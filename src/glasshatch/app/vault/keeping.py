"""The vault of an opened house: rows of the control store, keys of the keyring, and the cipher between."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from ...clock import Clock
from ...control import ControlStore, Erasure, SealedValue, SubjectKey
from ...events import Receipt, Scalar
from ...keys import Envelope, Keyring
from ...masking import KEY_BYTES, Opened, SubjectCipher, unwrap_key, wrap_key, wrapping_envelope
from .gate import Gate

_KNOWN_CIPHERS = 4_096


class Sealable(msgspec.Struct, frozen=True):
    """A value on its way into the vault; its representation shows nothing of it."""

    event_id: str
    field: str
    salt: bytes
    value: Scalar
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Sealable({self.event_id!r}, {self.field!r})"


class VaultKeeper:
    """Keeps, opens and destroys sealed values. Blocks on the disk; safe from any thread."""

    def __init__(
        self,
        control: ControlStore,
        keyring: Callable[[], Keyring],
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        """`keyring` gives the tenant's keys as they are now: a rotation adds to them."""
        self._control = control
        self._keyring = keyring
        self._clock = clock
        self._random = random
        self._tenant = control.tenant
        self._wrapping: dict[str, Envelope] = {}
        self._ciphers: OrderedDict[str, SubjectCipher] = OrderedDict()
        self._lock = threading.Lock()
        self._recorded: dict[str, Erasure] = {}
        self.gate = Gate()

    def keep(self, values: Sequence[Sealable], ledger: str, at_size: int) -> None:
        """Store values, all of them or none; when this returns they survive power loss.

        Args:
            ledger, at_size: Where their leaves go, and how many entries are durable there: they come behind.

        Raises:
            Unavailable: The disk failed or is full.
            VerificationError: A key was tampered with.
        """

        def seal(keys: Mapping[tuple[str, ...], SubjectKey]) -> Iterable[SealedValue]:
            for value in values:
                key = keys[value.names]
                sealed = self._cipher(key).seal(
                    value.event_id, value.field, value.salt, value.value, self._random
                )
                yield SealedValue(
                    event_id=value.event_id, field=value.field, subject=value.names[0], key_id=key.id,
                    sealed=sealed, ledger=ledger, at_size=at_size,
                )  # fmt: skip

        self._control.vault.keep({value.names for value in values}, self._fresh_key, seal)

    def open(self, event_id: str, field: str, committed: str) -> Opened | None:
        """What was sealed; None if the vault does not have it any more.

        Raises:
            VerificationError: It is not what was sealed, or its key was tampered with.
        """
        found = self._control.vault.value(event_id, field)
        if found is None:
            return None
        value, key = found
        return self._cipher(key).open(event_id, field, value.sealed, committed)

    def open_all(self, event_id: str, committed: Mapping[str, str]) -> dict[str, Opened]:
        """Everything sealed of an event that the vault still has, by field.

        Args:
            committed: What the event commits to, by field.

        Raises:
            VerificationError: As `open`.
        """
        found = self._control.vault.values(event_id)
        return {
            field: self._cipher(found[field][1]).open(event_id, field, found[field][0].sealed, commitment)
            for field, commitment in committed.items()
            if field in found
        }

    def erase(self, erasure: Erasure, record: Callable[[], Receipt]) -> Receipt:
        """Destroy keys: intended, recorded, carried out, in this order; the caller holds the gate alone.

        Once it is recorded it is carried out: if that fails now, by `finish_recorded` or the next start. If
        nobody knows whether it was recorded, the next start finds out.

        Args:
            record: Makes `subject.erased` durable, under the erasure's id.
        """
        self._control.erasures.begin(erasure)
        receipt = record()
        # A crash from here on leaves an erasure that the record knows: the next start carries it out.
        self._recorded[erasure.id] = erasure
        self.finish_recorded()
        return receipt

    def finish_recorded(self) -> None:
        """Carry out what was recorded and could not be carried out then, as while a backup read the files.

        Raises:
            Unavailable: It cannot be done now either.
        """
        for id, erasure in list(self._recorded.items()):
            self._carry_out(erasure)
            self._recorded.pop(id, None)

    def finish(self, erasure: Erasure) -> None:
        """Carry out what the record says."""
        self._carry_out(erasure)

    def mark(self, sizes: Mapping[str, int]) -> None:
        """Note that everything sealed has its leaf before these sizes, if nothing is on its way.

        They are how many entries the ledgers held before this was called.
        """
        if self.gate.empty and not self._control.vault.empty:
            self._control.vault.move_marks(sizes)

    def _carry_out(self, erasure: Erasure) -> None:
        with self._lock:
            for key_id in erasure.key_ids:
                self._ciphers.pop(key_id, None)
        self._control.erasures.carry_out(erasure, self._clock.now_ns())

    def _fresh_key(self, subject: str) -> SubjectKey:
        key, key_id, data_key = self._random(KEY_BYTES), self._random(8).hex(), self._keyring().data_key
        return SubjectKey(
            id=key_id, subject=subject, wrapping_key=data_key.id, created_ns=self._clock.now_ns(),
            wrapped=wrap_key(key, self._wrapping_key(data_key.id), self._tenant, key_id, subject),
        )  # fmt: skip

    def _cipher(self, key: SubjectKey) -> SubjectCipher:
        with self._lock:
            known = self._ciphers.get(key.id)
            if known is None:
                secret = unwrap_key(
                    key.wrapped, self._wrapping_key(key.wrapping_key), self._tenant, key.id, key.subject
                )
                known = self._ciphers[key.id] = SubjectCipher(secret, key.id, self._tenant)
                if len(self._ciphers) > _KNOWN_CIPHERS:
                    self._ciphers.popitem(last=False)
            return known

    def _wrapping_key(self, data_key_id: str) -> Envelope:
        known = self._wrapping.get(data_key_id)
        if known is None:
            known = self._wrapping[data_key_id] = wrapping_envelope(self._keyring().envelope(data_key_id))
        return known
