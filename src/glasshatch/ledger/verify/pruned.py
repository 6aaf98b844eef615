"""Whether entries that are not there were pruned, as the log itself records, or taken away."""

from __future__ import annotations

from pathlib import Path

from ...errors import VerificationError
from ..log import (
    HASH_BYTES,
    NOT_PRUNED,
    Checkpoint,
    LogKey,
    Pruning,
    check_inclusion,
    decode_pruned,
    leaf_hash,
    verify_proof,
)
from ..log.layout import PRUNED_FILE, PRUNING_FILE, level_name
from .report import Findings
from .tree import CheckedTree


def check_pruned_file(
    directory: Path,
    tree: CheckedTree,
    history: list[Checkpoint],
    key: LogKey | None,
    findings: Findings,
) -> Pruning:
    """What was pruned: as the file says, if the entry that it proves stands in this very tree.

    A forged file is a finding, and so are then the packs that it was to excuse.
    """
    if (directory / PRUNING_FILE).exists():
        findings.add(PRUNING_FILE, 0, "a pruning was interrupted", kind="unfinished")
    path = directory / PRUNED_FILE
    if not path.exists():
        return NOT_PRUNED
    try:
        return _checked(path.read_bytes(), tree, history, key)
    except VerificationError as error:
        findings.take(PRUNED_FILE, 0, error)
        return NOT_PRUNED


def _checked(data: bytes, tree: CheckedTree, history: list[Checkpoint], key: LogKey | None) -> Pruning:
    pruning, proof = decode_pruned(data)
    if proof.index >= tree.signed:
        # A newer state of this log than the directory was pruned: the log's signature says so.
        if key is None:
            raise VerificationError("there is no sound public key to check it with")
        verify_proof(data, key)
        return pruning
    leaf = leaf_hash(proof.entry)
    stored = tree.leaves(proof.index, 1)
    if stored != leaf:
        raise VerificationError(
            f"the log records no such pruning: entry {proof.index} is another one ({level_name(0)} at "
            f"{proof.index * HASH_BYTES})",
            expected=stored.hex(),
            found=leaf.hex(),
        )
    signed = [checkpoint for checkpoint in history if checkpoint.note == proof.checkpoint]
    if not signed:
        raise VerificationError("the proof's checkpoint is none that was published")
    check_inclusion(proof.index, signed[0].size, leaf, proof.hashes, signed[0].root)
    return pruning
