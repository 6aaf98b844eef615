"""The file `pruned`: which entries the ledger says are gone, and whether it really says so."""

from __future__ import annotations

from pathlib import Path

from ..errors import VerificationError
from .levels import Levels
from .log import HASH_BYTES, NOT_PRUNED, LogKey, Proof, Pruning, decode_pruned, leaf_hash, verify_proof
from .log.layout import PRUNED_FILE, level_name

_CURE = "nothing was changed; run glasshatch verify for the whole picture, then restore from a backup"


def read_pruned(directory: Path) -> tuple[Pruning, Proof | None]:
    """What the ledger says was pruned, not yet compared with its tree.

    Raises:
        VerificationError: The file is not what was written.
    """
    try:
        data = (directory / PRUNED_FILE).read_bytes()
    except FileNotFoundError:
        return NOT_PRUNED, None
    except OSError as error:
        raise VerificationError(f"cannot be read: {error.strerror}", where=PRUNED_FILE, hint=_CURE) from None
    try:
        return decode_pruned(data)
    except VerificationError as error:
        raise VerificationError(
            error.message, expected=error.expected, found=error.found, hint=error.hint or _CURE
        ) from None


def check_pruned(proof: Proof | None, size: int, keys: LogKey, levels: Levels) -> None:
    """Compare what is said to be pruned with the tree of `size`: it must be an entry of this very log.

    Raises:
        VerificationError: It is none, so entries were taken away.
    """
    if proof is None:
        return
    if proof.index >= size:
        # An older state of the log than the one that was pruned: the proof stands for itself.
        verify_proof(proof.encode(), keys)
    elif levels.read(0, proof.index, 1) != leaf_hash(proof.entry):
        raise VerificationError(
            "the log records no such pruning: entries were taken away",
            where=f"{PRUNED_FILE} at 0, {level_name(0)} at {proof.index * HASH_BYTES}",
            hint=_CURE,
        )
