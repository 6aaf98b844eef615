"""The link between front and back: a Unix socket over which the back follows the ledgers and records.

Frames are four bytes of length, big-endian, and MessagePack. The first frame of a connection says what
it is for. *Following*: the front sends `Batch`es of every ledger from the wanted index on, without a gap
in any of them, each entry after it is durable; what several ledgers have waiting comes in the order of
time. An empty batch is a sign of life. *Asking*: one answer, what one of the server's own services may.
*Recording*: each frame is an event, each answer a `Recorded`; an empty frame only asks how many entries are
durable. The socket may be opened by the server's own account only, which holds the keys anyway.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from ...api.access_values import AccessView
from ...api.answers import Problem, problem, raised
from ...api.sockets import connect_unix
from ...errors import GlasshatchError, PeerError, Unavailable
from ...events import DEFAULT_LEDGER, Event, Receipt, decode
from ...identity import Identity
from ...ledger import Ledger
from ..attending import Attendance
from ..frames import receive, receive_bytes, send, send_bytes
from ..recorder import Recorder
from .merging import MOST_BYTES, Entry, Merge

_STEP_ENTRIES = 2_000
_BATCH_ENTRIES = 8_000
_POLL_SECONDS = 0.02
_GATHER_SECONDS = 0.1
_MANY_ENTRIES = 100
_GATHER_MANY_SECONDS = 0.3
_LIFE_SECONDS = 1.0
_TIMEOUT_SECONDS = 35.0
_AGAIN_SECONDS = 0.1

Entries = Sequence[Entry]


class Wish(msgspec.Struct, frozen=True):
    """The first frame: follow each ledger from an index, one that is not named from 0; or ask what somebody
    may; or record."""

    starts: dict[str, int] | None = None
    viewed: Identity | None = None


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Entries in the order in which they are applied. `firsts` is where each ledger goes on with them,
    `sizes` how many entries each held when this was sent. Entries below `minimums` were pruned: what was
    made of them must go too."""

    sizes: dict[str, int]
    firsts: dict[str, int]
    entries: list[Entry]
    minimums: dict[str, int] = {}


class Recorded(msgspec.Struct, frozen=True):
    """The receipt of one event, or why there is none; without an event the ledgers' sizes."""

    index: int = -1
    leaf_hash: bytes = b""
    ledger: str = DEFAULT_LEDGER
    problem: Problem | None = None
    sizes: dict[str, int] = {}


class Viewed(msgspec.Struct, frozen=True):
    """What an identity may, by the policy in force; or why that is not known."""

    view: AccessView | None = None
    problem: Problem | None = None


# msgspec learns a type when it is first met, under a lock of its own that a second thread waits for with the
# interpreter's in its hand: the first then never ends. So they are met here, where there is one thread.
for _kind in (Wish, Batch, Recorded, Viewed):
    msgspec.msgpack.Decoder(_kind)


class LinkServer:
    """The front's end: one thread a connection, which are few."""

    def __init__(
        self,
        path: Path,
        ledgers: Callable[[], list[tuple[str, Ledger]]],
        recorder: Recorder,
        view: Callable[[Identity], AccessView] | None = None,
    ) -> None:
        """`ledgers` tells the ones there are now, by name: a new one is followed from its beginning.

        `view` tells what an identity may.
        """
        self._view = view
        self._ledgers = ledgers
        self._recorder = recorder
        self._attendance = Attendance(path, self._attend)
        self._stopping = self._attendance.stopping

    def start(self) -> None:
        """Listen; raises `ConfigError` if the folder cannot be used."""
        self._attendance.start()

    def stop(self) -> None:
        """End every connection; a follower comes back when there is a front again."""
        self._attendance.stop()

    def _attend(self, connection: socket.socket) -> None:
        wish = receive(connection, Wish)
        if wish.viewed is not None:
            send(connection, self._viewed(wish.viewed))
        elif wish.starts is None:
            self._record(connection)
        else:
            self._lead(connection, Merge(wish.starts))

    def _viewed(self, who: Identity) -> Viewed:
        try:
            return Viewed(view=self._view(who) if self._view is not None else None)
        except GlasshatchError as error:
            return Viewed(problem=problem(error))

    def _lead(self, connection: socket.socket, merge: Merge) -> None:
        """Send what is durable from where the merge stands on, until the peer or the server goes."""
        sent_s = 0.0
        while not self._stopping.is_set():
            started_s = time.monotonic()
            ledgers = self._ledgers()
            sizes = {name: ledger.size for name, ledger in ledgers}
            firsts = merge.positions(sizes)
            found = self._taken(merge, ledgers, sizes)
            if found or started_s - sent_s > _LIFE_SECONDS:
                # Read after the entries: where one is missing in front of them, the minimum says why.
                minimums = {name: ledger.minimum for name, ledger in ledgers if ledger.minimum}
                send(connection, Batch(sizes, firsts, found, minimums))
                sent_s = time.monotonic()
            if found and any(wanted < sizes[name] for name, wanted in merge.positions(sizes).items()):
                # A follower that catches up must not take the gateway's processor: half of it at most.
                time.sleep(sent_s - started_s)
            else:
                # Entries that come without a pause are gathered: a batch costs the index like 500 entries.
                many = len(found) > _MANY_ENTRIES
                time.sleep((_GATHER_MANY_SECONDS if many else _GATHER_SECONDS) if found else _POLL_SECONDS)

    def _taken(
        self, merge: Merge, ledgers: Sequence[tuple[str, Ledger]], sizes: Mapping[str, int]
    ) -> list[Entry]:
        """The next batch, as large as a frame allows: for the index, many small ones are dearer.

        Between its steps the gateway has the processor for as long as each of them took.
        """
        found: list[Entry] = []
        left_bytes = MOST_BYTES
        while len(found) < _BATCH_ENTRIES and left_bytes > 0:
            started_s = time.monotonic()
            step = merge.take(ledgers, sizes, _STEP_ENTRIES, left_bytes)
            found += step
            left_bytes -= sum(len(data) for _, _, data in step)
            if len(step) < _STEP_ENTRIES:
                break
            time.sleep(time.monotonic() - started_s)
        return found

    def _record(self, connection: socket.socket) -> None:
        while not self._stopping.is_set():
            data = receive_bytes(connection)
            send(connection, self._answer(data) if data else Recorded(sizes=self._sizes()))

    def _sizes(self) -> dict[str, int]:
        return {name: ledger.size for name, ledger in self._ledgers()}

    def _answer(self, data: bytes) -> Recorded:
        try:
            receipt = self._recorder.record(decode(data))
        except GlasshatchError as error:
            return Recorded(problem=problem(error))
        return Recorded(receipt.index, receipt.leaf_hash, receipt.ledger)


def ask_view(path: Path, who: Identity) -> AccessView:
    """What one of the server's own services may, by the policy that the front has in force.

    Raises:
        Unavailable: The front is away.
    """
    try:
        with contextlib.closing(connect_unix(path, _TIMEOUT_SECONDS)) as connection:
            send(connection, Wish(viewed=who))
            answer: Viewed = receive(connection, Viewed)
    except (OSError, PeerError):
        answer = Viewed()
    if answer.problem is not None:
        raise raised(answer.problem)
    if answer.view is None:
        raise Unavailable("the policy in force is not known now", hint="the server's front is restarting")
    return answer.view


class RemoteRecorder:
    """The back's way to record: every event goes to the front, which redacts it and makes it durable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def record(self, event: Event) -> Receipt:
        """Record and wait until durable.

        Raises:
            Unavailable: The front is away or refused. Whether it recorded before it went is then not
                known; the event's id tells on another try.
        """
        answer = self._ask(msgspec.json.encode(event))
        if answer.problem is not None:
            raise raised(answer.problem)
        return Receipt(answer.index, answer.leaf_hash, answer.ledger)

    def sizes(self) -> dict[str, int]:
        """How many entries are durable in each ledger; raises `Unavailable` while the front is away."""
        return self._ask(b"").sizes

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _ask(self, data: bytes) -> Recorded:
        with self._lock:
            try:
                return self._exchange(data)
            except (OSError, PeerError):
                self._drop()
                raise Unavailable(
                    "the record cannot be reached at the moment", hint="the server's front is restarting"
                ) from None

    def _exchange(self, data: bytes) -> Recorded:
        if self._connection is None or _ended(self._connection):
            self._drop()
            self._connection = connect_unix(self._path, _TIMEOUT_SECONDS)
            send(self._connection, Wish())
        send_bytes(self._connection, data)
        answer: Recorded = receive(self._connection, Recorded)
        return answer

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Follower:
    """Hands a consumer every entry from its watermarks on, in order, once; comes back after any break.

    The consumer keeps the watermarks: it is asked for them at each connection, so a consumer that failed or
    was killed in the middle is given the same entries again.
    """

    def __init__(
        self,
        path: Path,
        watermarks: Callable[[], Mapping[str, int]],
        apply: Callable[[Entries], object],
        failed: Callable[[BaseException], None],
        prune: Callable[[Mapping[str, int]], object] = lambda minimums: None,
    ) -> None:
        """`failed` hears of what `apply` raised; the entries are then given again after a pause.

        `prune` hears, before `apply`, below which entries all was pruned: at first and whenever that grows.
        """
        self._path = path
        self._prune = prune
        self._minimums: dict[str, int] | None = None
        self._watermarks = watermarks
        self._apply = apply
        self._failed = failed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.ledger_sizes: dict[str, int] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except (OSError, PeerError):
                pass  # the front is away; it comes back
            except Exception as error:
                self._failed(error)
            self._stopping.wait(_AGAIN_SECONDS)

    def _follow(self) -> None:
        with contextlib.closing(connect_unix(self._path, _LIFE_SECONDS * 5)) as connection:
            send(connection, Wish(dict(self._watermarks())))
            while not self._stopping.is_set():
                batch = receive(connection, Batch)
                if batch.minimums != self._minimums:
                    self._prune(batch.minimums)
                    self._minimums = batch.minimums
                marks = self._watermarks()
                if any(marks.get(ledger, 0) < first for ledger, first in batch.firsts.items()):
                    return  # the consumer was told to begin again: ask from where it is now
                if batch.entries:
                    self._apply(batch.entries)
                # After the entries, so that whoever waits for these sizes finds them applied.
                self.ledger_sizes = batch.sizes


def _ended(connection: socket.socket) -> bool:
    """Whether the peer has closed: it never speaks unasked, so there is nothing else to read."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
