"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as a signed note."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...errors import VerificationError
from .hashing import EMPTY_ROOT, HASH_BYTES
from .notes import VerifierKey, open_note, sign_note
from .text import decode64, decode_decimal, encode64


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself at one size; `note` is the signed text as published."""

    origin: str
    size: int
    root: bytes
    note: bytes


def sign_checkpoint(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> Checkpoint:
    """Sign a tree head. The caller guarantees that the log never signed a larger or another tree."""
    text = f"{origin}\n{size}\n{encode64(root)}\n".encode()
    return Checkpoint(origin, size, root, sign_note(text, origin, key))


def open_checkpoint(data: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a signed note of this key; extension lines are permitted and ignored.

    Raises:
        VerificationError: Malformed, not signed by `key`, or of another log.
    """
    note = open_note(data, key)
    lines = note.text.decode()[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise VerificationError("the checkpoint needs three non-empty lines", found=f"{len(lines)} lines")
    origin, size = lines[0], decode_decimal(lines[1], "the checkpoint's size")
    root = decode64(lines[2], "the checkpoint's root")
    if origin != key.name:
        raise VerificationError("the checkpoint is of another log", expected=key.name, found=origin)
    if len(root) != HASH_BYTES or (size == 0 and root != EMPTY_ROOT):
        raise VerificationError("the checkpoint's root is no tree hash")
    return Checkpoint(origin, size, root, data)


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
