"""A folder of this machine, as a mounted share or what another program picks up."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import Unavailable


class Folder:
    """Files below one folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.where = f"file:{folder}"
        self._folder = folder

    def put(self, name: str, data: bytes) -> None:
        """Durable when this returns; a reader sees the whole file or none."""
        target = self._folder / name
        temporary = target.with_name(f".{target.name}.new")
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(target)
            for folder in (target.parent, target.parent.parent, self._folder):
                _sync(folder)
        except OSError as error:
            raise Unavailable(
                f"cannot be written: {error.strerror}", hint=f"look at {self._folder}"
            ) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
