"""Copying into a moment: what the moment before has is linked, what grew is grown, the rest is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ...errors import VerificationError
from ...ledger import CutFile, LedgerCut
from .moments import BackupFile, Moment

LEDGER_PARTS = ("wal", "entries", "hashes", "checkpoints")
"""The folders of a ledger, which are there even while they are empty."""

_CHUNK_BYTES = 4 << 20
_COMPARED_BYTES = 64 << 10
_REPLACED = frozenset({"checkpoint", "lock", "pruned", "key.vkey", "succession"})
"""Files of a ledger that may be other ones each time. A key that was rotated is known by its succession,
under which the moment before is compared with the ledger before anything is copied."""


class Copier:
    """Fills one moment; counts the bytes that it wrote."""

    def __init__(self, target: Path, before: Path | None, moment: Moment | None) -> None:
        self._target = target
        self._before = before
        self._known = moment.by_path() if moment else {}
        self.copied = 0

    def small(self, path: str, data: bytes) -> BackupFile:
        """A file of the configuration, which may be another one each time."""
        digest = hashlib.sha256(data).hexdigest()
        known = self._known.get(path)
        if known is None or known.sha256 != digest or not self._link(path):
            self.write(path, data)
        return BackupFile(path, len(data), len(data), digest)

    def taken(self, path: str) -> BackupFile:
        """A file that was put into the moment already."""
        data = (self._target / path).read_bytes()
        self.copied += len(data)
        return BackupFile(path, len(data), len(data), hashlib.sha256(data).hexdigest())

    def write(self, path: str, data: bytes) -> None:
        """A new file, for its owner only; durable when this returns."""
        target = self._prepared(path)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.copied += len(data)

    def ledger(
        self, cut: LedgerCut, folder: str, progress: Callable[[int, int], None] | None
    ) -> list[BackupFile]:
        """Every file of a cut."""
        total, done, found = sum(file.bytes for file in cut.files), 0, []
        for part in LEDGER_PARTS:
            self._prepared(f"{folder}/{part}/x")
        for file in cut.files:
            self._ledger_file(cut, file, f"{folder}/{file.path}")
            found.append(BackupFile(f"{folder}/{file.path}", file.bytes, file.extent))
            done += file.bytes
            if progress is not None:
                progress(done, total)
        return found

    def _ledger_file(self, cut: LedgerCut, file: CutFile, path: str) -> None:
        known = self._known.get(path) if file.path not in _REPLACED else None
        if known is None or not self._continues(cut, file, path, known) or not self._link(path):
            self._append(cut, file, self._prepared(path), 0)
        elif known.bytes < file.bytes:
            self._append(cut, file, self._target / path, known.bytes)

    def _continues(self, cut: LedgerCut, file: CutFile, path: str, known: BackupFile) -> bool:
        """Whether the file begins as the moment before has it.

        Its beginning and the end of what is known are compared; the tree over everything is verified when
        the moment is complete.
        """
        if known.bytes > file.bytes or not (file.grows or known.bytes == file.bytes):
            raise self._rolled_back(path, known.bytes, file.bytes)
        assert self._before is not None
        try:
            with open(self._before / path, "rb") as stored:
                for offset in (0, max(0, known.bytes - _COMPARED_BYTES)):
                    count = min(_COMPARED_BYTES, known.bytes - offset)
                    if os.pread(stored.fileno(), count, offset) != cut.read(file, offset, count):
                        raise self._rolled_back(path, known.bytes, file.bytes)
        except FileNotFoundError:
            return False
        return True

    def _rolled_back(self, path: str, before: int, now: int) -> VerificationError:
        return VerificationError(
            "the ledger does not continue the backup before",
            where=path, expected=f"{before} bytes as they were", found=f"{now} bytes, or others",
            hint="keep both as they are and find out how; another destination begins anew",
        )  # fmt: skip

    def _append(self, cut: LedgerCut, file: CutFile, target: Path, start: int) -> None:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What a killed backup left behind the known bytes goes, so that zeroes follow again.
            os.ftruncate(descriptor, start)
            while start < file.bytes:
                data = cut.read(file, start, _CHUNK_BYTES)
                if not data:
                    raise VerificationError("is shorter than its checkpoint says", where=file.path)
                start += os.pwrite(descriptor, data, start)
                self.copied += len(data)
            os.ftruncate(descriptor, file.extent)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _link(self, path: str) -> bool:
        """Share a file with the moment before; False where the file system cannot."""
        assert self._before is not None
        try:
            os.link(self._before / path, self._prepared(path))
        except OSError:
            return False
        return True

    def _prepared(self, path: str) -> Path:
        target = self._target / path
        for folder in reversed(target.relative_to(self._target).parents[:-1]):
            (self._target / folder).mkdir(mode=0o700, exist_ok=True)
        return target


def copy_share(source: Path, target: Path, file: BackupFile) -> str:
    """Copy a moment's share of a file, zeroes behind it; its SHA-256 (of the share) for small files."""
    digest, left = hashlib.sha256(), file.bytes
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(source, "rb") as stored, os.fdopen(descriptor, "wb") as out:
        while left:
            data = stored.read(min(left, _CHUNK_BYTES))
            if not data:
                raise VerificationError("is shorter than the backup's list says", where=file.path)
            digest.update(data)
            out.write(data)
            left -= len(data)
        out.truncate(file.extent)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()
