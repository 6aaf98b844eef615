"""Signed notes (C2SP signed-note) with Ed25519, and their verifier keys: `name+hash+base64`."""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ...errors import VerificationError
from .text import decode64, encode64

ED25519 = b"\x01"
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key that signs notes under a name; `str()` gives the form that is passed around."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || LF || type || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read `name+hash+base64`.

        Raises:
            VerificationError: Malformed, of another signature type, or the hash does not fit the key.
        """
        name, _, rest = text.partition("+")
        check_key_name(name)
        data = decode64(rest[9:], "the verifier key")
        if len(data) != 33 or data[:1] != ED25519:
            raise VerificationError("the verifier key is no Ed25519 note key")
        key = cls(name, data[1:])
        if str(key) != text:
            raise VerificationError("the verifier key does not fit its hash", expected=str(key), found=text)
        return key


class Signature(msgspec.Struct, frozen=True):
    """One signature line of a note."""

    name: str
    key_id: bytes
    value: bytes


class Note(msgspec.Struct, frozen=True):
    """A parsed note; nothing of it is to be trusted before a signature was checked."""

    text: bytes
    signatures: tuple[Signature, ...]


def sign_note(text: bytes, name: str, *keys: Ed25519PrivateKey) -> bytes:
    """The note of `text`, which must end in a newline, signed with every key under one name."""
    lines = []
    for key in keys:
        verifier = VerifierKey(name, key.public_key().public_bytes_raw())
        lines.append(f"— {name} {encode64(verifier.key_id + key.sign(text))}\n")
    return text + b"\n" + "".join(lines).encode()


def parse_note(data: bytes) -> Note:
    """Take a note apart, strictly.

    Raises:
        VerificationError: It is not a well-formed signed note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise VerificationError("the note is too large")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise VerificationError("the note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise VerificationError("the note holds a control character")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise VerificationError("the note has no signature")
    signatures = tuple(_parse_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise VerificationError("the note has too many signatures")
    return Note((text + "\n").encode(), signatures)


def open_note(data: bytes, key: VerifierKey) -> Note:
    """A note that `key` has signed; signatures of unknown keys are ignored, as the specification demands.

    Raises:
        VerificationError: Malformed, not signed by `key`, or the signature is wrong.
    """
    note = parse_note(data)
    check_signature(note, key)
    return note


def check_signature(note: Note, key: VerifierKey) -> None:
    """Return if `key` has signed the note; raises `VerificationError` as `open_note`."""
    mine = [s for s in note.signatures if s.name == key.name and s.key_id == key.key_id]
    if len(mine) != 1:
        raise VerificationError(
            "the note is not signed by the expected key",
            expected=f"{key.name} {key.key_id.hex()}",
            found=", ".join(f"{s.name} {s.key_id.hex()}" for s in note.signatures),
            hint="check that you hold the right public key for this ledger; if the ledger changed its key,"
            " its succession links the two (glasshatch keys export)",
        )
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(mine[0].value, note.text)
    except (InvalidSignature, ValueError):
        raise VerificationError(f"the signature of {key.name} does not fit the note's text") from None


def split_notes(data: bytes) -> tuple[list[bytes], int]:
    """The notes in a concatenation of notes with three lines each, and where the last whole one ends.

    What lies behind that offset is no complete note: the trace of a crash, or of damage.
    """
    notes: list[bytes] = []
    start = 0
    while True:
        gap = data.find(b"\n\n", start)
        end = _end_of_signatures(data, gap + 2) if gap >= 0 else -1
        if end < 0:
            return notes, start
        notes.append(data[start:end])
        start = end


def _end_of_signatures(data: bytes, at: int) -> int:
    """Where the run of signature lines from `at` ends; -1 if there is none, or its last line is cut off."""
    mark = "— ".encode()
    end = -1
    while data.startswith(mark, at):
        newline = data.find(b"\n", at)
        if newline < 0:
            return -1
        end = at = newline + 1
    return end


def _parse_signature(line: str) -> Signature:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if mark != "—":
        raise VerificationError("a signature line of the note is malformed")
    check_key_name(name)
    value = decode64(encoded, "a signature of the note")
    if len(value) < 5:
        raise VerificationError("a signature of the note is too short")
    return Signature(name, value[:4], value[4:])


def check_key_name(name: str) -> None:
    """Return if a note may be signed under this name; raises `VerificationError`."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise VerificationError("a key name is empty, or holds a space or a plus sign")
