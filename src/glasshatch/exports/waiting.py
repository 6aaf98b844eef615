"""Entries that were read and not delivered yet, by ledger; bounded, in the order of each ledger."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

from ..errors import Conflict
from .cursor import Lane

Entry = tuple[int, bytes]


class Waiting:
    """What waits of one ledger."""

    def __init__(self, lane: Lane) -> None:
        self.entries: deque[Entry] = deque()
        self.bytes = 0
        self.since_ns = 0
        """When the oldest entry in here was read."""
        # The entry before the next one tells whether this is the ledger that the lane went through.
        self.uncompared = lane.last if lane.next else ""
        self.read = lane.next - bool(self.uncompared)
        """The entry that is to be read next."""
        self.foreign = False
        """Whether the ledger is another one than the lane's."""

    def add(self, index: int, data: bytes, now_ns: int) -> None:
        """Take the next entry; one that was read before is passed over.

        Raises:
            Conflict: An entry is missing in front of it.
        """
        if index < self.read or self.foreign:
            return
        if index > self.read:
            raise Conflict(f"entries leave a gap: {self.read} is next, not {index}")
        self.read = index + 1
        if self.uncompared:
            self.foreign = digest(data) != self.uncompared
            self.uncompared = ""
            return
        if not self.entries:
            self.since_ns = now_ns
        self.entries.append((index, data))
        self.bytes += len(data)

    def pruned_below(self, minimum: int) -> None:
        """Nothing below this entry is kept in the ledger any more, so nothing is compared there either."""
        if self.read < minimum:
            self.read, self.uncompared = minimum, ""
            self.entries.clear()
            self.bytes = 0

    def first(self, rows: int, most_bytes: int) -> int:
        """How many of the oldest entries make a parcel of at most so many rows and bytes; one at least."""
        if len(self.entries) <= rows and self.bytes <= most_bytes:
            return len(self.entries)
        count = size = 0
        for _, data in self.entries:
            size += len(data)
            if count and (count == rows or size > most_bytes):
                break
            count += 1
        return count

    def before(self, stop: int) -> list[Entry]:
        """The entries before this index; they stay in here."""
        found = []
        for entry in self.entries:
            if entry[0] >= stop:
                break
            found.append(entry)
        return found

    def drop(self, stop: int, now_ns: int) -> None:
        """The entries before this index were delivered."""
        while self.entries and self.entries[0][0] < stop:
            self.bytes -= len(self.entries.popleft()[1])
        self.since_ns = now_ns


def digest(data: bytes) -> str:
    """By what an entry is known again."""
    return hashlib.sha256(data).hexdigest()


Chosen = Callable[[str], bool]
"""Whether a ledger is exported."""
