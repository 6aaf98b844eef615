"""The cipher of the vault: values sealed under their data subject's own key (AES-256-GCM).

A subject's key is 32 random bytes, wrapped under the tenant's data key, which the master key wraps: so
changing the master key touches no subject's key, and destroying a subject's wrapped key destroys it for good.
Pure: randomness is handed in.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import VerificationError
from ..events import SALT_BYTES, Scalar, commitment, value_bytes
from ..keys import Envelope

KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAPPING = b"glasshatch/vault/v1"


class Opened(msgspec.Struct, frozen=True):
    """A sealed value with its salt; its representation shows neither."""

    salt: bytes
    value: Scalar

    def __repr__(self) -> str:
        return "Opened(…)"


class SubjectCipher:
    """Seals and opens values of one data subject."""

    def __init__(self, key: bytes, key_id: str, tenant: str) -> None:
        self._cipher = AESGCM(key)
        self._id = key_id
        self._tenant = tenant

    def __repr__(self) -> str:
        return f"SubjectCipher({self._id!r})"

    def seal(
        self, event_id: str, field: str, salt: bytes, value: Scalar, random: Callable[[int], bytes]
    ) -> str:
        """`nonce (12) || ciphertext || tag (16)` of salt and value, in base64; opens only as this field."""
        nonce = random(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, salt + value_bytes(value), self._place(event_id, field))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, event_id: str, field: str, sealed: str, committed: str) -> Opened:
        """The value, which is the one that the event committed to.

        Raises:
            VerificationError: It was changed, moved here from elsewhere, or is not what was committed to.
        """
        where = f"sealed field {field} of event {event_id}"
        try:
            data = base64.b64decode(sealed, validate=True)
            plain = self._cipher.decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], self._place(event_id, field)
            )
            salt, value = plain[:SALT_BYTES], msgspec.json.decode(plain[SALT_BYTES:], type=Scalar)
        except (InvalidTag, binascii.Error, ValueError, msgspec.DecodeError):
            raise VerificationError("does not open under its subject's key", where=where) from None
        if commitment(salt, field, value) != committed:
            raise VerificationError("is not what the event committed to", where=where)
        return Opened(salt, value)

    def _place(self, event_id: str, field: str) -> bytes:
        return b"glasshatch/sealed/v1\0" + msgspec.json.encode([self._tenant, event_id, field, self._id])


def wrapping_envelope(data_key: Envelope) -> Envelope:
    """What wraps subjects' keys under a data key of the tenant."""
    return data_key.derive(_WRAPPING)


def wrap_key(key: bytes, wrapping: Envelope, tenant: str, key_id: str, subject: str) -> str:
    """A subject's key wrapped, in base64."""
    sealed = wrapping.seal(key, _context(tenant, key_id, subject))
    return base64.b64encode(sealed).decode()


def unwrap_key(wrapped: str, wrapping: Envelope, tenant: str, key_id: str, subject: str) -> bytes:
    """The key of `wrap_key`.

    Raises:
        VerificationError: Another data key, tenant, key id or subject, or changed bytes.
    """
    try:
        sealed = base64.b64decode(wrapped, validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError("a subject's key is not base64", where=f"subject key {key_id}") from None
    return wrapping.open(sealed, _context(tenant, key_id, subject))


def _context(tenant: str, key_id: str, subject: str) -> bytes:
    return b"glasshatch/subject-key/v1\0" + msgspec.json.encode([tenant, key_id, subject])
