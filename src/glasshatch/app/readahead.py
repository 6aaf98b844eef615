"""Entries for an index that is made at rest: read and made into rows while those before are inserted."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..index import Index, Made, batches
from .serve.merging import Merge

if TYPE_CHECKING:
    from .house import House


_AHEAD_BYTES = 48 * 2**20


class ReadAhead:
    """The way through a house's ledgers from an index's watermarks on; one step ahead at most."""

    def __init__(self, house: House, index: Index) -> None:
        self._house = house
        self._index = index
        self._merge = Merge(index.watermarks)
        self._pool = ThreadPoolExecutor(1, "read-ahead")
        self._next: Future[list[Made]] | None = None

    @property
    def begun(self) -> bool:
        """Whether a step is on its way, or done and not taken yet."""
        return self._next is not None

    def begin(self, entries: int) -> None:
        """Read so many entries of what is durable now, at most."""
        if self._next is None:
            self._next = self._pool.submit(self._read, entries)

    def take(self) -> list[Made]:
        """What was begun, in pieces for `Index.apply_made`; nothing at the end. Raises what that raised."""
        following, self._next = self._next, None
        return following.result() if following is not None else []

    def close(self) -> None:
        """Let go of what was read and not taken."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, entries: int) -> list[Made]:
        ledgers = self._house.ledgers
        found = self._merge.take(ledgers.items(), ledgers.sizes(), entries, _AHEAD_BYTES)
        return [self._index.made(batch) for batch in batches(found)]
