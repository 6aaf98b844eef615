"""What can be said of copied files of a ledger by their names and their clear parts."""

from __future__ import annotations

from pathlib import Path

from .log.frames import scan_segment
from .log.layout import ENTRIES, WAL, file_number


def pack_number(path: str) -> int | None:
    """The number of a pack, by its path in the ledger's directory; None if it is none."""
    folder, _, name = path.rpartition("/")
    return file_number(ENTRIES, name) if folder == ENTRIES else None


def log_begins(directory: Path, paths: list[str]) -> int:
    """The first entry in the log, out of all paths of a ledger's files; 0 if that cannot be read."""
    segments = sorted(path for path in paths if path.startswith(f"{WAL}/"))
    try:
        frames = scan_segment((directory / segments[0]).read_bytes(), None, None).frames
    except (OSError, IndexError):
        return 0
    return frames[0].first if frames else 0
