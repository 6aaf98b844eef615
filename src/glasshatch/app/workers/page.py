"""The page of memory that a server's processes share: what changed, and how many sessions there are.

Words of 64 bits, each written by one process only. The first counts changes of what people may; behind it
stand how many sessions each worker has, and how often its sessions changed tables. It lies in `run/`, is made
anew at each start of the front, and holds no truth.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

MAX_WORKERS = 63
"""What fits into the process number of a cancel key, which has a sign."""
_BYTES = 8 * (1 + 2 * MAX_WORKERS)


class Page:
    """One process's view of it."""

    def __init__(self, path: Path, workers: int, *, create: bool = False) -> None:
        """Map the page of so many workers; `create` is the front's, before any worker is let go.

        Raises:
            OSError: It is not there, or cannot be made.
        """
        if create:
            # A new file: a worker that still holds the old one belongs to a front that is gone.
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(bytes(_BYTES))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _BYTES)
        # An aligned word is written and read whole on every processor that CPython runs on.
        self._words = memoryview(self._memory).cast("Q")
        self._sessions = self._words[1 : 1 + workers]
        self._tables = self._words[1 + MAX_WORKERS : 1 + MAX_WORKERS + workers]

    @property
    def changes(self) -> int:
        """How often something changed."""
        return self._words[0]

    def count_change(self) -> None:
        """Something changed, and whoever asks the front from now on is told; the front only."""
        self._words[0] += 1

    def sessions_but(self, worker: int) -> int:
        """How many sessions the other workers have."""
        return sum(self._sessions) - self._sessions[worker - 1]

    def set_sessions(self, worker: int, count: int) -> None:
        """How many sessions a worker has; its own doing, and the front's once the worker is gone."""
        self._sessions[worker - 1] = count

    def table_changes_but(self, worker: int) -> int:
        """How often sessions of the other workers changed tables."""
        return sum(self._tables) - self._tables[worker - 1]

    def count_table_change(self, worker: int) -> None:
        """A session of this worker changed tables."""
        self._tables[worker - 1] += 1
