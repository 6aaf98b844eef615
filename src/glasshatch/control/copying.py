"""A copy of the control store's file, made before anything changes it; whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from ..errors import Unavailable

_SIDE_FILES = ("", "-journal", "-wal", "-shm")


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file nobody writes to now, what still lies in its log included.

    When this returns, `target` survives power loss and only its owner can read it. A crash before leaves
    a file ending in `.tmp`, which the next call throws away, and at `target` what was there.

    Raises:
        Unavailable: The disk failed or is full; `source` is as it was.
    """
    building = target.with_name(target.name + ".tmp")
    try:
        _build(source, building)
        # Until this rename the copy before it stands; both are of a store that was not changed yet.
        building.rename(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            _discard(building)
        what = error.strerror if isinstance(error, OSError) else getattr(error, "sqlite_errorname", "")
        raise Unavailable(
            f"{source} cannot be copied to {target}: {what or type(error).__name__}",
            hint="nothing was changed; check free disk space and permissions, then give the command again",
        ) from None


def _build(source: Path, building: Path) -> None:
    # What a killed copy left must go, its journal first of all: SQLite would play it into the new file.
    _discard(building)
    os.close(os.open(building, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(building)) as new,
    ):
        # No journal and no sync by SQLite: nobody sees this file before it was synced whole.
        new.execute("PRAGMA journal_mode=OFF")
        new.execute("PRAGMA synchronous=OFF")
        old.backup(new)
    _sync(building)


def _discard(building: Path) -> None:
    for ending in _SIDE_FILES:
        building.with_name(building.name + ending).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
