"""Small secrets of the control store, sealed under the tenant's data key, which the master key wraps."""

from __future__ import annotations

import base64
from typing import Literal

import msgspec

from ..house import House

Use = Literal["totp", "refresh", "authority"]


class SecretBox:
    """Seals for one use and one owner: a sealed secret that is moved to another row opens nothing there."""

    def __init__(self, house: House, use: Use) -> None:
        self._house = house
        self._use = f"glasshatch/{use}/v1".encode()

    def seal(self, owner: str, secret: bytes) -> tuple[str, str]:
        """The sealed secret in base64, and the id of the data key."""
        key_id = self._house.keyring.data_key.id
        sealed = self._house.keyring.envelope(key_id).derive(self._use).seal(secret, self._place(owner))
        return base64.b64encode(sealed).decode("ascii"), key_id

    def open(self, owner: str, sealed: str, key_id: str) -> bytes:
        """The secret again.

        Raises:
            VerificationError: It was changed, or the key is not there.
        """
        envelope = self._house.keyring.envelope(key_id).derive(self._use)
        return envelope.open(base64.b64decode(sealed), self._place(owner))

    def _place(self, owner: str) -> bytes:
        return msgspec.json.encode([self._house.tenant, owner])
