"""Entries of several ledgers in one order: of each in its own, and between them by time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

Entry = tuple[str, int, bytes]
"""A ledger, the index there, the entry's bytes."""

_AHEAD_ENTRIES = 1_000
MOST_BYTES = 16 * 2**20
"""Of entries at once, so that a frame of the link holds them however large each is."""


class Entries(Protocol):
    """A ledger, as far as it is followed."""

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]: ...


class _When(msgspec.Struct):
    time: str = "0"
    observed_time: str = ""


_when = msgspec.json.Decoder(_When).decode


class _Waiting:
    """What is read of a ledger and not given yet; `next` is the index that is given next."""

    def __init__(self, start: int) -> None:
        self.next = start
        self.read: deque[tuple[int, bytes]] = deque()
        self._last_ns = 0

    def fill(self, ledger: Entries, size: int) -> None:
        """Read on, if nothing is left and something is there."""
        if not self.read and self.next < size:
            self.read.extend(itertools.islice(ledger.scan(self.next, size), _AHEAD_ENTRIES))

    def time_ns(self) -> int:
        """When the next entry was recorded, as far as it says so; never before the one before it."""
        self._last_ns = max(self._last_ns, _recorded_ns(self.read[0][1]))
        return self._last_ns

    def give(self) -> tuple[int, bytes]:
        entry = self.read.popleft()
        self.next = entry[0] + 1
        return entry


class Merge:
    """One follower's way through all ledgers."""

    def __init__(self, starts: Mapping[str, int]) -> None:
        """`starts` is where each ledger begins; one that is not named begins at 0."""
        self._waiting = {name: _Waiting(start) for name, start in starts.items()}
        self._left_bytes = 0

    def positions(self, names: Sequence[str] | Mapping[str, int]) -> dict[str, int]:
        """Where each of these ledgers goes on."""
        return {name: self._of(name).next for name in names}

    def take(
        self,
        ledgers: Sequence[tuple[str, Entries]],
        sizes: Mapping[str, int],
        limit: int,
        most_bytes: int = MOST_BYTES,
    ) -> list[Entry]:
        """The next entries, at most `limit`; of ledgers that all have some, the earliest first.

        They hold `most_bytes` at most, but for the last one.

        The order is the same however often the following breaks off, for what is durable by then. An entry
        that becomes durable later comes later, whatever its time.
        """
        taken: list[Entry] = []
        self._left_bytes = most_bytes
        open_ones = [(name, ledger, self._of(name)) for name, ledger in ledgers]
        while len(taken) < limit and self._left_bytes > 0:
            for name, ledger, waiting in open_ones:
                waiting.fill(ledger, sizes[name])
            ready = [(name, waiting) for name, _, waiting in open_ones if waiting.read]
            if not ready:
                break
            self._take_from(ready, taken, limit)
        return taken

    def _take_from(self, ready: list[tuple[str, _Waiting]], taken: list[Entry], limit: int) -> None:
        """Until one of them has to be read on."""
        if len(ready) == 1:
            ((name, waiting),) = ready
            while waiting.read and len(taken) < limit and self._left_bytes > 0:
                self._give(name, waiting, taken)
            return
        while len(taken) < limit and self._left_bytes > 0 and all(waiting.read for _, waiting in ready):
            name, waiting = min(ready, key=lambda one: one[1].time_ns())
            self._give(name, waiting, taken)

    def _give(self, name: str, waiting: _Waiting, taken: list[Entry]) -> None:
        index, data = waiting.give()
        self._left_bytes -= len(data)
        taken.append((name, index, data))

    def _of(self, name: str) -> _Waiting:
        return self._waiting.setdefault(name, _Waiting(0))


def _recorded_ns(data: bytes) -> int:
    try:
        when = _when(data)
        return int(when.observed_time or when.time)
    except (msgspec.DecodeError, ValueError):
        return 0  # no event that this version reads: it stays behind the one before it
