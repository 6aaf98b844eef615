"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as a signed note."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...errors import VerificationError
from .hashing import EMPTY_ROOT, HASH_BYTES
from .notes import Note, VerifierKey, check_signature, parse_note, sign_note
from .succession import Succession
from .text import decode64, decode_decimal, encode64


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself at one size; `note` is the signed text as published."""

    origin: str
    size: int
    root: bytes
    note: bytes


LogKey = VerifierKey | Succession
"""What a checkpoint is checked with: one key, or the keys of a log over time."""


def sign_checkpoint(origin: str, size: int, root: bytes, *keys: Ed25519PrivateKey) -> Checkpoint:
    """Sign a tree head with every key given. The caller guarantees that the log never signed a larger or
    another tree, and that these are the keys which may sign this size."""
    text = f"{origin}\n{size}\n{encode64(root)}\n".encode()
    return Checkpoint(origin, size, root, sign_note(text, origin, *keys))


def open_checkpoint(data: bytes, key: LogKey) -> Checkpoint:
    """The checkpoint in a signed note of this key; extension lines are permitted and ignored.

    Under a succession the key in force at the checkpoint's size must have signed, and none that may not.

    Raises:
        VerificationError: Malformed, not signed by `key`, or of another log.
    """
    note = parse_note(data)
    if isinstance(key, VerifierKey):
        check_signature(note, key)
        return _read(note, key.name, data)
    checkpoint = _read(note, key.name, data)
    key.check(note, checkpoint.size)
    return checkpoint


def _read(note: Note, name: str, data: bytes) -> Checkpoint:
    lines = note.text.decode()[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise VerificationError("the checkpoint needs three non-empty lines", found=f"{len(lines)} lines")
    origin, size = lines[0], decode_decimal(lines[1], "the checkpoint's size")
    root = decode64(lines[2], "the checkpoint's root")
    if origin != name:
        raise VerificationError("the checkpoint is of another log", expected=name, found=origin)
    if len(root) != HASH_BYTES or (size == 0 and root != EMPTY_ROOT):
        raise VerificationError("the checkpoint's root is no tree hash")
    return Checkpoint(origin, size, root, data)
