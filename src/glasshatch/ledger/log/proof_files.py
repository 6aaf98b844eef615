"""Proof files (C2SP tlog-proof@v1): one entry, its place, its audit path and a checkpoint.

The entry itself stands in the `extra` line, which the specification keeps for what is needed to
recompute the leaf: so the file proves itself to anybody who holds the log's public key.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...errors import VerificationError
from .checkpoints import Checkpoint, LogKey, open_checkpoint
from .cosignatures import Cosignature, CosignerKey, require_cosignatures
from .hashing import HASH_BYTES, leaf_hash
from .inclusion import check_inclusion
from .notes import VerifierKey
from .text import decode64, decode_decimal, encode64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 2 << 20


class Proof(msgspec.Struct, frozen=True):
    """A self-contained proof that an entry is in the log; `checkpoint` is a signed note."""

    index: int
    entry: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The bytes of the file (suggested suffix `.tlog-proof`)."""
        lines = [HEADER, f"extra {encode64(self.entry)}", f"index {self.index}"]
        lines += [encode64(item) for item in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """Read a proof file without believing it.

        Raises:
            VerificationError: It is not laid out as a proof that carries its entry.
        """
        if len(data) > MAX_PROOF_BYTES:
            raise VerificationError("the proof file is too large")
        head, separator, checkpoint = data.partition(b"\n\n")
        if not separator or not head.isascii():
            raise VerificationError("not a proof file", expected=HEADER)
        lines = head.decode().split("\n")
        if len(lines) < 3 or lines[0] != HEADER:
            raise VerificationError("not a proof file", expected=HEADER, found=lines[0][:40])
        entry = decode64(_member(lines[1], "extra"), "the proof's entry")
        index = decode_decimal(_member(lines[2], "index"), "the proof's index")
        hashes = tuple(decode64(line, "a hash of the proof") for line in lines[3:])
        if any(len(item) != HASH_BYTES for item in hashes):
            raise VerificationError("a hash of the proof has not 32 bytes")
        return cls(index, entry, hashes, checkpoint)


class ProvenEntry(msgspec.Struct, frozen=True):
    """What a proof file has shown: these bytes are entry `index` of the log named in the checkpoint."""

    index: int
    entry: bytes
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...] = ()


def verify_proof(
    data: bytes, public_key: LogKey | str, witnesses: Sequence[CosignerKey] = (), quorum: int = 0
) -> ProvenEntry:
    """Check a proof file with nothing but the log's public key, and those of witnesses if you trust some.

    A log that changed its key is checked with its succession, or with any key that signed this checkpoint.

    Args:
        witnesses: Whose cosignatures the checkpoint must carry; `quorum` of them, 0 for all.

    Raises:
        VerificationError: Any character of it is not as the log made it, it is of another log, or too few
            of the witnesses saw its checkpoint.
    """
    key = VerifierKey.parse(public_key.strip()) if isinstance(public_key, str) else public_key
    proof = Proof.decode(data)
    checkpoint = open_checkpoint(proof.checkpoint, key)
    check_inclusion(proof.index, checkpoint.size, leaf_hash(proof.entry), proof.hashes, checkpoint.root)
    found = require_cosignatures(proof.checkpoint, witnesses, quorum) if witnesses else []
    return ProvenEntry(proof.index, proof.entry, checkpoint, tuple(found))


def _member(line: str, name: str) -> str:
    found, _, value = line.partition(" ")
    if found != name:
        raise VerificationError("a line of the proof file is missing", expected=name, found=found[:40])
    return value
