"""A git repository: each checkpoint is one commit, in a chain that is easily pushed elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ...errors import ConfigError, Unavailable, VerificationError
from ..log import split_notes

_TIMEOUT_SECONDS = 60
_NAME = "Glasshatch"
_EMAIL = "glasshatch@localhost"


class GitAnchor:
    """One repository with a file of checkpoints for each log."""

    def __init__(self, repository: Path, origin: str) -> None:
        self._repository = repository
        self._file = _file_of(origin)

    def keep(self, note: bytes) -> None:
        path = self._repository / self._file
        kept = _committed(self._repository, self._file)
        whole, _ = split_notes(kept)
        if not (whole and whole[-1] == note):
            try:
                # What is committed counts; what a crash left beside it does not.
                path.write_bytes(kept + note)
            except OSError as error:
                raise Unavailable(f"the anchor repository cannot be written: {error.strerror}") from None
            size = note.split(b"\n", 2)[1].decode("ascii", "replace")
            self._run("add", "--", self._file)
            self._run(
                "commit", "--quiet", "--no-verify", "-m", f"Checkpoint at size {size}", "--", self._file
            )
        if self._run("remote").strip():
            self._run("push", "--quiet", "--no-verify")

    def _run(self, *arguments: str) -> str:
        done = _git(self._repository, *arguments)
        if done.returncode:
            raise Unavailable(f"git {arguments[0]} failed in the anchor repository")
        return done.stdout.decode("utf-8", "replace")


class _GitKind:
    def open(self, place: Path, origin: str) -> GitAnchor:
        if not self.recognises(place):
            raise ConfigError(
                "is no git repository", file=str(place), key="anchors.path", hint="make one with git init"
            )
        return GitAnchor(place, origin)

    def recognises(self, place: Path) -> bool:
        return place.is_dir() and _git(place, "rev-parse", "--git-dir").returncode == 0

    def read(self, place: Path, origin: str) -> bytes:
        notes = _committed(place, _file_of(origin))
        if not notes:
            raise VerificationError("the repository holds no checkpoint of this log", where=str(place))
        return notes


def _file_of(origin: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", origin).lstrip(".-") + ".checkpoints"


def _committed(repository: Path, file: str) -> bytes:
    """What the last commit has; nothing if there is no commit or no such file yet."""
    done = _git(repository, "show", f"HEAD:{file}")
    return done.stdout if done.returncode == 0 else b""


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # Nobody is there to be asked, and hooks of the repository must not run as the server.
    settings = ["-c", "core.hooksPath=/dev/null", "-c", f"user.name={_NAME}", "-c", f"user.email={_EMAIL}",
                "-c", "core.fsync=all", "-c", "gc.auto=0", "-c", "commit.gpgsign=false"]  # fmt: skip
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "SSH_AUTH_SOCK") if name in os.environ}
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *settings, *arguments],
            env=environment | {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise ConfigError("git is not installed", key="anchors.type", hint="install git") from None
    except subprocess.TimeoutExpired:
        raise Unavailable("git did not end in time in the anchor repository") from None


ANCHOR = _GitKind()
