"""The hash levels against the signed checkpoints: recomputed from the leaf hashes up."""

from __future__ import annotations

import os
from pathlib import Path

from ..log import HASH_BYTES, TILE_BYTES, Checkpoint, perfect_root, root
from ..log.layout import level_name
from .report import Findings

_CHUNK_BYTES = 256 * TILE_BYTES


class CheckedTree:
    """Level 0 as stored, everything above it recomputed."""

    def __init__(self, directory: Path, levels: int) -> None:
        self._directory = directory
        self._levels = levels
        path = directory / level_name(0)
        self._leaves = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.is_file() else -1
        self.size = os.fstat(self._leaves).st_size // HASH_BYTES if self._leaves >= 0 else 0
        self._computed = self._compute()
        self.signed = 0
        self.sound = True
        """Whether level 0 has every signed root: then a disagreement with it is the other's fault."""

    def close(self) -> None:
        if self._leaves >= 0:
            os.close(self._leaves)

    def leaves(self, first: int, count: int) -> bytes:
        """The stored leaf hashes in this range, as far as they go."""
        if self._leaves < 0 or count <= 0:
            return b""
        return os.pread(self._leaves, count * HASH_BYTES, first * HASH_BYTES)

    def check(self, history: list[Checkpoint], findings: Findings) -> None:
        """Compare every signed root, then the stored upper levels and every file's length."""
        self.signed = signed = history[-1].size if history else 0
        if self.size < signed:
            self.sound = False
            findings.add(
                level_name(0),
                self.size * HASH_BYTES,
                "hashes below a signed checkpoint are missing",
                expected=f"{signed} hashes",
                found=f"{self.size} hashes",
            )
        if self.size > signed:
            findings.add(
                level_name(0),
                signed * HASH_BYTES,
                "hashes beyond the newest checkpoint: a crash, or checkpoints were taken away",
                expected=f"{signed} hashes",
                found=f"{self.size} hashes",
                kind="unfinished",
            )
        self._check_lengths(signed, findings)
        good = 0
        for checkpoint in history:
            if checkpoint.size > self.size:
                break
            found = root(checkpoint.size, self._read)
            if found != checkpoint.root:
                self.sound = False
                self._locate(good, checkpoint, found, findings)
                return
            good = checkpoint.size
        self._check_upper(findings)

    def check_extent(self, durable: int, findings: Findings) -> None:
        """Hashes of entries that are nowhere."""
        if self.size > durable:
            offset = durable * HASH_BYTES
            findings.add(level_name(0), offset, "hashes of entries that do not exist", found=self.size)

    def _compute(self) -> list[bytes]:
        computed = [b""]
        parents: list[bytes] = []
        whole = self.size * HASH_BYTES // TILE_BYTES * TILE_BYTES
        for start in range(0, whole, _CHUNK_BYTES):
            chunk = os.pread(self._leaves, min(_CHUNK_BYTES, whole - start), start)
            parents += [perfect_root(chunk[at : at + TILE_BYTES]) for at in range(0, len(chunk), TILE_BYTES)]
        while parents:
            level = b"".join(parents)
            computed.append(level)
            whole = len(level) // TILE_BYTES * TILE_BYTES
            parents = [perfect_root(level[at : at + TILE_BYTES]) for at in range(0, whole, TILE_BYTES)]
        return computed

    def _read(self, level: int, first: int, count: int) -> bytes:
        if level == 0:
            return self.leaves(first, count)
        return self._computed[level][first * HASH_BYTES : (first + count) * HASH_BYTES]

    def _check_lengths(self, signed: int, findings: Findings) -> None:
        for level in range(max(self._levels, len(self._computed) if self.size else 0)):
            width = len(self._computed[level]) if 0 < level < len(self._computed) else 0
            expected = width if level else self.size * HASH_BYTES
            path = self._directory / level_name(level)
            found = path.stat().st_size if path.exists() else 0
            if findings.live and found > expected:
                continue
            if found != expected or (found == 0 and path.exists()):
                findings.add(
                    level_name(level),
                    min(found, expected),
                    "the level has another length",
                    expected=f"{expected} bytes",
                    found=f"{found} bytes",
                    # Hashes beyond the newest checkpoint are what a crash between the two leaves; a level
                    # without any, one between its making and its first hash.
                    kind="unfinished" if self.size > signed or found == expected else "damage",
                )

    def _locate(self, good: int, checkpoint: Checkpoint, found: bytes, findings: Findings) -> None:
        """Name the damaged tile of level 0: the first whose root is not the one stored above it."""
        start = good * HASH_BYTES // TILE_BYTES
        above = self._stored(1)
        offset = good * HASH_BYTES
        for tile in range(start, checkpoint.size * HASH_BYTES // TILE_BYTES):
            if above[tile * HASH_BYTES : (tile + 1) * HASH_BYTES] != self._read(1, tile, 1):
                offset = max(offset, tile * TILE_BYTES)
                break
        findings.add(
            level_name(0),
            offset,
            f"the leaf hashes do not have the root signed at size {checkpoint.size}",
            expected=checkpoint.root.hex(),
            found=found.hex(),
        )

    def _check_upper(self, findings: Findings) -> None:
        for level in range(1, len(self._computed)):
            stored, computed = self._stored(level), self._computed[level]
            for at in range(0, min(len(stored), len(computed)), HASH_BYTES):
                if stored[at : at + HASH_BYTES] != computed[at : at + HASH_BYTES]:
                    findings.add(
                        level_name(level),
                        at,
                        "the hash is not that of the tile below it",
                        expected=computed[at : at + HASH_BYTES].hex(),
                        found=stored[at : at + HASH_BYTES].hex(),
                    )
                    break

    def _stored(self, level: int) -> bytes:
        path = self._directory / level_name(level)
        return path.read_bytes() if path.exists() else b""


def compare_leaves(
    tree: CheckedTree, first: int, hashes: bytes, file: str, offset: int, findings: Findings
) -> None:
    """Compare leaf hashes found elsewhere with level 0, and name the file that cannot be right."""
    stored = tree.leaves(first, len(hashes) // HASH_BYTES)
    if stored == hashes[: len(stored)]:
        return
    at = next(i for i in range(0, len(stored), HASH_BYTES) if stored[i : i + 32] != hashes[i : i + 32])
    index = first + at // HASH_BYTES
    if not tree.sound or index >= tree.signed:
        file, offset = level_name(0), index * HASH_BYTES
    findings.add(
        file,
        offset,
        f"the leaf hash of entry {index} differs between log and tree",
        expected=hashes[at : at + HASH_BYTES].hex(),
        found=stored[at : at + HASH_BYTES].hex(),
    )
