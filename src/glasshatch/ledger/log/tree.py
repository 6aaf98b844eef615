"""The Merkle tree over flat hash levels: roots, inclusion and consistency proofs (RFC 6962 §2.1).

Level L holds the roots of all complete subtrees of 256**L leaves, 32 bytes each, in order: exactly the
concatenation of the C2SP tlog tiles of that level.
"""

from __future__ import annotations

from collections.abc import Callable

from .hashing import EMPTY_ROOT, HASH_BYTES, bag, peaks, perfect_root

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES

ReadHashes = Callable[[int, int, int], bytes]
"""(level, first, count) -> exactly `count` hashes of that level, as flat bytes."""


KnownRoots = dict[tuple[int, int], bytes]
"""Roots of complete subtrees by (height, position): they never change, so they may be kept and reused."""


def level_widths(size: int) -> list[int]:
    """How many hashes each level holds for a tree of this size; no trailing empty level."""
    widths = []
    while size:
        widths.append(size)
        size >>= TILE_HEIGHT
    return widths


def root(size: int, read: ReadHashes) -> bytes:
    """The root of the first `size` leaves."""
    return range_root(0, size, read) if size else EMPTY_ROOT


def range_root(start: int, stop: int, read: ReadHashes, known: KnownRoots | None = None) -> bytes:
    """The Merkle tree hash of leaves [start, stop), a range that RFC 6962 splits off (start is aligned)."""
    roots = []
    while start < stop:
        height = (stop - start).bit_length() - 1
        roots.append(_subtree(height, start >> height, read, known))
        start += 1 << height
    joined = bag(roots)
    if joined is None:
        raise ValueError("an empty range has no root")
    return joined


def inclusion_proof(index: int, size: int, read: ReadHashes, known: KnownRoots | None = None) -> list[bytes]:
    """The audit path of leaf `index` among the first `size` (RFC 6962 §2.1.1), the leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    start, stop = 0, size
    path = []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    return [range_root(low, high, read, known) for low, high in reversed(path)]


def consistency_proof(old: int, new: int, read: ReadHashes) -> list[bytes]:
    """The proof that the tree of `new` leaves extends the tree of `old` leaves (RFC 6962 §2.1.2)."""
    if not 0 < old <= new:
        raise ValueError("the sizes must be 0 < old <= new")
    if old == new:
        return []
    start, stop, target, path = 0, new, old, []
    while target != stop:
        middle = start + _split(stop - start)
        if target <= middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    if start:
        path.append((start, stop))
    return [range_root(low, high, read) for low, high in reversed(path)]


class Edge:
    """The right edge of a growing tree: the incomplete tile of every level, all that appending needs."""

    def __init__(self, size: int = 0, tiles: list[bytes] | None = None) -> None:
        """Take over a tree of `size` leaves whose incomplete tiles, from level 0 up, are `tiles`."""
        self.size = size
        self._tiles = list(tiles or [])

    @classmethod
    def load(cls, size: int, read: ReadHashes) -> Edge:
        """The edge of a stored tree."""
        tiles = []
        for level, width in enumerate(level_widths(size)):
            partial = width % TILE_WIDTH
            tiles.append(read(level, width - partial, partial) if partial else b"")
        return cls(size, tiles)

    def extend(self, hashes: bytes) -> list[bytes]:
        """Append leaf hashes; returns the new hashes of every level, level 0 first."""
        self.size += len(hashes) // HASH_BYTES
        added = []
        level = 0
        while hashes:
            added.append(hashes)
            if level == len(self._tiles):
                self._tiles.append(b"")
            run = self._tiles[level] + hashes
            whole = len(run) - len(run) % TILE_BYTES
            self._tiles[level] = run[whole:]
            hashes = b"".join(perfect_root(run[at : at + TILE_BYTES]) for at in range(0, whole, TILE_BYTES))
            level += 1
        return added

    def root(self) -> bytes:
        """The root of the whole tree."""
        joined: bytes | None = None
        for tile in self._tiles:
            joined = bag(peaks(tile), joined)
        return EMPTY_ROOT if joined is None else joined


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (RFC 6962 §2.1)."""
    return 1 << (count - 1).bit_length() - 1


def _subtree(height: int, position: int, read: ReadHashes, known: KnownRoots | None) -> bytes:
    level, rest = divmod(height, TILE_HEIGHT)
    found = known.get((height, position)) if known is not None else None
    if found is None:
        width = 1 << rest
        found = perfect_root(read(level, position * width, width))
        if known is not None:
            known[height, position] = found
    return found
