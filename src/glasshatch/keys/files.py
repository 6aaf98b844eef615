"""Secret files appear whole or not at all, readable by their owner only."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, Conflict


def write_new_secret(path: Path, data: bytes) -> None:
    """Create `path` with mode 0600; when this returns, the file survives power loss.

    Raises:
        Conflict: The file exists; it is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # link() refuses an existing name, rename() would replace it: a key must never be replaced.
        os.link(temporary, path)
    except FileExistsError:
        raise Conflict(
            f"{path} exists already", hint="a key file is never overwritten; move it away first"
        ) from None
    finally:
        os.unlink(temporary)
    _sync_directory(path.parent)


def replace_secret(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, mode 0600: after a crash it holds what it held before, or all of `data`.

    When this returns, the new content survives power loss. The caller holds `changing(path)`.
    """
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        left.unlink()  # of a replacement that was killed; nobody else writes one meanwhile
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Read, change and replace a secret file while nobody else does; waits for who does."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_secret(path: Path, what: str) -> bytes:
    """The bytes of a secret file that nobody but its owner can read.

    Raises:
        ConfigError: It is missing, no regular file, or open to group or others.
    """
    try:
        # Checked on the open descriptor: what is checked is what is read.
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{what} is no regular file", file=str(path))
            if status.st_mode & 0o077:
                raise ConfigError(
                    f"{what} can be read by others (mode {stat.S_IMODE(status.st_mode):04o})",
                    file=str(path),
                    hint=f"chmod 600 {path}",
                )
            return file.read(1 << 20)
    except OSError as error:
        raise ConfigError(
            f"cannot read the {what}: {error.strerror}", file=str(path), hint="check the path and its owner"
        ) from None


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
