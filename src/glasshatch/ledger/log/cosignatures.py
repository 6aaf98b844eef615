"""Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519): made, checked and put on a checkpoint."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ...errors import VerificationError
from .notes import Signature, check_key_name, parse_note
from .text import decode64, encode64

COSIGNATURE = b"\x04"
MAX_TIMESTAMP = (1 << 63) - 1
_TIMESTAMP = struct.Struct(">Q")
_VALUE_BYTES = _TIMESTAMP.size + 64


class CosignerKey(msgspec.Struct, frozen=True):
    """A witness's public key under its name; `str()` gives the form that is passed around."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || LF || 0x04 || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(COSIGNATURE + self.public)}"

    @classmethod
    def parse(cls, text: str) -> CosignerKey:
        """Read `name+hash+base64`.

        Raises:
            VerificationError: Malformed, no Ed25519 cosigner's key, or the hash does not fit the key.
        """
        name, _, rest = text.partition("+")
        check_key_name(name)
        data = decode64(rest[9:], "the witness's key")
        if len(data) != 33 or data[:1] != COSIGNATURE:
            raise VerificationError(
                "the witness's key is no Ed25519 cosigner's key",
                hint="a log's own key is of another type; take the line that the witness published",
            )
        key = cls(name, data[1:])
        if str(key) != text:
            raise VerificationError("the witness's key does not fit its hash", expected=str(key), found=text)
        return key


class Cosignature(msgspec.Struct, frozen=True):
    """A cosignature that was checked: who, when (seconds since 1970), and the line as it stands in a note."""

    key: CosignerKey
    timestamp: int
    line: bytes


def cosign(text: bytes, name: str, key: Ed25519PrivateKey, timestamp: int) -> bytes:
    """The signature line of a witness for a checkpoint's text (its body, with the last newline).

    The caller guarantees that this is the largest consistent tree of that log which `key` ever signed.
    """
    public = CosignerKey(name, key.public_key().public_bytes_raw())
    value = _TIMESTAMP.pack(timestamp) + key.sign(_message(text, timestamp))
    return f"— {name} {encode64(public.key_id + value)}\n".encode()


def check_cosignatures(note: bytes, keys: Iterable[CosignerKey]) -> list[Cosignature]:
    """The cosignatures of these witnesses that a note carries; unknown signatures are passed over.

    Raises:
        VerificationError: The note is malformed, or a line of a known witness is false.
    """
    parsed = parse_note(note)
    found = []
    for key in dict.fromkeys(keys):
        lines = [s for s in parsed.signatures if s.name == key.name and s.key_id == key.key_id]
        if lines:
            # Several of one witness say the same at several times; all must hold, the newest counts.
            found.append(max((_check(parsed.text, key, s) for s in lines), key=lambda one: one.timestamp))
    return found


def require_cosignatures(note: bytes, keys: Sequence[CosignerKey], quorum: int = 0) -> list[Cosignature]:
    """The cosignatures of at least `quorum` of these witnesses; 0 means of all.

    Raises:
        VerificationError: There are fewer; says whose are missing.
    """
    found = check_cosignatures(note, keys)
    needed = quorum or len(dict.fromkeys(keys))
    if len(found) < needed:
        there = {one.key for one in found}
        missing = ", ".join(key.name for key in dict.fromkeys(keys) if key not in there)
        raise VerificationError(
            f"the checkpoint lacks cosignatures: {missing}",
            expected=f"{needed} witnesses",
            found=str(len(found)),
            hint="take a newer proof, or ask the witness what it saw",
        )
    return found


def with_cosignatures(note: bytes, lines: Iterable[bytes]) -> bytes:
    """The note with further signature lines behind its own."""
    return note + b"".join(lines)


def _check(text: bytes, key: CosignerKey, signature: Signature) -> Cosignature:
    value = signature.value
    timestamp = _TIMESTAMP.unpack_from(value)[0] if len(value) == _VALUE_BYTES else MAX_TIMESTAMP + 1
    if timestamp > MAX_TIMESTAMP:
        raise VerificationError(f"the cosignature of {key.name} is malformed")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(
            value[_TIMESTAMP.size :], _message(text, timestamp)
        )
    except (InvalidSignature, ValueError):
        raise VerificationError(f"the cosignature of {key.name} does not fit the checkpoint") from None
    line = f"— {key.name} {encode64(signature.key_id + value)}\n".encode()
    return Cosignature(key, timestamp, line)


def _message(text: bytes, timestamp: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % timestamp + text
