"""RFC 6962 hashing (§2.1), and roots of runs of hashes kept as flat bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

# Copying a hash object that has eaten its domain byte is the fastest way from Python: no concatenation.
_leaf = hashlib.sha256(b"\x00")
_node = hashlib.sha256(b"\x01")


def leaf_hash(entry: bytes | memoryview) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || entry)."""
    state = _leaf.copy()
    state.update(entry)
    return state.digest()


def leaf_hashes(entries: Iterable[bytes | memoryview]) -> list[bytes]:
    """The leaf hash of every entry, in order."""
    hashes: list[bytes] = []
    append, start = hashes.append, _leaf.copy
    for entry in entries:
        state = start()
        state.update(entry)
        append(state.digest())
    return hashes


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    state = _node.copy()
    state.update(left + right)
    return state.digest()


def perfect_root(hashes: bytes | memoryview) -> bytes:
    """The root over a power of two of consecutive hashes, given as flat bytes."""
    data = bytes(hashes)
    start = _node.copy
    while len(data) > HASH_BYTES:
        parents: list[bytes] = []
        append = parents.append
        for at in range(0, len(data), 2 * HASH_BYTES):
            state = start()
            state.update(data[at : at + 2 * HASH_BYTES])
            append(state.digest())
        data = b"".join(parents)
    return data


def peaks(hashes: bytes | memoryview) -> list[bytes]:
    """The roots of the largest perfect subtrees over any number of hashes, left to right."""
    roots = []
    at, count = 0, len(hashes) // HASH_BYTES
    while count:
        width = 1 << count.bit_length() - 1
        roots.append(perfect_root(hashes[at : at + width * HASH_BYTES]))
        at += width * HASH_BYTES
        count -= width
    return roots


def bag(roots: Iterable[bytes], right: bytes | None = None) -> bytes | None:
    """Join peaks (left to right) and what lies right of them into one root; None if there is nothing."""
    for root in reversed(list(roots)):
        right = root if right is None else node_hash(root, right)
    return right
