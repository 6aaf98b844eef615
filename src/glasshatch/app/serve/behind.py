"""The back's index behind the front's ledger: how far it is, beginning again, and live tails."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...api.values import IndexState
from ...errors import Unavailable
from ...events import Event
from ...index import Index
from .hub import Hub, HubTail
from .link import Entries, RemoteRecorder

_PATIENCE_SECONDS = 2.0
_STEP_SECONDS = 0.01


class FollowedIndex:
    """An index that a follower keeps up to date."""

    def __init__(self, index: Index, recorder: RemoteRecorder, hub: Hub) -> None:
        self._index = index
        self._recorder = recorder
        self._hub = hub

    def apply(self, entries: Entries) -> None:
        """Index entries, then offer them to tails: what a tail shows can be searched."""
        self._index.apply(entries)
        self._hub.publish(entries)

    def caught_up(self) -> IndexState:
        """Wait until what is durable now can be searched, two seconds at most; say how far it came.

        So whoever was told that something happened finds it, and a long backlog holds up nobody.
        """
        size = self._recorder.ledger_size()
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while self._index.watermark < size and time.monotonic() < deadline_s:
            time.sleep(_STEP_SECONDS)
        return IndexState(min(self._index.watermark, size), size)

    def begin_again(self) -> int:
        """Forget the index; the follower fills it anew."""
        size = self._recorder.ledger_size()
        self._index.clear()
        return size

    def tail(self, wanted: Callable[[Event], bool]) -> HubTail:
        """Events as they are indexed."""
        return self._hub.tail(wanted)


def has_read_all(watermark: Callable[[], int], recorder: RemoteRecorder) -> Callable[[], bool]:
    """Whether a consumer has read everything that was durable when this was first asked."""
    goal: list[int] = []

    def read_all() -> bool:
        if not goal:
            try:
                goal.append(recorder.ledger_size())
            except Unavailable:
                return False
        return watermark() >= goal[0]

    return read_all
