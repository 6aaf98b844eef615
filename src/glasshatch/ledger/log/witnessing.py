"""What a log and its witness say to each other (C2SP tlog-witness), and what a witness may cosign. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ...errors import VerificationError
from .checkpoints import Checkpoint, open_checkpoint
from .hashing import HASH_BYTES
from .inclusion import check_consistency
from .notes import VerifierKey, parse_note
from .text import decode64, decode_decimal, encode64

MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"


class AddCheckpoint(msgspec.Struct, frozen=True):
    """The body of `add-checkpoint`: the size the witness knows, the proof from there, and a signed note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        lines = [f"old {self.old_size}", *map(encode64, self.proof)]
        return "\n".join([*lines, "", ""]).encode() + self.note

    @classmethod
    def decode(cls, data: bytes) -> AddCheckpoint:
        """Read a request without believing it.

        Raises:
            VerificationError: It is not laid out as the specification has it.
        """
        head, separator, note = data.partition(b"\n\n")
        if len(data) > MAX_REQUEST_BYTES or not separator or not head.isascii():
            raise VerificationError("not an add-checkpoint request")
        first, *lines = head.decode().split("\n")
        word, _, size = first.partition(" ")
        if word != "old" or len(lines) > MAX_PROOF_LINES:
            raise VerificationError("not an add-checkpoint request")
        proof = tuple(decode64(line, "a hash of the consistency proof") for line in lines)
        if any(len(item) != HASH_BYTES for item in proof):
            raise VerificationError("a hash of the consistency proof has not 32 bytes")
        return cls(decode_decimal(size, "the old size"), proof, note)


class Refusal(msgspec.Struct, frozen=True):
    """Why a checkpoint is not cosigned: the HTTP status, and the size the witness knows if that is the cure.

    `evidence`: `proof` if the log's own key signed two trees of one size, `claim` if the proof from what
    was seen does not hold, which may as well be the sender's fault.
    """

    status: int
    says: str
    size: int | None = None
    evidence: str = ""


def origin_of(note: bytes) -> str:
    """The log a note claims to be of; nothing is checked.

    Raises:
        VerificationError: Not a note.
    """
    return parse_note(note).text.split(b"\n", 1)[0].decode()


def judge(
    request: AddCheckpoint, keys: Mapping[str, Sequence[VerifierKey]], last: Checkpoint | None
) -> Checkpoint | Refusal:
    """Whether a witness may cosign: the checkpoint if so, else why not.

    The caller holds the origin's record from before it read `last` until the new one is durable.

    Args:
        keys: The public keys trusted for each origin.
        last: The latest checkpoint this witness cosigned for the origin.
    """
    try:
        trusted = keys.get(origin_of(request.note))
    except VerificationError as error:
        return Refusal(400, error.message)
    if not trusted:
        return Refusal(404, "the log is not known here")
    checkpoint = _signed(request.note, trusted)
    if checkpoint is None:
        return Refusal(403, "not signed by a key that is trusted for this log")
    known = last.size if last else 0
    if request.old_size > checkpoint.size:
        return Refusal(400, "the old size is larger than the checkpoint's")
    if request.old_size != known:
        return Refusal(409, "another size was cosigned last", known)
    return _extends(request, checkpoint, last)


def _extends(request: AddCheckpoint, checkpoint: Checkpoint, last: Checkpoint | None) -> Checkpoint | Refusal:
    if last is not None and checkpoint.size == last.size and checkpoint.root != last.root:
        return Refusal(409, "another tree of this size was cosigned", last.size, evidence="proof")
    try:
        if last is not None and last.size:
            check_consistency(last.size, checkpoint.size, last.root, checkpoint.root, request.proof)
        elif request.proof:
            raise VerificationError("a proof from an empty tree must be empty")
    except VerificationError as error:
        return Refusal(422, error.message, evidence="claim")
    return checkpoint


def _signed(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    for key in keys:
        try:
            return open_checkpoint(note, key)
        except VerificationError:
            continue
    return None
