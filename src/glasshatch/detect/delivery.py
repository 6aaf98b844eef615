"""Brings alerts out: to the record, and to each channel, with retries, apart from detection and each other.

Everything to do is a row in detection's file, made in the transaction that made the alert. A row is
settled after its step was done; so a crash in between does the step again, never leaves it out. A
repeated delivery has the same `Glasshatch-Delivery` id, a repeated event the same event id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from ..clock import Clock
from ..errors import GlasshatchError
from ..events import Event, decode
from .alerts import Alert
from .notes import delivered_event, failed_event
from .stepping import drop_note, insert_note, postpone, postpone_note, settle
from .store import Note, Pending, Statement, Store

_SECOND_NS = 1_000_000_000
_BATCH = 100
_IDLE_S = 30.0
_STARTING_S = 0.1


class Channel(Protocol):
    """A way out for alerts."""

    name: str

    def deliver(self, alert: Alert) -> None:
        """Hand an alert over within seconds, or raise a `GlasshatchError` whose message says why not."""


class Patience(msgspec.Struct, frozen=True):
    """How often and how long it is tried: pauses double from `first_s` to `longest_s`, until `give_up_s`."""

    first_s: float = 1.0
    longest_s: float = 900.0
    give_up_s: float = 86_400.0
    note_longest_s: float = 10.0

    def pause_ns(self, attempts: int, chance: float, longest_s: float) -> int:
        """The pause after so many attempts; up to half of it is left to chance."""
        pause_s = min(longest_s, self.first_s * 2.0 ** min(attempts, 40))
        return int(pause_s * (0.5 + chance / 2) * _SECOND_NS)


class Delivery:
    """A thread for the record and one for each channel, so that a slow one holds up nobody."""

    def __init__(
        self,
        store: Store,
        record: Callable[[Event], object],
        channels: Sequence[Channel],
        clock: Clock,
        random: Callable[[], float],
        *,
        ready: Callable[[], bool] = lambda: True,
        patience: Patience | None = None,
        failed: Callable[[BaseException], None] = lambda _error: None,
    ) -> None:
        """Nothing starts before `start`.

        Args:
            record: Makes an event durable in the record, or raises a `GlasshatchError`.
            random: A number from 0 to below 1.
            ready: Whether detection has read all that was in the record when this process began. Until
                then nothing goes out: the record may still tell that it went out before.
            failed: Hears of an error that is ours; the thread goes on.
        """
        self._store = store
        self._record = record
        self._channels = {channel.name: channel for channel in channels}
        self._clock = clock
        self._random = random
        self._ready = ready
        self._patience = patience or Patience()
        self._failed = failed
        self._stopping = threading.Event()
        self._wakers: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, with what an earlier process left first."""
        self._spawn("record", None, self._record_due)
        for name in sorted({*self._channels, *self._store.pending_channels()}):
            self._spawn(name, name, lambda name=name: self._deliver_due(name))  # type: ignore[misc]

    def stop(self) -> None:
        """End after what is under way, some seconds at most; the rest stays for the next start."""
        self._stopping.set()
        for waker in self._wakers:
            waker.set()
        for thread in self._threads:
            thread.join()

    def _spawn(self, name: str, channel: str | None, work: Callable[[], bool]) -> None:
        waker = threading.Event()
        self._wakers.append(waker)
        self._store.wake(waker)
        run: Any = lambda: self._run(waker, channel, work)  # noqa: E731
        thread = threading.Thread(target=run, name=f"alerts-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, waker: threading.Event, channel: str | None, work: Callable[[], bool]) -> None:
        while not self._stopping.is_set() and not self._ready():
            self._stopping.wait(_STARTING_S)
        while not self._stopping.is_set():
            waker.clear()  # before looking, so that what comes while looking wakes us again
            try:
                more = work()
                pause_s = 0.0 if more else self._pause_s(channel)
            except Exception as error:
                self._failed(error)
                pause_s = 1.0
            if pause_s and not self._stopping.is_set():
                waker.wait(pause_s)

    def _pause_s(self, channel: str | None) -> float:
        due_ns = self._store.next_due_ns(channel)
        if due_ns is None:
            return _IDLE_S
        return min(_IDLE_S, max(0.001, (due_ns - self._clock.now_ns()) / _SECOND_NS))

    def _record_due(self) -> bool:
        notes = self._store.due_notes(self._clock.now_ns(), _BATCH)
        for note in notes:
            if self._stopping.is_set():
                return False
            self._keep([self._recorded(note)])
        return len(notes) == _BATCH

    def _recorded(self, note: Note) -> Statement:
        try:
            self._record(decode(note.body))
        except GlasshatchError:
            pause_ns = self._patience.pause_ns(note.attempts, self._random(), self._patience.note_longest_s)
            return postpone_note(note.event, self._clock.now_ns() + pause_ns)
        # A crash here records it once more, under the same event id. When detection reads it back from
        # the record before that, the note is gone and it is recorded once.
        return drop_note(note.event)

    def _deliver_due(self, name: str) -> bool:
        due = self._store.due_deliveries(name, self._clock.now_ns(), _BATCH)
        for pending in due:
            if self._stopping.is_set():
                return False
            self._keep(self._delivered(pending))
        return len(due) == _BATCH

    def _delivered(self, pending: Pending) -> list[Statement]:
        alert, name, attempts = pending.alert, pending.channel, pending.attempts + 1
        channel = self._channels.get(name)
        problem = "the channel is not configured any more"
        if channel is not None:
            try:
                channel.deliver(alert)
            except GlasshatchError as error:
                problem = error.message
            except Exception as error:
                # A fault of one channel must not keep its other alerts back.
                self._failed(error)
                problem = "the channel failed"
            else:
                now_ns = self._clock.now_ns()
                event = delivered_event(alert, name, attempts, now_ns)
                return [settle(alert.id, name, "delivered", attempts, now_ns), insert_note(event, now_ns)]
        now_ns = self._clock.now_ns()
        pause_ns = self._patience.pause_ns(pending.attempts, self._random(), self._patience.longest_s)
        last_ns = pending.since_ns + int(self._patience.give_up_s * _SECOND_NS)
        if channel is not None and now_ns + pause_ns <= last_ns:
            return [postpone(alert.id, name, now_ns + pause_ns, problem)]
        event = failed_event(alert, name, attempts, problem, now_ns)
        return [settle(alert.id, name, "failed", attempts, now_ns), insert_note(event, now_ns)]

    def _keep(self, statements: Sequence[Statement]) -> None:
        with self._store.transaction() as connection:
            for statement, values in statements:
                connection.execute(statement, values)
