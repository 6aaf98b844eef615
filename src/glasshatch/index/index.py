"""The index of one tenant: follows its ledgers, answers questions, and is made anew when in doubt."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError, Conflict, Unavailable
from ..events import DEFAULT_LEDGER, place_of
from .arrow import pa
from .engine import Engine, Parameter
from .opening import open_embedded, open_server, text_of
from .place import Place
from .pruning import count_pruned, drop_pruned
from .rows import Entry, as_stored, rows
from .schema import TABLE, create_sql
from .shortening import KEPT, restored
from .survey import survey

BATCH_ROWS = 30_000
"""At most in one insert: fewer and larger parts leave less to merge. See `survey.TAIL_ROWS`."""

BATCH_BYTES = 48 * 2**20
"""Of entries at most in one insert, unless a single one is larger: what it takes in memory is thrice that."""

_AGAIN_SECONDS = 3.0


class Made(msgspec.Struct, frozen=True):
    """Entries, and what is inserted of them."""

    entries: Sequence[Entry]
    table: pa.Table
    token: str


class Index:
    """Every entry from its ledger's minimum to its watermark has one row. One thread applies, any may ask.

    A row is the only trace of an entry here, so a watermark is read off the rows: it is the ledger's first
    entry without one. A crash in the middle of a batch can leave rows beyond it (a batch over two months
    is two parts); they are found at the next start and not inserted twice.
    """

    def __init__(self, directory: Path, tenant: str, place: Place) -> None:
        """Use `open`."""
        self._directory = directory
        self._minimums: dict[str, int] = {}
        self._tenant = tenant
        self._place = place
        self._lock = _take(directory)
        self._writing = threading.RLock()
        self._opening = threading.Lock()
        self._watermarks: dict[str, int] = {}
        self._beyond: set[tuple[str, int]] = set()
        self._doubtful: Sequence[Entry] = ()
        self._engine: Engine | None = None
        self._away = Unavailable("the index is closed")
        self._again_s = 0.0
        self._left = False
        self._opened = secrets.token_bytes(16)
        try:
            self._minimums = self._read_minimums()
            self._reach()
        except BaseException:
            os.close(self._lock)
            raise

    @classmethod
    def open(cls, directory: Path, tenant: str, place: Place = Place()) -> Index:  # noqa: B008
        """Open an index or make an empty one; one of another format or that is damaged is begun anew.

        A server that cannot be reached is asked again when something is wanted of the index, every few
        seconds at most; until it answers, everything but `minimums` raises `Unavailable`.

        Raises:
            Conflict: Another process has it open.
            ConfigError: The directory cannot be written.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=str(directory)) from None
        return cls(directory, tenant, place)

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
        self._ready()
        return dict(self._watermarks)

    def apply(self, entries: Sequence[tuple[int, bytes]], ledger: str = DEFAULT_LEDGER) -> None:
        """Add entries of one ledger; raises as `apply_all`."""
        self.apply_all([(ledger, index, data) for index, data in entries])

    def apply_all(self, entries: Sequence[Entry]) -> None:
        """Add entries of any ledgers, of each in its order; those that are there already are left alone.

        Raises:
            ConfigError: There is a gap before a ledger's first one, so entries would be missing for good.
            Unavailable: The disk failed, or the server is away; the same entries can be given again.
        """
        with self._writing:
            engine = self._settled()
            for batch in batches(self._wanted(entries)):
                self._insert(engine, batch)

    def made(self, entries: Sequence[Entry]) -> Made:
        """Entries made ready for `apply_made`, in any thread: while others are inserted, say."""
        return Made(entries, rows(self._tenant, entries), self._token(entries))

    def apply_made(self, made: Made) -> None:
        """As `apply_all` with the entries of one of `batches`, whose rows are made already."""
        with self._writing:
            engine = self._settled()
            wanted = self._wanted(made.entries)
            if wanted:
                self._insert(engine, wanted, made if len(wanted) == len(made.entries) else None)

    def _wanted(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those without a row; raises `ConfigError` for a gap before a ledger's first one."""
        marks = self._watermarks
        wanted = [entry for entry in entries if entry[1] >= marks.get(entry[0], 0)]
        firsts = {ledger: index for ledger, index, _ in reversed(wanted)}
        for ledger, first in firsts.items():
            if first != marks.get(ledger, 0):
                raise ConfigError(
                    f"the index waits for entry {place_of(ledger, marks.get(ledger, 0))}, not for {first}"
                )
        return wanted

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query over the table `events`; values from outside are bound parameters."""
        return self._ready().select(sql, parameters)

    def prune(self, minimums: Mapping[str, int]) -> None:
        """Keep no row of entries below these of their ledgers; their bytes are off the disk within a minute.

        An index that was pruned further than that is of another history, and is begun anew.

        Raises:
            Unavailable: The disk failed, or the server is away; the rows are looked for again when the
                index is opened next.
        """
        wanted = {name: minimum for name, minimum in minimums.items() if minimum}
        with self._writing:
            engine = self._ready()
            if wanted == self._minimums and not self._left:
                return
            if any(minimum > wanted.get(name, 0) for name, minimum in self._minimums.items()):
                self.clear()
                self._set_minimums(wanted)
                self._watermarks = dict(wanted)
                return
            # A crash from here on leaves rows that no question should find; the next start drops them.
            self._set_minimums(wanted)
            self._left = True
            drop_pruned(engine, wanted)
            self._left = False
            for name, minimum in wanted.items():
                self._watermarks[name] = max(self._watermarks.get(name, 0), minimum)

    def clear(self) -> None:
        """Forget everything; the follower fills it again from the first entries that are kept."""
        with self._writing:
            self._ready().run(f"TRUNCATE TABLE {TABLE}")
            self._watermarks = dict(self._minimums)
            self._beyond = set()
            self._doubtful = ()
            self._left = False

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
            f"SELECT {KEPT} FROM {TABLE} WHERE ledger = {{ledger:String}} AND `index` = {{last:Int64}}",  # noqa: S608
            {"ledger": ledger, "last": last},
        )
        return [restored(row) for row in found] == [as_stored(read(last))]

    def close(self) -> None:
        """Let the directory go."""
        with self._writing, self._opening:
            if self._engine is not None:
                self._engine.close()
            self._engine, self._away, self._again_s = None, Unavailable("the index is closed"), float("inf")
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
            return msgspec.json.decode(text_of(self._directory / "minimums") or "{}", type=dict[str, int])
        except msgspec.DecodeError:
            return {}  # the first follower says what they are

    def _insert(self, engine: Engine, batch: Sequence[Entry], made: Made | None = None) -> None:
        missing = [entry for entry in batch if entry[:2] not in self._beyond] if self._beyond else batch
        if missing:
            # After a failure nobody knows which months' rows are there, or still on their way.
            self._doubtful = missing
            if made is None or missing is not batch:
                made = self.made(missing)
            engine.insert(TABLE, made.table, made.token)
            self._doubtful = ()
        # Until here a crash leaves some or all of these rows, and the next start counts them.
        marks = self._watermarks
        marks.update({ledger: index + 1 for ledger, index, _ in batch})
        self._beyond = {(ledger, index) for ledger, index in self._beyond if index >= marks.get(ledger, 0)}

    def _settled(self) -> Engine:
        """The engine, of which everything is known."""
        engine = self._ready()
        if self._doubtful:
            self._settle(engine)
        return engine

    def _settle(self, engine: Engine) -> None:
        """Make sure of a batch whose insert failed: once more, which changes nothing where it was there."""
        engine.run(create_sql(self._place.cluster))
        made = self.made(self._doubtful)
        engine.insert(TABLE, made.table, made.token)
        self._doubtful = ()
        self._watermarks, self._beyond = survey(engine, self._minimums)

    def _token(self, batch: Sequence[Entry]) -> str:
        """The name of a batch, for as long as this is open: the same entries in the same order have it again.

        Not for longer: rows that were lost with a damaged part must be taken again, though they came once.
        """
        found = hashlib.sha256(self._opened)
        for ledger, index, data in batch:
            found.update(f"{ledger}/{index}/{len(data)}\n".encode())
            found.update(data)
        return found.hexdigest()[:32]

    def _ready(self) -> Engine:
        """The engine; a server that was away is asked again after a while, and not by everybody at once."""
        engine = self._engine
        if engine is not None:
            return engine
        with self._opening:
            if self._engine is None:
                if time.monotonic() < self._again_s:
                    raise self._away
                self._reach()
            if self._engine is None:
                raise self._away
            return self._engine

    def _reach(self) -> None:
        """Open the engine; a server that is away leaves everything as it is."""
        if not self._place.url:
            self._engine = open_embedded(self._directory, self._place, self._begin)
            return
        try:
            self._engine = open_server(self._directory, self._place, self._begin)
        except Unavailable as error:
            self._away, self._again_s = error, time.monotonic() + _AGAIN_SECONDS

    def _begin(self, engine: Engine) -> None:
        """What is in an engine that was just opened, without what was pruned meanwhile."""
        if self._minimums and count_pruned(engine, self._minimums):
            drop_pruned(engine, self._minimums)
        self._left = False
        self._watermarks, self._beyond = survey(engine, self._minimums)


def batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Entries in pieces of which each is one insert."""
    start = size = 0
    for place, (_, _, data) in enumerate(entries):
        if place > start and (place - start >= BATCH_ROWS or size + len(data) > BATCH_BYTES):
            yield entries[start:place]
            start, size = place, 0
        size += len(data)
    if start < len(entries):
        yield entries[start:]


def _take(directory: Path) -> int:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Conflict(f"the index {directory} is open in another process") from None
    return lock
