"""The index of one tenant: follows its ledgers, answers questions, and is made anew when in doubt."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError, Conflict, Unavailable
from ..events import DEFAULT_LEDGER, place_of
from .engine import Engine, Parameter
from .table import TABLE, Entry, as_stored, create_sql, fingerprint, rows

_BATCH_ROWS = 10_000
_TAIL_ROWS = 4 * _BATCH_ROWS


class Index:
    """Every entry from its ledger's minimum to its watermark has one row. One thread applies, any may ask.

    A row is the only trace of an entry here, so a watermark is read off the rows: it is the ledger's first
    entry without one. A crash in the middle of a batch can leave rows beyond it (a batch over two months
    is two parts); they are found at the next start and not inserted twice.
    """

    def __init__(self, directory: Path, tenant: str) -> None:
        """Use `open`."""
        self._directory = directory
        self._minimums: dict[str, int] = {}
        self._tenant = tenant
        self._lock = _take(directory)
        self._writing = threading.RLock()
        self._watermarks: dict[str, int] = {}
        self._beyond: set[tuple[str, int]] = set()
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
        """The index wanted next of the default ledger: everything before it can be searched."""
        return self.watermarks.get(DEFAULT_LEDGER, 0)

    @property
    def minimums(self) -> dict[str, int]:
        """From which index on entries of a pruned ledger are kept: what is below has no rows."""
        return dict(self._minimums)

    @property
    def watermarks(self) -> dict[str, int]:
        """The index wanted next of every ledger that has a row or was pruned; of another one it is 0."""
        return dict(self._watermarks)

    def apply(self, entries: Sequence[tuple[int, bytes]], ledger: str = DEFAULT_LEDGER) -> None:
        """Add entries of one ledger; raises as `apply_all`."""
        self.apply_all([(ledger, index, data) for index, data in entries])

    def apply_all(self, entries: Sequence[Entry]) -> None:
        """Add entries of any ledgers, of each in its order; those that are there already are left alone.

        Raises:
            ConfigError: There is a gap before a ledger's first one, so entries would be missing for good.
            Unavailable: The disk failed; the same entries can be given again.
        """
        with self._writing:
            if self._unsure:
                self._watermarks, self._beyond = _survey(self._engine, self._minimums)
                self._unsure = False
            marks = self._watermarks
            wanted = [entry for entry in entries if entry[1] >= marks.get(entry[0], 0)]
            firsts = {ledger: index for ledger, index, _ in reversed(wanted)}
            for ledger, first in firsts.items():
                if first != marks.get(ledger, 0):
                    raise ConfigError(
                        f"the index waits for entry {place_of(ledger, marks.get(ledger, 0))}, not for {first}"
                    )
            for start in range(0, len(wanted), _BATCH_ROWS):
                self._insert(wanted[start : start + _BATCH_ROWS])

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query over the table `events`; values from outside are bound parameters."""
        return self._engine.select(sql, parameters)

    def prune(self, minimums: Mapping[str, int]) -> None:
        """Keep no row of entries below these of their ledgers; their bytes are off the disk within a minute.

        An index that was pruned further than that is of another history, and is begun anew.

        Raises:
            Unavailable: The disk failed; the rows are looked for again at the next start.
        """
        wanted = {name: minimum for name, minimum in minimums.items() if minimum}
        with self._writing:
            if wanted == self._minimums:
                return
            further = any(minimum > wanted.get(name, 0) for name, minimum in self._minimums.items())
            # A crash from here on leaves rows that no question should find; the next start drops them.
            self._set_minimums(wanted)
            if further:
                self.clear()
                return
            self._drop_pruned(self._engine)
            for name, minimum in wanted.items():
                self._watermarks[name] = max(self._watermarks.get(name, 0), minimum)

    def clear(self) -> None:
        """Forget everything; the follower fills it again from the first entries that are kept."""
        with self._writing:
            self._engine.run(f"TRUNCATE TABLE {TABLE}")
            self._watermarks = dict(self._minimums)
            self._beyond = set()
            self._unsure = False

    def follows(self, ledger_size: int, read: Callable[[int], bytes], ledger: str = DEFAULT_LEDGER) -> bool:
        """Whether this index can be of that ledger: not ahead of it, and the last entry is the same.

        After a restored backup it is not, and its answers would be of another history.

        Args:
            read: An entry of the ledger; asked at most for the last one that is indexed.
        """
        last, minimum = self._watermarks.get(ledger, 0) - 1, self._minimums.get(ledger, 0)
        if last < minimum or last >= ledger_size:
            return last < minimum
        found = self.select(
            f"SELECT raw FROM {TABLE} WHERE ledger = {{ledger:String}} AND `index` = {{last:Int64}}",  # noqa: S608
            {"ledger": ledger, "last": last},
        )
        return [raw for (raw,) in found] == [as_stored(read(last))]

    def close(self) -> None:
        """Let the directory go."""
        with self._writing:
            self._engine.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _set_minimums(self, minimums: dict[str, int]) -> None:
        new = self._directory / "minimums.new"
        try:
            new.write_bytes(msgspec.json.encode(minimums))
            new.rename(self._directory / "minimums")
        except OSError as error:
            raise Unavailable(f"the index cannot be written: {error.strerror}") from None
        self._minimums = minimums

    def _read_minimums(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(_text(self._directory / "minimums") or "{}", type=dict[str, int])
        except msgspec.DecodeError:
            return {}  # the first follower says what they are

    def _drop_pruned(self, engine: Engine) -> None:
        # Rewritten parts replace the old ones, which would lie on the disk for eight minutes more.
        engine.run(f"ALTER TABLE {TABLE} MODIFY SETTING old_parts_lifetime = 10")
        engine.run(f"ALTER TABLE {TABLE} DELETE WHERE {_pruned(self._minimums)} SETTINGS mutations_sync = 2")

    def _insert(self, batch: Sequence[Entry]) -> None:
        missing = [entry for entry in batch if entry[:2] not in self._beyond] if self._beyond else batch
        if missing:
            # A failure may leave the rows of some months; what is there is looked up before going on.
            self._unsure = True
            self._engine.insert(TABLE, rows(self._tenant, missing))
            self._unsure = False
        # Until here a crash leaves some or all of these rows, and the next start counts them.
        marks = self._watermarks
        marks.update({ledger: index + 1 for ledger, index, _ in batch})
        self._beyond = {(ledger, index) for ledger, index in self._beyond if index >= marks.get(ledger, 0)}

    def _prepared(self) -> Engine:
        files = self._directory / "chdb"
        mark = self._directory / "format"
        self._minimums = self._read_minimums()
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
            if self._minimums and _count_pruned(engine, self._minimums):
                self._drop_pruned(engine)
            self._watermarks, self._beyond = _survey(engine, self._minimums)
        except BaseException:
            engine.close()
            raise
        return engine


def _survey(engine: Engine, minimums: Mapping[str, int]) -> tuple[dict[str, int], set[tuple[str, int]]]:
    """Of each ledger the first entry without a row, and the entries after it that have one."""
    marks = dict(minimums)
    beyond: set[tuple[str, int]] = set()
    for ledger, count, highest in engine.select(
        f"SELECT ledger, count(), max(`index`) FROM {TABLE} GROUP BY ledger"  # noqa: S608
    ):
        marks[ledger], later = _survey_ledger(engine, ledger, count, highest, minimums.get(ledger, 0))
        beyond |= {(ledger, index) for index in later}
    return marks, beyond


def _survey_ledger(
    engine: Engine, ledger: str, count: int, highest: int, minimum: int
) -> tuple[int, set[int]]:
    if count == highest + 1 - minimum:
        return highest + 1, set()
    low = max(minimum, highest - _TAIL_ROWS + 1)
    tail = {
        index
        for (index,) in engine.select(
            f"SELECT `index` FROM {TABLE} WHERE ledger = {{ledger:String}} AND `index` >= {{low:Int64}}"  # noqa: S608
            " ORDER BY `index`",
            {"ledger": ledger, "low": low},
        )
    }
    below = count - len(tail)
    missing = next((index for index in range(low, highest + 1) if index not in tail), highest + 1)
    if below != low - minimum or len(tail) > _TAIL_ROWS:
        raise Unavailable("the index has a hole or doubles", hint="it is made anew")
    return missing, {index for index in tail if index > missing}


def _pruned(minimums: Mapping[str, int]) -> str:
    """The condition for rows of pruned entries; the names of ledgers are plain words (`Name`)."""
    return " OR ".join(f"(ledger = '{name}' AND `index` < {below})" for name, below in minimums.items())


def _count_pruned(engine: Engine, minimums: Mapping[str, int]) -> int:
    """How many rows of pruned entries a crash left."""
    ((count,),) = engine.select(f"SELECT count() FROM {TABLE} WHERE {_pruned(minimums)}")  # noqa: S608
    return int(count)


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
