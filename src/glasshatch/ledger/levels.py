"""The hash levels on disk: only ever appended to, synced before the checkpoint that needs them is signed."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import VerificationError
from .files import Files
from .log import HASH_BYTES, KnownRoots, inclusion_proof
from .log.layout import level_name

# Bounds the roots kept for proofs to about 20 MB.
_KNOWN_ROOTS = 100_000


class Levels:
    """Reads from any thread; `append` and `flush` belong to the integrator."""

    def __init__(self, directory: Path, files: Files | None) -> None:
        """Open a directory's levels; without `files` for reading only."""
        self._directory = directory
        self._files = files
        self._descriptors: list[int] = []
        self._widths: list[int] = []
        self._waiting: list[list[bytes]] = []
        self._known: KnownRoots = {}

    def resume(self, widths: list[int]) -> None:
        """Take over levels of which this many hashes count; with `files`, anything beyond is cut off.

        Hashes beyond the newest checkpoint come from the log again, so nothing is lost by the cut.
        """
        number = 0
        while number < len(widths) or self._path(number).exists():
            width = widths[number] if number < len(widths) else 0
            self._open(number)
            if self._files and os.fstat(self._descriptors[number]).st_size > width * HASH_BYTES:
                self._files.truncate(self._descriptors[number], width * HASH_BYTES)
            self._widths[number] = width
            number += 1

    @property
    def widths(self) -> list[int]:
        """How many hashes of each level are on disk and count."""
        return self._widths

    def read(self, level: int, first: int, count: int) -> bytes:
        """Flat hashes of a level.

        Raises:
            VerificationError: The file is shorter than a signed checkpoint says.
        """
        data = b""
        if level < len(self._descriptors):
            data = os.pread(self._descriptors[level], count * HASH_BYTES, first * HASH_BYTES)
        if len(data) != count * HASH_BYTES:
            raise VerificationError(
                "hashes below a signed checkpoint are missing",
                where=f"{level_name(level)} at {first * HASH_BYTES}",
                expected=f"{count * HASH_BYTES} bytes",
                found=f"{len(data)} bytes",
                hint="run glasshatch verify, and restore the file from a backup",
            )
        return data

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """The audit path of a leaf in the tree of the first `size` leaves, all of which are on disk."""
        if len(self._known) > _KNOWN_ROOTS:
            self._known = {}
        return tuple(inclusion_proof(index, size, self.read, self._known))

    def append(self, added: list[bytes]) -> None:
        """Take new hashes of every level, level 0 first; they are written by `flush`."""
        for level, hashes in enumerate(added):
            if level == len(self._waiting):
                self._waiting.append([])
            self._waiting[level].append(hashes)

    def flush(self) -> None:
        """Write and sync what was appended; when this returns it survives power loss."""
        if self._files is None:
            raise ValueError("these levels are open for reading only")
        grown = []
        for level, parts in enumerate(self._waiting):
            data = b"".join(parts)
            if not data:
                continue
            self._open(level)
            self._files.pwrite(self._descriptors[level], data, self._widths[level] * HASH_BYTES)
            self._widths[level] += len(data) // HASH_BYTES
            parts.clear()
            grown.append(level)
        for level in grown:
            self._files.fdatasync(self._descriptors[level])

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []

    def _path(self, level: int) -> Path:
        return self._directory / level_name(level)

    def _open(self, level: int) -> None:
        if level < len(self._descriptors):
            return
        path = self._path(level)
        if self._files is None:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        elif path.exists():
            descriptor = self._files.open(path)
        else:
            descriptor = self._files.create(path)
            self._files.sync_directory(path.parent)
        self._descriptors.append(descriptor)
        self._widths.append(0)
