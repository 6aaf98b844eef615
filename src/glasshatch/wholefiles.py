"""Files that are whole or not there: written beside, synced, renamed, and the folder synced.

The ledger has its own way to the disk, every step of which tests make fail (`ledger/files.py`), and secrets
have one that never replaces a key (`keys/files.py`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path, *, beside: str = "", new: bool = False) -> Iterator[BinaryIO]:
    """A file to write into that takes the place of `path` once the block ends, readable by its owner only.

    Whenever the process ends, `path` is as it was, or has all of it; when this returns, for good. If the
    block or the disk fails, nothing stays beside it. What a kill left is overwritten by the next one.

    Args:
        beside: The name under which it is written meanwhile; by default its own with `.new` behind it, which
            only one writer at a time may use.
        new: It may not be there yet, also not by the time the block ends.

    Raises:
        FileExistsError: It is there, and is to be new; it is left as it is.
        OSError: The disk is full or cannot be written.
    """
    fresh = path.with_name(beside or f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # A file object writes all of it or raises. A disk that fills up takes a part and says nothing, and
        # half a file must not come in the place of a whole one.
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Until this, a crash leaves the file from before; after it, this one.
        if new:
            os.link(fresh, path)  # which refuses a name that is there
            fresh.unlink()
        else:
            os.rename(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files, for its owner only: all of them or no folder, as `whole_file`.

    Raises:
        FileExistsError: It is there.
        OSError: The disk is full or cannot be written.
    """
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    if folder.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))
    fresh.mkdir(mode=0o700)
    try:
        for name, data in files.items():
            write_whole(fresh / name, data)
        os.rename(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, as `whole_file` does; raises as that."""
    with whole_file(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
