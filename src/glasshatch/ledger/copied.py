"""What can be said of copied files of a ledger by their names and their clear parts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..errors import VerificationError
from .blobs import list_blobs, read_header
from .log.blobs import folder_of
from .log.frames import frame_at
from .log.layout import ENTRIES, HEADER_BYTES, WAL, file_number

_ENOUGH_BYTES = 8 << 20
"""More than the largest frame has (`LedgerOptions.max_group_bytes`)."""


def pack_number(path: str) -> int | None:
    """The number of a pack, by its path in the ledger's directory; None if it is none."""
    folder, _, name = path.rpartition("/")
    return file_number(ENTRIES, name) if folder == ENTRIES else None


def log_begins(directory: Path, paths: list[str]) -> int:
    """The first entry in the log, out of all paths of a ledger's files; 0 if that cannot be read."""
    segments = sorted(path for path in paths if path.startswith(f"{WAL}/"))
    try:
        with open(directory / segments[0], "rb") as file:
            frame = frame_at(file.read(_ENOUGH_BYTES), HEADER_BYTES)
    except (OSError, IndexError):
        return 0
    return frame.first if frame else 0


def pruned_blobs(directory: Path, minimum: int) -> list[str]:
    """The paths of blobs that lie there of entries below `minimum`."""
    found = []
    for place in list_blobs(directory):
        if place.folder > folder_of(minimum):
            break
        with contextlib.suppress(VerificationError, FileNotFoundError):
            if place.folder < folder_of(minimum) or read_header(directory, place).first < minimum:
                found.append(place.path)
    return found
