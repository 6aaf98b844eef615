"""Group commit: one thread, one frame and one fdatasync per group, acknowledged after it, in order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import msgspec

from ..clock import Clock
from ..errors import GlasshatchError, TooLarge, Unavailable, place_of_bug
from ..events import MAX_ENTRY_BYTES, Done, Receipt
from .blobs import Blobs, Large
from .files import FULL, unavailable
from .halt import Halt
from .log import encode_bundle, leaf_hashes
from .log.frames import Frame
from .options import ENTRY_COST, LedgerOptions
from .segments import Segment
from .wal import Wal

Item = tuple[bytes | Large, Done | None]
"""An entry and who hears of it."""

_ENTRY = itemgetter(0)


class Group(msgspec.Struct, frozen=True):
    """One durable group: where its frame lies, its leaf hashes for the tree, its entries for the packs."""

    segment: Segment
    frame: Frame
    hashes: bytes
    bundle: bytes
    """The entries as a bundle of tlog-tiles has them: one behind the other, each after its length."""
    lengths: list[int]


class Writer:
    """Takes entries from any thread and makes them durable in the order of submission."""

    def __init__(
        self,
        *,
        wal: Wal,
        blobs: Blobs,
        size: int,
        clock: Clock,
        options: LedgerOptions,
        halt: Halt,
        on_group: Callable[[Group], None],
    ) -> None:
        """Continue at index `size`; `on_group` hears of each durable group before it is acknowledged."""
        self.size = size
        self._wal = wal
        self._blobs = blobs
        self._clock = clock
        self._options = options
        self._halt = halt
        self._on_group = on_group
        self._largest = min(MAX_ENTRY_BYTES, options.group_bytes - ENTRY_COST)
        self._wake = threading.Condition(threading.Lock())
        self._queue: list[Item] = []
        self._queued_bytes = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, entry: bytes | Large, done: Done | None) -> None:
        """Queue an entry; refusals call `done` at once, from this thread."""
        self.submit_all(((entry, done),))

    def submit_all(self, items: Sequence[Item]) -> None:
        """Queue entries together; refusals call `done` at once, from this thread."""
        sizes = [len(entry) for entry, _ in items]
        if max(sizes, default=0) > self._largest:
            items = self._fitting(items)
            sizes = [len(entry) for entry, _ in items]
        if not items:
            return
        weight = sum(sizes) + ENTRY_COST * len(sizes)
        if _any_large(items):
            weight += _payload_bytes(items)
        with self._wake:
            refusal = self._refusal()
            if refusal is None:
                if not self._queue:
                    self._wake.notify()
                self._queue += items
                self._queued_bytes += weight
        if refusal is not None:
            _refuse(items, refusal)

    def submit_together(self, entries: Sequence[bytes], done: Done) -> bool:
        """Queue entries of which only the last is answered; false, and nothing queued, if one is too large.

        Groups are committed in their order, and none after one that failed: the last one's receipt is all's.
        """
        if not entries or max(map(len, entries)) > self._largest:
            return False
        self.submit_all([*((entry, None) for entry in entries[:-1]), (entries[-1], done)])
        return True

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _fitting(self, items: Sequence[Item]) -> list[Item]:
        """The entries that are not too large; the others are answered."""
        fitting = []
        for entry, done in items:
            if len(entry) <= self._largest:
                fitting.append((entry, done))
                continue
            error = TooLarge(
                f"an entry has {len(entry)} bytes, the limit is {self._largest}",
                hint="submit a short form of it as `Large`, with its whole bytes",
            )
            _answer(done, error)
        return fitting

    def _refusal(self) -> GlasshatchError | None:
        if self._halt.error is not None:
            return self._halt.error
        if self._closing:
            return Unavailable("the ledger is closed", hint="start the server again")
        if self._queued_bytes >= self._options.max_queue_bytes:
            return Unavailable("the ledger's queue is full", hint="the disk is too slow; try again later")
        return None

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                batch, self._queue = self._queue, []
                queued, self._queued_bytes = self._queued_bytes, 0
            if not batch:
                return
            for group in self._groups(batch, queued):
                self._commit(group)

    def _groups(self, batch: list[Item], queued: int) -> Iterator[list[Item]]:
        """A batch cut so that each group fits one frame: a frame is synced before the next is written.

        Blobs count as well: who comes behind many of them does not wait for all.
        """
        limit = self._options.group_bytes
        if queued <= limit:
            yield batch
            return
        start = size = 0
        for at, (entry, _) in enumerate(batch):
            cost = len(entry) + ENTRY_COST
            if isinstance(entry, Large):
                cost += len(entry.payload)
            if size and size + cost > limit:
                yield batch[start:at]
                start, size = at, 0
            size += cost
        yield batch[start:]

    def _commit(self, group: list[Item]) -> None:
        if self._halt.error is not None:
            _refuse(group, self._halt.error)
            return
        try:
            entries: list[Any] = [entry for entry, _ in group]
            if _any_large(group):
                group = self._with_blobs(group)
                entries = [entry.entry if isinstance(entry, Large) else entry for entry, _ in group]
            if not entries:
                return
            hashes = leaf_hashes(entries)
            flat = b"".join(hashes)
            bundle = encode_bundle(entries)
            segment, frame = self._wal.append(bundle, flat, self._clock.now_ns())
        except OSError as error:
            _refuse(group, self._halt.stop(unavailable(error, "make entries durable")))
            return
        except Exception as error:
            # Our own bug: nothing of the group is known to be durable, so nothing more may be. The thread
            # stays, because everybody who is still waiting must get the error as an answer.
            _refuse(group, self._halt.stop(Unavailable("the ledger stopped: internal error in its writer")))
            _show(error)
            return
        first = self.size
        # Known to the readers first: whoever sees the new size may read up to it.
        self._on_group(Group(segment, frame, flat, bundle, list(map(len, entries))))
        self.size = first + len(group)
        for at, (_, done) in enumerate(group):
            if done is not None:
                _answer(done, Receipt(first + at, hashes[at]))

    def _with_blobs(self, group: list[Item]) -> list[Item]:
        """The group once its blobs are durable; without those entries, if there is no space for blobs.

        Raises:
            OSError: The disk failed.
        """
        large = [(at, entry) for at, (entry, _) in enumerate(group) if isinstance(entry, Large)]
        try:
            self._blobs.put(self.size, large)
        except OSError as error:
            if error.errno not in FULL:
                raise
            refused = [item for item in group if isinstance(item[0], Large)]
            _refuse(refused, Unavailable("no space left to keep a large event", hint="free disk space"))
            return [item for item in group if not isinstance(item[0], Large)]
        return group


def _payload_bytes(items: Sequence[Item]) -> int:
    return sum(len(entry.payload) for entry, _ in items if isinstance(entry, Large))


def _any_large(items: Sequence[Item]) -> bool:
    """Whether one of them is: nearly never, so it is told without a step in Python for each."""
    return Large in map(type, map(_ENTRY, items))


def _refuse(group: Sequence[Item], error: GlasshatchError) -> None:
    for _, done in group:
        _answer(done, error)


def _answer(done: Done | None, result: Receipt | GlasshatchError) -> None:
    """Call back; an exception of the callee is shown, and must not keep others from their answer."""
    if done is None:
        return
    try:
        done(result)
    except Exception as error:
        _show(error)


def _show(error: Exception) -> None:
    with suppress(Exception):
        sys.stderr.write(f"glasshatch: a bug where the ledger answered: {place_of_bug(error)}\n")
