"""Every change the ledger makes to its disk goes through here, so that tests can make any of them fail.

Contracts relied on: a `pwrite` followed by `fdatasync` that returned without error survives power loss;
`rename` is atomic and survives once its directory was synced. An error of a sync is never retried.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import Unavailable
from .log.layout import TEMPORARY_SUFFIX

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when there is no more space."""


class Files:
    """The machine's own file system."""

    def create(self, path: Path) -> int:
        """A new empty file, for reading and writing by its owner only."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """An existing file, for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`."""
        while data:
            written = os.pwrite(descriptor, data, offset)
            data, offset = memoryview(data)[written:], offset + written

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def fdatasync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def sync_directory(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_new(files: Files, path: Path, data: bytes) -> None:
    """Make `path` hold `data`: after a crash it holds either what it held before or all of `data`."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    temporary.unlink(missing_ok=True)
    descriptor = files.create(temporary)
    try:
        files.pwrite(descriptor, data, 0)
        files.fsync(descriptor)
    except OSError:
        # The space goes back at once: a full disk may be full because of this very file.
        temporary.unlink(missing_ok=True)
        raise
    finally:
        files.close(descriptor)
    files.rename(temporary, path)
    files.sync_directory(path.parent)


def unavailable(error: OSError, what: str) -> Unavailable:
    """The error for users: what could not be done, and what mends it."""
    if error.errno in FULL:
        return Unavailable(
            f"the ledger stopped: no space left to {what}",
            hint="nothing acknowledged is lost; free disk space and start again",
        )
    return Unavailable(
        f"the ledger stopped: the disk failed to {what} ({error.strerror or type(error).__name__})",
        hint="nothing acknowledged is lost; check the disk, then start again",
    )
