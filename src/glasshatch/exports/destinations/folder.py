"""A folder of this machine, as a mounted share or what another program picks up."""

from __future__ import annotations

from pathlib import Path

from ...errors import Unavailable
from ...wholefiles import sync_folder, whole_file


class Folder:
    """Files below one folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.where = f"file:{folder}"
        self._folder = folder

    def put(self, name: str, data: bytes) -> None:
        """Durable when this returns; a reader sees the whole file or none."""
        target = self._folder / name
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Hidden until it is whole, from readers that take what they find.
            with whole_file(target, beside=f".{target.name}.new") as file:
                file.write(data)
            for folder in (target.parent.parent, self._folder):
                sync_folder(folder)
        except OSError as error:
            raise Unavailable(
                f"cannot be written: {error.strerror}", hint=f"look at {self._folder}"
            ) from None
