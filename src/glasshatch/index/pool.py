"""A few connections for questions: each is a place for one, so no more than these run at once."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import Unavailable

READERS = 3
_PATIENCE_SECONDS = 10.0


class Readers:
    """Connections that are lent to one question each; inserting never waits for any of them."""

    def __init__(self, connect: Callable[[], Any], *, renewed: bool) -> None:
        """Open them; what `connect` raises is passed on, and those that were open are closed.

        Args:
            renewed: A connection whose question failed is closed and another one opened in its place.
        """
        self._idle: queue.Queue[Any] = queue.Queue()
        self._connect = connect
        self._renewed = renewed
        self._closed = False
        try:
            for _ in range(READERS):
                self._idle.put(connect())
        except BaseException:
            self.close(self._idle.qsize())
            raise

    @contextlib.contextmanager
    def one(self) -> Iterator[Any]:
        """A connection for one question.

        Raises:
            Unavailable: All were in use for ten seconds, or they are closed.
        """
        if self._closed:
            raise Unavailable("the index is closed")
        try:
            connection = self._idle.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise Unavailable("too many questions are asked at once", hint="try again in a moment") from None
        try:
            connection = self._connect() if connection is None else connection
            yield connection
        except BaseException:
            if self._renewed and connection is not None:
                connection.close()
                connection = None
            raise
        finally:
            self._idle.put(connection)

    def close(self, count: int = READERS) -> None:
        """Close each as soon as its question is answered."""
        self._closed = True
        for _ in range(count):
            connection = self._idle.get()
            if connection is not None:
                connection.close()
