"""What a ledger needs of a keyring: its name in signed notes, who signs, and what seals its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..errors import VerificationError
from .envelope import Envelope

DEFAULT_LEDGER = "default"
"""The ledger that every tenant has; its keys carry no name of a ledger in the keyring."""


class LedgerKeys(Protocol):
    """The keys of one ledger; a `Keyring` itself is those of the default one."""

    @property
    def origin(self) -> str:
        """The ledger's name in its signed notes."""

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """Signs its checkpoints: the newest one."""

    @property
    def signing_keys(self) -> Sequence[Ed25519PrivateKey]:
        """All that sign its checkpoints, the newest first: older ones do until they are retired."""

    @property
    def data_key(self) -> Envelope:
        """Seals what is written from now on."""

    def envelope(self, key_id: str) -> Envelope:
        """The data key with this id, which may be an older one.

        Raises:
            VerificationError: This ledger never had such a key.
        """


class OneLedger:
    """The opened keys of one ledger; nothing secret shows in its repr."""

    def __init__(
        self,
        name: str,
        origin: str,
        signing_keys: Sequence[Ed25519PrivateKey],
        envelopes: Mapping[str, Envelope],
        newest: str,
    ) -> None:
        """`signing_keys` with the newest first; `newest` is the id of the data key in use."""
        self.name = name
        self.origin = origin
        self.signing_keys = tuple(signing_keys)
        self.signing_key = self.signing_keys[0]
        self.data_key = envelopes[newest]
        self._envelopes = envelopes

    def __repr__(self) -> str:
        return f"OneLedger(name={self.name!r}, origin={self.origin!r}, data_key={self.data_key.id!r})"

    def envelope(self, key_id: str) -> Envelope:
        """The data key with this id, which may be an older one.

        Raises:
            VerificationError: This ledger never had such a key.
        """
        try:
            return self._envelopes[key_id]
        except KeyError:
            raise VerificationError(
                f"data key {key_id} is not among the keys of ledger {self.name}",
                hint="the file belongs to another ledger, or the keyring is an older copy",
            ) from None
