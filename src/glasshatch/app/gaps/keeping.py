"""The front's watch over the record: settles what a crash left, and looks for gaps while it runs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from ...clock import Clock
from ...errors import GlasshatchError, Unavailable
from ...events import Event, Receipt
from .following import Book, OpenSession, SessionBook
from .telling import Teller

_FORMAT = 1
_SLICE_ENTRIES = 5_000
_TIMEOUT_SECONDS = 60.0
_SILENT_BEATS = 3
# A ledger that stalls and comes back brings the signs of life late; that is no silence.
_LEAST_SILENCE_NS = 60 * 10**9


class Entries(Protocol):
    """A ledger, as far as it is followed."""

    @property
    def size(self) -> int: ...
    @property
    def minimum(self) -> int: ...
    def read(self, index: int) -> bytes: ...
    def scan(self, start: int = 0, stop: int | None = None) -> Iterable[tuple[int, bytes]]: ...


class Sink(Protocol):
    """Where events are recorded, to a ledger by name."""

    def submit(
        self, event: Event, done: Callable[[Receipt | GlasshatchError], None] | None = None, *, ledger: str
    ) -> None: ...


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The file: the book, and what tells that it is of these ledgers: each one's last entry that was read."""

    format: int
    book: Book
    digests: dict[str, str]


class GapKeeper:
    """Follows the ledgers behind the gateway and records what is missing in them.

    One thread at a time. A crash at any moment records nothing twice: what was recorded is read again
    before anything is, and the file of the book only saves time.
    """

    def __init__(
        self,
        file: Path,
        ledgers: Callable[[], Iterable[tuple[str, Entries]]],
        sink: Sink,
        teller: Teller,
        clock: Clock,
    ) -> None:
        self._file = file
        self._ledgers = ledgers
        self._sink = sink
        self._teller = teller
        self._clock = clock
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._book = SessionBook(self._read())

    def settle(self, alive: Collection[str] = ()) -> int:
        """End in the record every session that is open there; how many those were.

        For a start, before anybody can connect: whoever served these sessions is gone.

        Args:
            alive: Gateway processes (`source.instance`) whose sessions go on.

        Raises:
            Unavailable: The ledger does not take what is to be said.
        """
        return self._end(lambda session: session.instance not in alive)

    def settle_instance(self, instance: str) -> int:
        """End in the record the sessions of a gateway process that is gone; raises as `settle`."""
        return self._end(lambda session: session.instance == instance)

    def look(self, live: Collection[str] = (), instance: str = "") -> None:
        """Read what is new, record holes, and the silence of sessions that should have been heard.

        Args:
            live: The ids of the sessions that this process serves now.
            instance: This process, as in its events.

        Raises:
            Unavailable: The ledger does not take what is to be said; the next look says it.
        """
        with self._lock:
            self._catch_up(calm=True)
            if self._stopping.is_set():
                return
            events = self._holes()
            events += self._silent(live, instance)
            self._record(events)
            self._save()

    def stop(self) -> None:
        """Let a look that is under way end early; nothing is recorded any more."""
        self._stopping.set()

    def _end(self, wanted: Callable[[OpenSession], bool]) -> int:
        with self._lock:
            self._catch_up(calm=False)
            events = self._holes()
            ended = {id: session for id, session in self._book.sessions.items() if wanted(session)}
            for id, session in ended.items():
                events += self._endings(id, session)
            self._record(events)
            self._catch_up(calm=False)
            self._save()
            return len(ended)

    def _holes(self) -> list[tuple[str, Event]]:
        return [
            (hole.ledger, self._teller.hole(hole, self._event(hole.ledger, hole.index)))
            for hole in self._book.holes.values()
        ]

    def _endings(self, id: str, session: OpenSession) -> list[tuple[str, Event]]:
        first = self._event(session.ledger, session.first)
        runs = [(request, self._event(session.ledger, at)) for request, at in session.runs.items()]
        events = []
        if not session.told and (runs or session.unconfirmed):
            events.append((session.ledger, self._teller.lost_outcome(id, session, first, runs)))
        # Behind the gap: once the session has an end in the record, nobody looks at it again.
        events.append((session.ledger, self._teller.aborted(id, session, first, runs)))
        return events

    def _silent(self, live: Collection[str], instance: str) -> list[tuple[str, Event]]:
        now_ns = self._clock.now_ns()
        events: list[tuple[str, Event]] = []
        for id, session in self._book.sessions.items():
            silence_ns = max(_SILENT_BEATS * session.heartbeat_s * 10**9, _LEAST_SILENCE_NS)
            if not session.heartbeat_s or now_ns - session.time_ns <= silence_ns:
                continue
            if session.instance == instance and id not in live:
                events += self._endings(id, session)
            elif not session.told:
                first = self._event(session.ledger, session.first)
                events.append((session.ledger, self._teller.silence(id, session, first)))
        return events

    # -- reading and recording ------------------------------------------------------------------

    def _catch_up(self, *, calm: bool) -> None:
        """Apply what is durable by now; `calm` takes at most half of a processor from the gateway."""
        for name, ledger in self._ledgers():
            stop, start = ledger.size, max(self._book.mark(name), ledger.minimum)
            while start < stop and not self._stopping.is_set():
                begun_s = time.monotonic()
                for index, data in ledger.scan(start, min(start + _SLICE_ENTRIES, stop)):
                    self._book.apply(name, index, data)
                start += _SLICE_ENTRIES
                if calm:
                    self._stopping.wait(time.monotonic() - begun_s)

    def _record(self, events: list[tuple[str, Event]]) -> None:
        """Submit all, and wait until each is durable."""
        if not events:
            return
        waiting, failures = threading.Semaphore(0), list[GlasshatchError]()

        def done(result: Receipt | GlasshatchError) -> None:
            if isinstance(result, GlasshatchError):
                failures.append(result)
            waiting.release()

        for ledger, event in events:
            self._sink.submit(event, done, ledger=ledger)
        deadline_s = time.monotonic() + _TIMEOUT_SECONDS
        for _ in events:
            if not waiting.acquire(timeout=max(0.0, deadline_s - time.monotonic())):
                raise Unavailable("the ledger did not acknowledge in time", hint="look at the disk under it")
        if failures:
            raise failures[0]

    def _event(self, ledger: str, index: int) -> Event | None:
        """An event of a session; None if it was pruned meanwhile."""
        entries = dict(self._ledgers())[ledger]
        return self._teller.read(entries.read(index)) if index >= entries.minimum else None

    # -- the file -------------------------------------------------------------------------------

    def _read(self) -> Book:
        """The book of an earlier run; an empty one if it is not of these ledgers, or cannot be read."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return Book()
        ledgers = dict(self._ledgers())
        same = kept.format == _FORMAT and all(
            name in ledgers and self._digest(ledgers[name], mark) == kept.digests.get(name)
            for name, mark in kept.book.marks.items()
        )
        return kept.book if same else Book()

    def _save(self) -> None:
        """Write the book; where that fails, the next start reads more of the ledgers."""
        marks = self._book.book.marks
        ledgers = dict(self._ledgers())
        digests = {name: self._digest(ledgers[name], mark) for name, mark in marks.items()}
        data = msgspec.json.encode(_Kept(_FORMAT, self._book.book, digests))
        new = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not synced: torn by a power cut it cannot be read, and is made anew.
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(data)
            new.rename(self._file)

    @staticmethod
    def _digest(ledger: Entries, mark: int) -> str:
        """What tells a ledger's history up to a mark; "" if nothing of it is kept."""
        if mark > ledger.size:
            return "ahead"
        return hashlib.sha256(ledger.read(mark - 1)).hexdigest() if mark > ledger.minimum else ""
