"""A disclosure: one sealed value handed out, which anybody can check against the ledger's public key.

The file is one line of JSON: event, field, value, the salt and the commitment in hex, and a proof of the
event's entry (`tlog-proof@v1`). It shows that this value was recorded there, and nothing else of the event
that the entry does not show.
"""

from __future__ import annotations

import msgspec

from ...errors import GlasshatchError, VerificationError
from ...events import SALT_BYTES, Event, Scalar, commitment, decode
from ..log import LogKey, ProvenEntry, verify_proof

VERSION = "glasshatch-disclosure@v1"
MAX_DISCLOSURE_BYTES = 4 << 20


class Disclosure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of the file; its representation shows no value."""

    format: str = msgspec.field(default_factory=lambda: VERSION)
    event: str
    field: str
    value: Scalar
    salt: str
    commitment: str
    proof: str

    def __repr__(self) -> str:
        return f"Disclosure(event={self.event!r}, field={self.field!r})"

    def encode(self) -> bytes:
        """The bytes of the file; there is one form of it, so that one changed character is found."""
        return msgspec.json.encode(self) + b"\n"


class Disclosed(msgspec.Struct, frozen=True):
    """What a disclosure has shown: this value was sealed in this proven entry."""

    disclosure: Disclosure
    proven: ProvenEntry


def is_disclosure(data: bytes) -> bool:
    """Whether this is meant to be a disclosure."""
    return data.startswith(b'{"format":"glasshatch-disclosure@')


def verify_disclosure(data: bytes, public_key: LogKey | str) -> Disclosed:
    """Check a disclosure with nothing but the log's public key.

    Raises:
        VerificationError: Any character of it is not as it was made, or it is of another log.
    """
    if len(data) > MAX_DISCLOSURE_BYTES:
        raise VerificationError("the disclosure is too large")
    try:
        told = msgspec.json.decode(data, type=Disclosure)
        salt = bytes.fromhex(told.salt)
    except (msgspec.DecodeError, ValueError):
        raise VerificationError("not a disclosure", expected=VERSION) from None
    one_form = told.format == VERSION and told.encode() == data and salt.hex() == told.salt
    if not one_form or len(salt) != SALT_BYTES or "\0" in told.field:
        raise VerificationError("the disclosure is not in its one form", expected=VERSION)
    proven = verify_proof(told.proof.encode(), public_key)
    _check(told, salt, _event(proven))
    return Disclosed(told, proven)


def _event(proven: ProvenEntry) -> Event:
    try:
        return decode(proven.entry)
    except GlasshatchError as error:
        raise VerificationError(f"the proven entry cannot be read: {error.message}") from None


def _check(told: Disclosure, salt: bytes, event: Event) -> None:
    if event.id != told.event:
        raise VerificationError("the proof is of another event", expected=told.event, found=event.id)
    sealed = event.redaction.sealed if event.redaction else ()
    committed = next((one.commitment for one in sealed if one.field == told.field), "")
    if not committed:
        raise VerificationError(f"the event has no sealed field {told.field}")
    if told.commitment != committed:
        raise VerificationError(
            "the commitment is not the event's", expected=committed, found=told.commitment
        )
    made = commitment(salt, told.field, told.value)
    if made != committed:
        raise VerificationError(
            "the value is not the one that was sealed", expected=committed, found=made,
            where=f"field {told.field} of event {told.event}",
        )  # fmt: skip
