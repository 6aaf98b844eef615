"""Checkpoints on disk: the newest one to be served, and every one ever published, in order."""

from __future__ import annotations

from pathlib import Path

from .files import Files, write_new
from .log.layout import CHECKPOINT_FILE, NOTES_PER_FILE, notes_name


class History:
    """Owned by the integrator."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._directory = directory
        self._files = files
        self._count = 0
        self._descriptor = -1
        self._end = 0

    def resume(self, count: int, end: int) -> None:
        """Continue after `count` notes, the last file of which ends at `end`."""
        self._count, self._end = count, end

    def publish(self, note: bytes) -> None:
        """Keep a signed note for good, then make it the one that is served."""
        self.keep(note)
        # A crash here leaves a note that was signed but not served; the next start serves it.
        # It is never forgotten, so no smaller or other tree can be signed after it.
        self.serve(note)

    def keep(self, note: bytes) -> None:
        """Append a note to the history and sync it."""
        if self._count % NOTES_PER_FILE == 0 or self._descriptor < 0:
            self._open()
        self._files.pwrite(self._descriptor, note, self._end)
        self._files.fdatasync(self._descriptor)
        self._end += len(note)
        self._count += 1

    def serve(self, note: bytes) -> None:
        """Replace the checkpoint file."""
        write_new(self._files, self._directory / CHECKPOINT_FILE, note)

    def close(self) -> None:
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self.close()
        path = self._directory / notes_name(self._count // NOTES_PER_FILE)
        if path.exists():
            self._descriptor = self._files.open(path)
            return
        self._descriptor, self._end = self._files.create(path), 0
        self._files.sync_directory(path.parent)
