"""Reads that come many a minute: the first is recorded by itself, those that follow soon together."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import msgspec

from ...errors import GlasshatchError
from ...events import Data, Outcome, Resource
from ...identity import Identity, reason_of
from ..access import why

WINDOW_SECONDS = 60.0
_MOST_HELD = 5_000
_Key = tuple[str, str, str, str]
Note = Callable[..., None]
RECORD = Resource(type="ledger", id="ledger/default", name="default")


def note_read(note: Note, caller: Identity, what: str, asked: dict[str, str], rows: int, **more: int) -> None:
    """Record a read before its answer leaves; if it cannot be recorded, there is no answer.

    asked: what for, redacted; rows: how much of the record the answer holds.
    """
    note(
        "record.read", actor=caller.as_actor(), outcome=Outcome(status="success"), resource=RECORD,
        data=Data(rows=rows, recipient=caller.id),
        attrs={"what": what, "filter": {name: value for name, value in asked.items() if value}} | more,
        **why(caller),
    )  # fmt: skip


class _Held(msgspec.Struct):
    caller: Identity
    what: str
    asked: dict[str, str]
    since_s: float
    times: int = 0
    rows: int = 0


class CoalescedReads:
    """One event for the first read of a kind, one for all that follow within a minute.

    A crash forgets at most a minute of repetitions of reads whose first is recorded. `note` records one event
    durably; what cannot be recorded raises there, so there is no answer.
    """

    def __init__(self, note: Note, now_s: Callable[[], float] = time.monotonic) -> None:
        self._note = note
        self._now_s = now_s
        self._lock = threading.Lock()
        self._held: dict[_Key, _Held] = {}
        self._timer: threading.Timer | None = None

    def read(self, caller: Identity, what: str, asked: dict[str, str], rows: int) -> None:
        """Record a read, now or with its like."""
        key = (caller.id, what, repr(sorted(asked.items())), reason_of(caller))
        with self._lock:
            due = self._due(everything=len(self._held) >= _MOST_HELD)
            held = self._held.get(key)
            if held is not None:
                held.times += 1
                held.rows += rows
                self._wake()
        self._record(due)
        if held is None:
            self._note_one(caller, what, asked, 1, rows)
            # Only now: what was not recorded must not let the next one pass as its repetition.
            with self._lock:
                self._held.setdefault(key, _Held(caller, what, asked, self._now_s()))

    def flush(self) -> None:
        """Record what was held back."""
        with self._lock:
            due = self._due(everything=True)
        self._record(due)

    def _due(self, everything: bool) -> list[_Held]:
        now_s = self._now_s()
        keys = [key for key, one in self._held.items() if everything or now_s - one.since_s >= WINDOW_SECONDS]
        return [one for one in map(self._held.pop, keys) if one.times]

    def _record(self, due: list[_Held]) -> None:
        for one in due:
            self._note_one(one.caller, one.what, one.asked, one.times, one.rows)

    def _note_one(self, caller: Identity, what: str, asked: dict[str, str], times: int, rows: int) -> None:
        note_read(self._note, caller, what, asked, rows, **({"times": times} if times > 1 else {}))

    def _wake(self) -> None:
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(WINDOW_SECONDS, self._flush_quietly)
            self._timer.daemon = True
            self._timer.start()

    def _flush_quietly(self) -> None:
        with contextlib.suppress(GlasshatchError):
            self.flush()
