"""What a recorder does now and then, whether the server answers or not: disk, windows, policy."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .sifting import Sieve
from .spool import Spool

_PAUSE_SECONDS = 1.0


class Keeper:
    """One background thread for one spool. It sleeps while nothing is recorded and nothing is due."""

    def __init__(self, spool: Spool, sieve: Sieve, problem: Callable[[str], None]) -> None:
        self._spool = spool
        self._sieve = sieve
        self._problem = problem
        self._told = ""
        self._stirred = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="glasshatch-keeper", daemon=True)
        self._thread.start()

    def stir(self) -> None:
        """Something was recorded: it is on the disk a second later. Cheap where that is known already."""
        if not self._stirred.is_set():
            self._stirred.set()

    def stop(self, timeout_s: float) -> bool:
        """End; False if a disk takes longer than so."""
        self._stopping.set()
        self.stir()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            due_s = self._work()
            if self._stirred.wait(due_s):
                # More will come, and once a second is enough for all of it.
                self._stopping.wait(_PAUSE_SECONDS)
                self._stirred.clear()

    def _work(self) -> float | None:
        try:
            self._spool.sync()
            return self._sieve.work()
        except Exception as error:
            # A thread that ends would leave windows untold; whatever it is may be over in a second.
            text = f"counts cannot be written: {type(error).__name__}"
            if text != self._told:
                self._told = text
                self._problem(text)
            return _PAUSE_SECONDS
