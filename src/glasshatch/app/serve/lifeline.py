"""A part's tie to its supervisor: it says ready once, and does not outlive it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

from .supervisor import GO_FD, LIFE_FD, READY_FD, RESTARTED

# One busy Python thread must not hold the loop for the default 5 ms (measured: 10 ms against 18 µs).
_SWITCH_SECONDS = 0.0001
_ORPHANED_CODE = 137
# What is loaded at the start stays, and a delivery makes many thousands of values, none in a cycle: with
# Python's own thresholds, looking for cycles took a sixth of the time of the intake.
_COLLECT_AFTER = (50_000, 20, 20)


class Lifeline:
    """Holds on to the supervisor's pipes; a part that is run by hand has none and lives on its own."""

    def __init__(self) -> None:
        os.umask(0o077)
        sys.setswitchinterval(_SWITCH_SECONDS)
        # A Ctrl-C in a terminal reaches the whole group; the supervisor alone decides what it means.
        self._supervised = READY_FD in os.environ
        self.served = False
        """Whether this part has said that it is ready."""
        if self._supervised:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # SIGHUP means "look at the policy", for the front alone and once it can.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            descriptor = int(os.environ[LIFE_FD])
            threading.Thread(target=_watch, args=(descriptor,), name="lifeline", daemon=True).start()

    @property
    def restarted(self) -> str:
        """How the process before this one ended, if it did unexpectedly."""
        return os.environ.get(RESTARTED, "")

    def wait(self) -> None:
        """Open nothing before the supervisor says so."""
        if self._supervised:
            descriptor = int(os.environ[GO_FD])
            if not os.read(descriptor, 1):
                os._exit(_ORPHANED_CODE)
            os.close(descriptor)

    def ready(self, word: str) -> None:
        """Tell the supervisor that this part serves, and where."""
        self.served = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        if self._supervised:
            descriptor = int(os.environ[READY_FD])
            os.write(descriptor, word.encode())
            os.close(descriptor)
        else:
            sys.stderr.write(f"ready: {word}\n")


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)
    # The supervisor is gone without a word, as after kill -9. What was acknowledged is durable, so to
    # end like it did is safe, and the directory's lock is free for the next start at once.
    os._exit(_ORPHANED_CODE)
