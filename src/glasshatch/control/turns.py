"""Many at a time, or one alone: transactions share the store, a change of its key has it for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who shares may share again inside; whoever wants to be alone waits for the others, and they for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._alone = False
        self._mine = threading.local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """One of many."""
        depth = getattr(self._mine, "depth", 0)
        # Whoever is in already goes on, or it and the one who waits to be alone would wait for each other.
        if not depth:
            with self._changed:
                while self._alone:
                    self._changed.wait()
                self._sharing += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            if not depth:
                with self._changed:
                    self._sharing -= 1
                    self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With nobody else in; this thread may share inside."""
        with self._changed:
            while self._alone:
                self._changed.wait()
            self._alone = True
            while self._sharing:
                self._changed.wait()
        self._mine.depth = 1
        try:
            yield
        finally:
            self._mine.depth = 0
            with self._changed:
                self._alone = False
                self._changed.notify_all()
