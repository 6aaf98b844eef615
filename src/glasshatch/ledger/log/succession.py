"""The keys of one log over time: which key has to sign which sizes, shown by the keys themselves.

A log keeps its origin and may change its key. Each change is a statement, a signed note (C2SP signed-note):

    example.com/audit                 the origin
    glasshatch key succession v1
    <old verifier key>
    <new verifier key>
    1234                              the new key signs every checkpoint larger than this
    1764097200000000000               when, in nanoseconds UTC

signed by the old and by the new key. A key that signs no more is named in another statement:

    example.com/audit
    glasshatch key retirement v1
    <verifier key>
    1300                              it signs no checkpoint larger than this
    1764183600000000000

signed by the key in force then, which is a later one. No checkpoint can read like either: its second line
is a number. The statements stand in the order in which they were made, in one file.
"""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...errors import VerificationError
from .notes import Note, Signature, VerifierKey, check_signature, parse_note, sign_note, split_notes
from .text import decode_decimal

_SUCCESSION, _RETIREMENT = "glasshatch key succession v1", "glasshatch key retirement v1"
MAX_STATEMENTS = 1000


class Period(msgspec.Struct, frozen=True):
    """One key of a log: it has to sign checkpoints larger than `after`, until another one does.

    `retired`, if it is not -1: it may sign no checkpoint larger than this, not even beside another.
    """

    key: VerifierKey
    after: int
    retired: int = -1


class Succession(msgspec.Struct, frozen=True):
    """The keys of one log, the oldest first, and the statements that link them."""

    periods: tuple[Period, ...]
    statements: bytes = b""

    @classmethod
    def alone(cls, key: VerifierKey) -> Succession:
        """A log that never changed its key."""
        return cls((Period(key, -1),))

    @classmethod
    def read(cls, statements: bytes, trusted: VerifierKey) -> Succession:
        """The succession in a file of statements, believed because `trusted` is one of its keys.

        Both keys sign a change of keys, so a trusted one vouches for its neighbours in both directions.

        Raises:
            VerificationError: A statement is not what it must be, or `trusted` is none of the keys.
        """
        found = cls.alone(trusted)
        notes = split_statements(statements)
        if notes:
            first = _lines(parse_note(notes[0]), trusted.name)
            found = cls.alone(VerifierKey.parse(first[2]))
        for note in notes:
            found = found._with(note)
        if trusted not in found.keys:
            raise VerificationError(
                "the key that is trusted is none of the log's succession",
                expected=str(trusted),
                found=", ".join(map(str, found.keys)),
                hint="without a statement that this key signed, the other keys may be anybody's",
            )
        return found

    @property
    def name(self) -> str:
        """The log's origin."""
        return self.newest.name

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """All keys there were, the oldest first."""
        return tuple(period.key for period in self.periods)

    @property
    def newest(self) -> VerifierKey:
        """The key in force now."""
        return self.periods[-1].key

    def in_force(self, size: int) -> VerifierKey:
        """The key that has to sign the checkpoint of this size."""
        return next((one.key for one in reversed(self.periods) if one.after < size), self.periods[0].key)

    def signers(self, size: int) -> tuple[VerifierKey, ...]:
        """All keys that may sign the checkpoint of this size, the one in force first."""
        force = self.in_force(size)
        place = self.keys.index(force)
        older = [one.key for one in self.periods[:place] if one.retired < 0 or size <= one.retired]
        return (force, *reversed(older))

    def check(self, note: Note, size: int) -> None:
        """Return if the key in force has signed, and no key of this log that may not.

        Signatures of keys that are none of this log are ignored, as the specification demands.

        Raises:
            VerificationError: Which key is missing, or has signed what it may not.
        """
        allowed = self.signers(size)
        for signature in note.signatures:
            key = next((one for one in self.keys if _made_by(signature, one)), None)
            if key is None:
                continue
            if key not in allowed:
                raise VerificationError(
                    f"the note of size {size} is signed by a key that may not sign this size",
                    expected=", ".join(one.key_id.hex() for one in allowed),
                    found=key.key_id.hex(),
                    hint="a key that was retired, or is not in force yet: somebody may use a stolen one",
                )
            check_signature(note, key)
        check_signature(note, allowed[0])

    def knows(self, note: Note) -> bool:
        """Whether every signature is by one of these keys."""
        return all(any(_made_by(one, key) for key in self.keys) for one in note.signatures)

    def extends(self, earlier: Succession) -> bool:
        """Whether these are the same keys as known earlier, and maybe newer ones."""
        if not earlier.statements:
            return earlier.newest in self.keys
        return self.statements.startswith(earlier.statements) and self.keys[0] == earlier.keys[0]

    def succeeded(
        self, old: Ed25519PrivateKey, new: Ed25519PrivateKey, size: int, time_ns: int
    ) -> Succession:
        """With `new` in the place of `old`, the newest, for every checkpoint larger than `size`."""
        before, after = verifier(self.name, old), verifier(self.name, new)
        lines = [self.name, _SUCCESSION, str(before), str(after), str(size), str(time_ns), ""]
        return self._with(sign_note("\n".join(lines).encode(), self.name, old, new))

    def retired(self, key: VerifierKey, newest: Ed25519PrivateKey, size: int, time_ns: int) -> Succession:
        """With an older key out of service for every checkpoint larger than `size`."""
        lines = [self.name, _RETIREMENT, str(key), str(size), str(time_ns), ""]
        return self._with(sign_note("\n".join(lines).encode(), self.name, newest))

    def _with(self, statement: bytes) -> Succession:
        note = parse_note(statement)
        lines = _lines(note, self.name)
        try:
            key, other, size = self._read(lines)
        except (IndexError, ValueError):
            raise VerificationError("a statement of the key succession is malformed") from None
        if size < max(0, self.periods[-1].after):
            raise VerificationError("a statement of the key succession does not follow the one before it")
        if other is None:
            periods = self._retire(key, size)
            check_signature(note, self.newest)
        else:
            if key != self.newest or other in self.keys:
                raise VerificationError(
                    "a statement of the key succession does not follow the one before it",
                    expected=f"after {self.newest}",
                    found=f"after {key}",
                )
            # Both: so nobody succeeds a key without its holder, and nobody names a key that is not theirs.
            check_signature(note, key)
            check_signature(note, other)
            periods = (*self.periods, Period(other, size))
        if len(note.signatures) != (1 if other is None else 2):
            # Only those that say something: with further ones it would be another file of the same meaning.
            raise VerificationError("a statement of the key succession carries a signature of somebody else")
        return Succession(periods, self.statements + statement)

    def _read(self, lines: list[str]) -> tuple[VerifierKey, VerifierKey | None, int]:
        if lines[1] == _SUCCESSION and len(lines) == 6:
            numbers, other = lines[4:], VerifierKey.parse(lines[3])
        elif lines[1] == _RETIREMENT and len(lines) == 5:
            numbers, other = lines[3:], None
        else:
            raise ValueError(lines[1])
        key = VerifierKey.parse(lines[2])
        if key.name != self.name or (other is not None and other.name != self.name):
            raise VerificationError("a statement of the key succession names a key of another log")
        decode_decimal(numbers[1], "the time of a statement")
        return key, other, decode_decimal(numbers[0], "the size of a statement")

    def _retire(self, key: VerifierKey, size: int) -> tuple[Period, ...]:
        old = [one.key for one in self.periods[:-1] if one.retired < 0]
        if key not in old:
            raise VerificationError("a statement retires a key that is not an older one in service")
        return tuple(
            msgspec.structs.replace(one, retired=size) if one.key == key else one for one in self.periods
        )


def verifier(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a key under a log's name."""
    return VerifierKey(name, key.public_key().public_bytes_raw())


def split_statements(data: bytes) -> list[bytes]:
    """The statements of a file.

    Raises:
        VerificationError: It is no run of whole notes.
    """
    notes, end = split_notes(data)
    if end != len(data) or len(notes) > MAX_STATEMENTS:
        raise VerificationError("the key succession ends in the middle of a statement", found=str(end))
    return notes


def encode_keys(succession: Succession) -> bytes:
    """As they are handed out: a key to a line, the newest last; a blank line; the statements."""
    lines = "".join(f"{key}\n" for key in succession.keys)
    return f"{lines}\n".encode() + succession.statements


def decode_keys(data: bytes, trusted: VerifierKey) -> Succession:
    """What `encode_keys` wrote, or the statements alone; believed because of one key that is trusted.

    Raises:
        VerificationError: As `Succession.read`, or the keys named are not those of the statements.
    """
    if b"+" not in data.split(b"\n", 1)[0]:
        return Succession.read(data, trusted)
    found = Succession.read(data.partition(b"\n\n")[2], trusted)
    if encode_keys(found) != data:
        raise VerificationError("the keys that are named are not those of the statements")
    return found


def _lines(note: Note, name: str) -> list[str]:
    lines = note.text.decode()[:-1].split("\n")
    if len(lines) < 5 or lines[0] != name:
        raise VerificationError(
            "a statement of the key succession is of another log, or none", expected=name, found=lines[0]
        )
    return lines


def _made_by(signature: Signature, key: VerifierKey) -> bool:
    return signature.name == key.name and signature.key_id == key.key_id
