"""Checking proofs with nothing but hashes: the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2.

They share no code with the making of proofs, so a mistake in one does not hide in the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import VerificationError
from .hashing import HASH_BYTES, node_hash


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return if `proof` shows that `leaf` is number `index` of the tree with this size and root.

    Raises:
        VerificationError: It does not.
    """
    if not 0 <= index < size:
        raise VerificationError("the index lies outside the tree", expected=f"below {size}", found=str(index))
    _check_widths(proof)
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("the inclusion proof is too long")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise VerificationError("the inclusion proof is too short")
    _compare("the inclusion proof leads to another root", root, found)


def check_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return if `proof` shows that the new tree only appends to the old one.

    Raises:
        VerificationError: It does not.
    """
    if not 0 < old_size <= new_size:
        raise VerificationError(
            "the sizes do not grow", expected=f"0 < size <= {new_size}", found=str(old_size)
        )
    _check_widths(proof)
    if old_size == new_size:
        if proof:
            raise VerificationError("a proof between equal sizes must be empty")
        _compare("two roots of one size differ", old_root, new_root)
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise VerificationError("the consistency proof is empty")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError("the consistency proof is too long")
        if node & 1 or node == last:
            old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new_found = node_hash(new_found, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise VerificationError("the consistency proof is too short")
    _compare("the consistency proof leads to another old root", old_root, old_found)
    _compare("the consistency proof leads to another new root", new_root, new_found)


def _check_widths(proof: Sequence[bytes]) -> None:
    if any(len(item) != HASH_BYTES for item in proof):
        raise VerificationError("a proof consists of hashes of 32 bytes")


def _compare(message: str, expected: bytes, found: bytes) -> None:
    if expected != found:
        raise VerificationError(message, expected=expected.hex(), found=found.hex())
