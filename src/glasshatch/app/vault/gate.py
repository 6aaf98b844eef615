"""Who may be where at once: any number of sealings on their way to the ledger, or one erasure alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import Unavailable

_PATIENCE_SECONDS = 30.0


class Gate:
    """Counts sealed events between their vault rows and the ledger's answer; shuts for an erasure.

    So whatever was sealed under a key that is destroyed stands in the ledger before the erasure does.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._shut = False

    def enter(self, count: int) -> None:
        """Let so many events in.

        Raises:
            Unavailable: An erasure takes too long.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: not self._shut, _PATIENCE_SECONDS):
                raise Unavailable("an erasure runs, and nothing can be sealed", hint="deliver it again")
            self._inside += count

    def leave(self, count: int = 1) -> None:
        """So many events have their answer, whatever it is."""
        with self._condition:
            self._inside -= count
            if not self._inside:
                self._condition.notify_all()

    @property
    def empty(self) -> bool:
        """Whether nothing sealed is on its way."""
        with self._condition:
            return not self._inside

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing sealed is on its way, and nobody else is here, while the block runs.

        Raises:
            Unavailable: That did not come about in time.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: not self._shut, _PATIENCE_SECONDS):
                raise Unavailable("another erasure or hold is being settled", hint="give the command again")
            self._shut = True
            if not self._condition.wait_for(lambda: not self._inside, _PATIENCE_SECONDS):
                self._open()
                raise Unavailable("the ledger does not acknowledge", hint="look at the disk under it")
        try:
            yield
        finally:
            with self._condition:
                self._open()

    def _open(self) -> None:
        self._shut = False
        self._condition.notify_all()
