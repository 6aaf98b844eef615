"""One export: follows the record behind it, delivers parcel after parcel, and keeps how far it is.

Two threads meet here. The follower hands entries in (`apply`) and waits while enough is in hand; the export's
own thread cuts parcels, delivers them, and advances the cursor once the destination has acknowledged. Neither
holds up the server: what is not delivered stays in the record.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ..clock import Clock
from ..errors import Denied, GlasshatchError, Unavailable
from ..events import Actor, Event, decode
from .cursor import FORMAT, Aside, Cursor, CursorFile, Lane
from .parcel import Destination, Form, Item, Parcel
from .parting import Delivery
from .pulse import Pulse
from .settings import Gate, Pace, Standing
from .telling import Telling, counts
from .waiting import Chosen, Waiting, digest

_SECOND_NS = 10**9
_ASLEEP_S = 0.5
_SAVE_IDLE_NS = _SECOND_NS
_GATE_NS = 5 * _SECOND_NS
_PATIENCE_S = 30.0
_LAST_TRY_S = 3.0
_BROKEN_OFF_S = 2.0


class Exporter:
    """`apply`, `prune` and `watermarks` are the follower's; the rest may be called by anybody."""

    def __init__(
        self,
        name: str,
        form: Form,
        destination: Destination,
        cursors: CursorFile,
        gate: Callable[[], Gate],
        telling: Telling,
        clock: Clock,
        chance: Callable[[], float],
        *,
        pace: Pace | None = None,
        chosen: Chosen = lambda ledger: True,
        sizes: Callable[[], Mapping[str, int]] = dict,
        failed: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        """Nothing starts before `start`.

        Args:
            gate: What may leave now; asked every few seconds. Raises `Denied` if nothing may.
            chance: A number from 0 to below 1.
            chosen: Which ledgers are exported.
            sizes: How many entries each ledger is known to have.
            failed: Hears of an error that is ours; the export goes on.

        Raises:
            ConfigError: The cursor's file cannot be used.
        """
        self.name = name
        self._cure = f"glasshatch exports reset {name}"
        self._form = form
        self._destination = destination
        self._delivery = Delivery(destination, telling, lambda: self._stopping)
        self._cursors = cursors
        self._gate = gate
        self._telling = telling
        self._clock = clock
        self._pace = pace or Pace()
        self._chosen = chosen
        self._sizes = sizes
        self._failed = failed
        self._cursor = cursors.load() or Cursor(FORMAT)
        self._saved_ns = 0
        self._gated: tuple[int, Gate] | None = None
        self._unreadable = 0
        self._skipped: list[tuple[str, int, int]] = []
        self._waiting: dict[str, Waiting] = {}
        self._passed: dict[str, int] = {}
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        self._stopping = False
        self._pulse = Pulse(clock, self._pace, chance)
        self._thread = threading.Thread(target=self._run, name=f"export-{name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def halt(self) -> None:
        """Begin nothing more; returns at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End after the try under way, some seconds at most; the rest stays for the next start.

        A try that does not end by itself is broken off, or left behind as a crash would leave it: it is made
        again.
        """
        self.halt()
        if self._thread.is_alive():
            self._thread.join(_LAST_TRY_S)
        self._destination.close()
        if self._thread.is_alive():
            self._thread.join(_BROKEN_OFF_S)

    def watermarks(self) -> dict[str, int]:
        """The entries that are to be read next."""
        with self._changed:
            lanes = {ledger: self._of(ledger).read for ledger in self._cursor.lanes if self._chosen(ledger)}
            read = {ledger: waiting.read for ledger, waiting in self._waiting.items()}
            return {**self._passed, **lanes, **read}

    def apply(self, entries: Sequence[tuple[str, int, bytes]]) -> None:
        """Take entries; waits while as much is in hand as may be.

        Raises:
            Conflict: An entry is missing; the follower asks anew.
        """
        now_ns = self._clock.monotonic_ns()
        with self._changed:
            for ledger, index, data in entries:
                if not self._chosen(ledger):
                    self._passed[ledger] = index + 1
                    continue
                self._of(ledger).add(index, data, now_ns)
            self._changed.notify_all()
            while self._held() > self._pace.held_bytes and not self._stopping:
                self._changed.wait(_ASLEEP_S)

    def prune(self, minimums: Mapping[str, int]) -> None:
        """Nothing below these entries is kept any more; what had not left never will, which is told."""
        with self._changed:
            for ledger, minimum in minimums.items():
                if self._chosen(ledger):
                    self._of(ledger).pruned_below(minimum)
            self._changed.notify_all()

    def reset(self, ledger: str, to: int, by: Actor) -> int:
        """Go on from another entry, which the ledger has; answers from which one it would have gone on.

        Raises:
            Unavailable: It could not be recorded or kept, or a try under way does not end.
        """
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise Unavailable("a delivery is under way", hint="try again in a moment")
        try:
            before = self._cursor.lane(ledger).next
            # Recorded first: a crash in between says that it was wanted, and the old place goes on.
            self._telling.reset(by, ledger, before, to)
            with self._changed:
                self._keep(self._cursor.with_lane(ledger, Lane(next=to, noted=to)))
                self._waiting[ledger] = Waiting(self._cursor.lane(ledger))
                self._pulse.again()
                self._changed.notify_all()
        finally:
            self._turn.release()
        return before

    def standing(self) -> Standing:
        """How it is doing."""
        with self._changed:
            behind, now_ns = self._behind(), self._clock.now_ns()
            return Standing(
                name=self.name, form=self._form.name, where=self._destination.where,
                state=self._state(behind),
                positions={name: lane.next for name, lane in sorted(self._cursor.lanes.items())},
                behind=behind, lag_seconds=self._lag_s(now_ns) if behind else 0.0,
                rate=self._pulse.rate(), sent=self._cursor.sent, delivered_ns=self._cursor.delivered_ns,
                failures=self._pulse.failures, error=self._problem(), set_aside=self._cursor.set_aside,
                aside=self._cursor.aside,
            )  # fmt: skip

    def _run(self) -> None:
        while True:
            try:
                with self._turn:
                    pause_s = self._step()
            except GlasshatchError as error:
                pause_s = self._pulse.failed(error)
                self._gated = None
            except Exception as error:
                self._failed(error)
                pause_s = self._pulse.failed(Unavailable("the export failed"))
            self._look_around()
            with self._changed:
                if self._stopping:
                    return
                if pause_s:
                    self._changed.wait(pause_s)
                if self._stopping:
                    return

    def _step(self) -> float:
        """Deliver one parcel if one is due; how long there is nothing to do afterwards."""
        if (early_s := self._pulse.pause_s()) > 0:
            return early_s
        self._tell_skipped()
        pauses = [_ASLEEP_S]
        for ledger in list(self._waiting):
            with self._changed:
                stop, pause_s = self._due(ledger)
            if stop:
                self._send(ledger, stop)
                return 0.0
            pauses.append(pause_s)
        return min(pauses)

    def _due(self, ledger: str) -> tuple[int, float]:
        """Where the next parcel of a ledger ends, or 0 and how long to wait."""
        waiting, lane, pace = self._waiting[ledger], self._cursor.lane(ledger), self._pace
        if waiting.foreign or not waiting.entries:
            return 0, _ASLEEP_S
        if lane.intent:
            return (lane.intent, 0.0) if waiting.read >= lane.intent else (0, _ASLEEP_S)
        full = len(waiting.entries) >= pace.rows or waiting.bytes >= pace.bytes
        left_s = pace.linger_s - (self._clock.monotonic_ns() - waiting.since_ns) / _SECOND_NS
        if not full and left_s > 0:
            return 0, left_s
        return waiting.entries[0][0] + waiting.first(pace.rows, pace.bytes), 0.0

    def _send(self, ledger: str, stop: int) -> None:
        """Deliver what matches of a ledger's entries up to `stop`, and advance behind them."""
        gate = self._gate_now()
        with self._changed:
            lane, entries = self._cursor.lane(ledger), self._waiting[ledger].before(stop)
        items, left = self._matching(gate, ledger, entries), tuple[Aside, ...]()
        if items:
            if not lane.intent:
                lane = msgspec.structs.replace(lane, intent=stop)
                # From here on a repeat cuts this very parcel, so that it has the same name.
                self._keep(self._cursor.with_lane(ledger, lane))
            parcel = Parcel(self.name, ledger, lane.next, stop, tuple(items), self._cursor.line)
            left = self._delivery.deliver(parcel, lambda: self._following(gate, ledger, stop))
        self._advance(ledger, lane, stop, digest(entries[-1][1]), items, left)

    def _following(self, gate: Gate, ledger: str, stop: int) -> list[Item]:
        """Some events behind a parcel, as far as they were read."""
        with self._changed:
            entries = [one for one in self._waiting[ledger].entries if one[0] >= stop]
        return self._matching(gate, ledger, entries[: self._pace.rows])

    def _advance(
        self, ledger: str, lane: Lane, stop: int, last: str, items: Sequence[Item], left: tuple[Aside, ...]
    ) -> None:
        now_ns = self._clock.monotonic_ns()
        out = {one.index for one in left}
        gone = [item for item in items if item.index not in out]
        lane = Lane(
            next=stop, last=last, noted=lane.noted,
            unnoted=lane.unnoted + sum(counts(item.event) for item in gone),
        )  # fmt: skip
        cursor = self._cursor.with_lane(ledger, lane).with_aside(left)
        if gone:
            cursor = msgspec.structs.replace(
                cursor, sent=cursor.sent + len(gone), delivered_ns=self._clock.now_ns()
            )
        if items or now_ns - self._saved_ns > _SAVE_IDLE_NS:
            # A crash before this delivers the parcel once more, under its name.
            self._keep(cursor)
        with self._changed:
            self._cursor = cursor
            self._waiting[ledger].drop(stop, now_ns)
            self._pulse.delivered(len(gone))
            self._changed.notify_all()

    def _matching(self, gate: Gate, ledger: str, entries: Sequence[tuple[int, bytes]]) -> list[Item]:
        items = []
        for index, data in entries:
            try:
                event = decode(data)
                if gate.matches(event, ledger):
                    items.append(_seen(gate, ledger, index, data, event))
            except (GlasshatchError, ValueError, RecursionError):
                # Not an event that this version reads; it stays in the ledger and is counted.
                self._unreadable += 1
        return items

    def _gate_now(self) -> Gate:
        now_ns = self._clock.monotonic_ns()
        if self._gated is None or now_ns - self._gated[0] > _GATE_NS:
            self._gated = (now_ns, self._gate())
        return self._gated[1]

    def _look_around(self) -> None:
        """Tell what there is to tell; what cannot be recorded now is told the next time."""
        try:
            with self._turn:
                self._tell_exported()
                self._tell_standing()
        except GlasshatchError:
            return

    def _tell_exported(self) -> None:
        if not self._pulse.may_note() or not any(lane.unnoted for lane in self._cursor.lanes.values()):
            return
        for ledger, lane in list(self._cursor.lanes.items()):
            if lane.unnoted:
                self._telling.exported(ledger, lane.noted, lane.next, lane.unnoted, self._unreadable)
                # A crash before this tells it twice, and never not at all.
                self._keep(
                    self._cursor.with_lane(ledger, msgspec.structs.replace(lane, noted=lane.next, unnoted=0))
                )
        self._pulse.noted()

    def _tell_standing(self) -> None:
        with self._changed:
            behind, problem = self._behind(), self._problem()
            caught_up = behind == 0 and not problem
            overdue_s = self._pulse.overdue_s(caught_up=caught_up)
        if overdue_s and not self._cursor.stopped:
            self._telling.stopped(overdue_s, behind, problem)
            self._keep(msgspec.structs.replace(self._cursor, stopped=True))
        elif caught_up and self._cursor.stopped:
            self._telling.resumed(self._cursor.sent)
            self._keep(msgspec.structs.replace(self._cursor, stopped=False))

    def _tell_skipped(self) -> None:
        """Where entries were pruned in front of a lane, say so and go on behind them."""
        for ledger, waiting in list(self._waiting.items()):
            lane = self._cursor.lane(ledger)
            first = waiting.entries[0][0] if waiting.entries else waiting.read
            if lane.next < first and not waiting.uncompared:
                self._telling.skipped(ledger, lane.next, first)
                with self._changed:
                    self._keep(
                        self._cursor.with_lane(ledger, msgspec.structs.replace(lane, next=first, intent=0))
                    )

    def _keep(self, cursor: Cursor) -> None:
        self._cursors.save(cursor)
        self._cursor = cursor
        self._saved_ns = self._clock.monotonic_ns()

    def _of(self, ledger: str) -> Waiting:
        found = self._waiting.get(ledger)
        if found is None:
            found = self._waiting[ledger] = Waiting(self._cursor.lane(ledger))
        return found

    def _held(self) -> int:
        return sum(waiting.bytes for waiting in self._waiting.values())

    def _behind(self) -> int:
        known = {name: size for name, size in self._sizes().items() if self._chosen(name)}
        for ledger, waiting in self._waiting.items():
            known[ledger] = max(known.get(ledger, 0), waiting.read)
        return sum(max(0, size - self._cursor.lane(name).next) for name, size in known.items())

    def _lag_s(self, now_ns: int) -> float:
        """How old the oldest entry is that waits here."""
        ages = []
        for ledger, waiting in self._waiting.items():
            if waiting.entries:
                try:
                    item = Item(ledger, 0, b"", decode(waiting.entries[0][1]))
                except GlasshatchError:
                    continue
                ages.append((now_ns - item.recorded_ns) / _SECOND_NS)
        return max(0.0, max(ages, default=0.0))

    def _problem(self) -> str:
        for ledger, waiting in self._waiting.items():
            if waiting.foreign:
                return f"the ledger {ledger} is not the one that was exported: {self._cure}"
        shrunk = [
            name for name, size in self._sizes().items()
            if self._chosen(name) and size < self._cursor.lane(name).next
        ]  # fmt: skip
        if shrunk:
            return f"the ledger {shrunk[0]} is shorter than what was exported: {self._cure}"
        return self._pulse.error

    def _state(self, behind: int) -> str:
        if isinstance(self._pulse.why, Denied):
            return "refused"
        if self._cursor.stopped:
            return "stopped"
        if self._problem():
            return "failing"
        return "behind" if behind > self._pace.rows else "live"


def _seen(gate: Gate, ledger: str, index: int, data: bytes, event: Event) -> Item:
    """The event as the export may see it."""
    if gate.stripped is None:
        return Item(ledger, index, data, event)
    stripped = gate.stripped(data)
    return Item(ledger, index, stripped, decode(stripped))
