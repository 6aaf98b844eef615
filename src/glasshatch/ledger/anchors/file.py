"""A file elsewhere, as on a mounted share or a write-once disk, to which checkpoints are appended."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import ConfigError, Unavailable, VerificationError
from ..log import split_notes


class FileAnchor:
    """One file; several logs may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, note: bytes) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                self._append(descriptor, note)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"the anchor file cannot be written: {error.strerror}") from None

    def _append(self, descriptor: int, note: bytes) -> None:
        size = os.fstat(descriptor).st_size
        with open(descriptor, "rb", closefd=False) as file:
            whole, end = split_notes(file.read())
        if end < size:
            # What a crash left of the last note was never reported as kept.
            os.ftruncate(descriptor, end)
        if whole and whole[-1] == note:
            return
        while note:
            note = note[os.write(descriptor, note) :]
        os.fsync(descriptor)


class _FileKind:
    def open(self, place: Path, origin: str) -> FileAnchor:
        if place.is_dir() or not place.parent.is_dir():
            raise ConfigError("is no place for a file", file=str(place), key="anchors.path")
        return FileAnchor(place)

    def recognises(self, place: Path) -> bool:
        return place.is_file()

    def read(self, place: Path, origin: str) -> bytes:
        try:
            return place.read_bytes()
        except OSError as error:
            raise VerificationError(f"cannot be read: {error.strerror}", where=str(place)) from None


ANCHOR = _FileKind()
