"""The data directory: what lies where, which format it has, and that only one server holds it.

DIR/glasshatch.toml   the configuration          DIR/ledgers/<name>/  the record
DIR/format            version of this layout     DIR/control.db       identities, grants
DIR/keys/             master key and key ring    DIR/run/             lock and sockets of a server
DIR/cache/            compiled detector packs    DIR/policies/        your own policy sets
DIR/derived/          index, detection, seen: made anew from the ledger when lost
DIR/exports/         how far each export is
DIR/witnessed/<name>/ the newest checkpoint that the witnesses cosigned
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path

from ..errors import ConfigError, Conflict
from ..keys import DEFAULT_LEDGER

LAYOUT_VERSION = 1
LEDGER = DEFAULT_LEDGER
LEDGER_NAME = r"[a-z][a-z0-9_-]{0,62}"
_LEDGER_NAME = re.compile(LEDGER_NAME)
# A server whose supervisor was killed first lets its sessions finish: ten seconds if nothing else is
# configured.
_PATIENCE_SECONDS = 30.0
_BRIEF = "command"


class Home:
    """Names every place in a data directory; touches nothing until asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.version = LAYOUT_VERSION
        self.config_file = directory / "glasshatch.toml"
        self.format_file = directory / "format"
        self.keys = directory / "keys"
        self.ledgers = directory / "ledgers"
        self.ledger = self.ledger_of(LEDGER)
        self.witnessed = self.witnessed_of(LEDGER)
        self.control_db = directory / "control.db"
        self.cache = directory / "cache"
        self.run = directory / "run"
        self.socket = self.run / "glasshatch.sock"
        self.front_socket = self.run / "front.sock"
        self.link_socket = self.run / "link.sock"
        self.workers_socket = self.run / "workers.sock"
        self.workers_page = self.run / "workers.page"
        self.clients_authority = self.run / "clients.crt"
        self.derived = directory / "derived"
        self.exports = directory / "exports"
        self.lock_file = self.run / "server.lock"

    def ledger_of(self, name: str) -> Path:
        """Where everything of a ledger lies."""
        return self.directory / "ledgers" / name

    def witnessed_of(self, name: str) -> Path:
        """Where the newest cosigned checkpoint of a ledger lies."""
        return self.directory / "witnessed" / name

    def ledger_names(self) -> list[str]:
        """The ledgers that lie here, the default one first; one that is being made is none yet."""
        try:
            found = {path.name for path in self.ledgers.iterdir() if _LEDGER_NAME.fullmatch(path.name)}
        except FileNotFoundError:
            found = set()
        return [LEDGER, *sorted(found - {LEDGER})]

    def keyring(self, tenant: str) -> Path:
        """Where the tenant's wrapped keys lie."""
        return self.keys / f"{tenant}.json"

    def create(self) -> None:
        """Make the layout, readable by its owner only.

        Raises:
            Conflict: The directory already holds something.
            ConfigError: It cannot be written.
        """
        try:
            if self.directory.exists() and any(self.directory.iterdir()):
                raise Conflict(
                    f"{self.directory} is not empty",
                    hint="give an empty or new directory; nothing was written",
                )
            self.directory.mkdir(parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            for folder in (self.keys, self.cache, self.run, self.directory / "policies"):
                folder.mkdir(mode=0o700)
            self.format_file.write_text(f"glasshatch data {LAYOUT_VERSION}\n", encoding="ascii")
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=str(self.directory)) from None

    def check(self) -> int:
        """The layout of the directory; refuses one that is none of ours, or that a newer version wrote.

        Raises:
            ConfigError: Says which, and what to do.
        """
        try:
            words = self.format_file.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                "is not a Glasshatch data directory",
                file=str(self.directory),
                hint="glasshatch init DIR makes one",
            ) from None
        if len(words) != 3 or words[:2] != ["glasshatch", "data"] or not words[2].isdigit():
            raise ConfigError("does not say which layout the directory has", file=str(self.format_file))
        if int(words[2]) > LAYOUT_VERSION:
            raise ConfigError(
                f"layout {words[2]} is newer than {LAYOUT_VERSION}",
                file=str(self.format_file),
                hint="upgrade glasshatch",
            )
        return int(words[2])

    def lock(self, *, brief: bool = False) -> HomeLock:
        """Hold the directory for this process.

        Args:
            brief: Only for as long as a command takes; who comes meanwhile waits for it a little.

        Raises:
            Conflict: Another process holds it.
        """
        self.run.mkdir(mode=0o700, exist_ok=True)
        return HomeLock(self.lock_file, self.directory, brief=brief)


class HomeLock:
    """Held while a process may write to the directory; the kernel releases it if we crash."""

    def __init__(self, file: Path, directory: Path, *, brief: bool = False) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while not self._taken():
            holder = os.pread(self._descriptor, 60, 0).decode("ascii", "replace").split()
            if not _leaves_soon(holder) or time.monotonic() > deadline_s:
                os.close(self._descriptor)
                raise Conflict(
                    f"{directory} is already open in process {holder[0] if holder else 'unknown'}",
                    hint="stop that server first, or talk to it with the same command while it runs",
                )
            time.sleep(0.05)
        os.ftruncate(self._descriptor, 0)
        how = _BRIEF if brief else "server"
        os.pwrite(self._descriptor, f"{os.getpid()} {os.getppid()} {how}\n".encode(), 0)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Let the directory go."""
        os.close(self._descriptor)


def _leaves_soon(holder: list[str]) -> bool:
    """Whether who wrote this into the lock is a command, or has lost the parent that it had then.

    The front of a server whose supervisor was killed ends by itself, in a moment.
    """
    if len(holder) != 3 or not (holder[0].isdecimal() and holder[1].isdecimal()):
        return False
    process, parent, how = holder
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    return how == _BRIEF or stat.rpartition(")")[2].split()[1] != parent
