"""Fail-stop: the first failure of the disk ends all recording, and is never retried."""

from __future__ import annotations

import threading

from ..errors import GlasshatchError


class Halt:
    """Remembers the first error; the threads of a ledger look at it before they acknowledge anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.error: GlasshatchError | None = None

    def stop(self, error: GlasshatchError) -> GlasshatchError:
        """Halt because of `error`, unless already halted; returns the error that counts."""
        with self._lock:
            if self.error is None:
                self.error = error
            return self.error

    def check(self) -> None:
        """Raise the error that halted the ledger, if any."""
        if self.error is not None:
            raise self.error
