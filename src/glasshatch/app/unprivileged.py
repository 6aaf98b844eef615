"""Running a program without rights: as an account that exists, where it may enter, with its own files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError


class Account(msgspec.Struct, frozen=True):
    """Who a server runs as: root hands over to an account without rights, anybody else stays who they are."""

    uid: int
    gid: int
    switch: bool

    @classmethod
    def choose(cls) -> Account:
        """The current user, or `nobody` when the current user is root; no account is ever created."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switch=False)
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            return cls(65534, 65534, switch=True)
        return cls(entry.pw_uid, entry.pw_gid, switch=True)

    def popen(self, command: Sequence[str | Path], output: int) -> subprocess.Popen[bytes]:
        """Start a command as this account in a session of its own, with an environment of our own.

        A session of its own, so that Ctrl-C on the terminal reaches us alone and we decide the order
        in which things stop. Our environment may hold secrets, so nothing of it is passed on.
        """
        return subprocess.Popen(
            [str(part) for part in command],
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            umask=0o077,
        )

    def reaches(self, path: Path) -> bool:
        """Whether this account may enter the directory (or run the file) at `path`."""
        return self.popen(["/usr/bin/test", "-x", path], subprocess.DEVNULL).wait() == 0

    def give(self, path: Path) -> None:
        """Hand one file or directory, freshly made by us, to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def open_substitute(directory: Path) -> Path:
    """A directory under /var/tmp that an account without rights can enter, in place of one it cannot.

    Root's home is closed to others, and opening it for a demo would be wrong. The name depends only
    on `directory`, so a second run finds the first one's data.

    Raises:
        ConfigError: It exists but belongs to somebody else.
    """
    name = hashlib.sha256(str(directory.absolute()).encode()).hexdigest()[:12]
    substitute = Path("/var/tmp") / f"glasshatch-{os.geteuid()}-{name}"  # noqa: S108
    with contextlib.suppress(FileExistsError):
        substitute.mkdir(mode=0o711)
    require_ours(substitute)
    substitute.chmod(0o711)
    return substitute


def require_ours(directory: Path) -> None:
    """Refuse a directory that somebody else made: names under /var/tmp can be guessed."""
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigError(
            f"{directory} must be a directory of uid {os.geteuid()} that nobody else can write",
            hint="remove it or choose another directory",
        )


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600, never following a link that stands in its place."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
