"""The index of one tenant: follows the ledger, answers questions, and is made anew when in doubt."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Conflict, Unavailable
from .engine import Engine, Parameter
from .table import TABLE, as_stored, create_sql, fingerprint, rows

Entries = Sequence[tuple[int, bytes]]

_BATCH_ROWS = 10_000
_TAIL_ROWS = 4 * _BATCH_ROWS


class Index:
    """Every ledger entry below the watermark has exactly one row. One thread applies, any may ask.

    A row is the only trace of an entry here, so the watermark is read off the rows: it is the first
    entry without one. A crash in the middle of a batch can leave rows beyond it (a batch over two months
    is two parts); they are found at the next start and not inserted twice.
    """

    def __init__(self, directory: Path, tenant: str) -> None:
        """Use `open`."""
        self._directory = directory
        self._tenant = tenant
        self._lock = _take(directory)
        self._writing = threading.RLock()
        self._watermark = 0
        self._beyond: set[int] = set()
        self._unsure = False
        try:
            self._engine = self._prepared()
        except BaseException:
            os.close(self._lock)
            raise

    @classmethod
    def open(cls, directory: Path, tenant: str) -> Index:
        """Open an index or make an empty one; one of another format or that is damaged is begun anew.

        Raises:
            Conflict: Another process has it open.
            ConfigError: The directory cannot be written.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=str(directory)) from None
        return cls(directory, tenant)

    @property
    def tenant(self) -> str:
        """Whose events these are. A question in order of time that names it is read in that order."""
        return self._tenant

    @property
    def watermark(self) -> int:
        """The ledger index wanted next: everything before it can be searched."""
        return self._watermark

    def apply(self, entries: Entries) -> None:
        """Add entries; those that are there already are left alone.

        Raises:
            ConfigError: There is a gap before the first entry, so entries would be missing for good.
            Unavailable: The disk failed; the same entries can be given again.
        """
        with self._writing:
            if self._unsure:
                self._watermark, self._beyond = _survey(self._engine)
                self._unsure = False
            wanted = [entry for entry in entries if entry[0] >= self._watermark]
            if not wanted:
                return
            if wanted[0][0] != self._watermark:
                raise ConfigError(f"the index waits for entry {self._watermark}, not for {wanted[0][0]}")
            for start in range(0, len(wanted), _BATCH_ROWS):
                self._insert(wanted[start : start + _BATCH_ROWS])

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query over the table `events`; values from outside are bound parameters."""
        return self._engine.select(sql, parameters)

    def clear(self) -> None:
        """Forget everything; the follower fills it again from entry 0."""
        with self._writing:
            self._engine.run(f"TRUNCATE TABLE {TABLE}")
            self._watermark = 0
            self._beyond = set()
            self._unsure = False

    def follows(self, ledger_size: int, read: Callable[[int], bytes]) -> bool:
        """Whether this index can be of that ledger: not ahead of it, and the last entry is the same.

        After a restored backup it is not, and its answers would be of another history.

        Args:
            read: An entry of the ledger; asked at most for the last one that is indexed.
        """
        last = self._watermark - 1
        if last < 0 or last >= ledger_size:
            return last < 0
        found = self.select(f"SELECT raw FROM {TABLE} WHERE `index` = {{last:Int64}}", {"last": last})  # noqa: S608
        return [raw for (raw,) in found] == [as_stored(read(last))]

    def close(self) -> None:
        """Let the directory go."""
        with self._writing:
            self._engine.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _insert(self, batch: Entries) -> None:
        missing = [entry for entry in batch if entry[0] not in self._beyond] if self._beyond else batch
        if missing:
            # A failure may leave the rows of some months; what is there is looked up before going on.
            self._unsure = True
            self._engine.insert(TABLE, rows(self._tenant, missing))
            self._unsure = False
        # Until here a crash leaves some or all of these rows, and the next start counts them.
        self._watermark = batch[-1][0] + 1
        self._beyond = {index for index in self._beyond if index >= self._watermark}

    def _prepared(self) -> Engine:
        files = self._directory / "chdb"
        mark = self._directory / "format"
        if _text(mark) != fingerprint():
            shutil.rmtree(files, ignore_errors=True)
        try:
            engine = self._opened(files)
        except Unavailable:
            # Derived, so nothing is lost: what cannot be opened is made anew.
            shutil.rmtree(files, ignore_errors=True)
            engine = self._opened(files)
        # Last: a crash before this leaves a mark that does not fit, and the next start begins anew.
        mark.write_text(fingerprint(), encoding="ascii")
        return engine

    def _opened(self, files: Path) -> Engine:
        files.mkdir(mode=0o700, exist_ok=True)
        engine = Engine(files)
        try:
            engine.run(create_sql())
            self._watermark, self._beyond = _survey(engine)
        except BaseException:
            engine.close()
            raise
        return engine


def _survey(engine: Engine) -> tuple[int, set[int]]:
    """The first entry without a row, and the entries after it that have one."""
    ((count, highest),) = engine.select(f"SELECT count(), max(`index`) FROM {TABLE}")  # noqa: S608
    if not count:
        return 0, set()
    if count == highest + 1:
        return count, set()
    tail = {
        index
        for (index,) in engine.select(
            f"SELECT `index` FROM {TABLE} WHERE `index` > {{low:Int64}} ORDER BY `index`",  # noqa: S608
            {"low": highest - _TAIL_ROWS},
        )
    }
    low = max(0, highest - _TAIL_ROWS + 1)
    below = count - len(tail)
    missing = next((index for index in range(low, highest + 1) if index not in tail), highest + 1)
    if below != low or len(tail) > _TAIL_ROWS:
        raise Unavailable("the index has a hole or doubles", hint="it is made anew")
    return missing, {index for index in tail if index > missing}


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("ascii", "replace")
    except OSError:
        return ""


def _take(directory: Path) -> int:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Conflict(f"the index {directory} is open in another process") from None
    return lock
