"""The back's index behind the front's ledger: how far it is, beginning again, and live tails."""

from __future__ import annotations

import threading
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
_NEAR_ENTRIES = 10_000


class FollowedIndex:
    """An index that a follower keeps up to date.

    The ledger may be another than the index was made from, as after a restored backup. So it is asked
    for the last entry that is indexed first, and nothing is answered before that has been compared.
    """

    def __init__(self, index: Index, recorder: RemoteRecorder, hub: Hub) -> None:
        self._index = index
        self._recorder = recorder
        self._hub = hub
        self._compared = index.watermark == 0
        self._changing = threading.RLock()

    def watermark(self) -> int:
        """The entry that is wanted next; before the comparison, the one before it."""
        return self._index.watermark if self._compared else self._index.watermark - 1

    def apply(self, entries: Entries) -> None:
        """Index entries, then offer them to tails: what a tail shows can be searched."""
        with self._changing:
            if not self._compared and not self._same_ledger(entries):
                return
            if entries[0][0] > self._index.watermark:
                return  # begun again while these were on their way; the follower asks anew
            self._index.apply(entries)
        self._hub.publish(entries)

    def caught_up(self) -> IndexState:
        """Wait until what is durable now can be searched, two seconds at most; say how far it came.

        So whoever was told that something happened finds it, and a long backlog holds up nobody.
        """
        size = self._recorder.ledger_size()
        if not self._compared and self._index.watermark > size:
            self._forget()
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while (not self._compared or self._nearly(size)) and time.monotonic() < deadline_s:
            time.sleep(_STEP_SECONDS)
        if not self._compared:
            raise Unavailable("the index has not met its ledger yet", hint="try again in a moment")
        return IndexState(min(self._index.watermark, size), size)

    def _nearly(self, size: int) -> bool:
        """Whether something is missing, and so little that to wait for it makes sense."""
        return 0 < size - self._index.watermark <= _NEAR_ENTRIES

    def begin_again(self) -> int:
        """Forget the index; the follower fills it anew."""
        size = self._recorder.ledger_size()
        self._forget()
        return size

    def tail(self, wanted: Callable[[Event], bool]) -> HubTail:
        """Events as they are indexed."""
        return self._hub.tail(wanted)

    def _same_ledger(self, entries: Entries) -> bool:
        found = dict(entries)
        if self._index.follows(max(found) + 1, found.__getitem__):
            self._compared = True
        else:
            # The follower sees the watermark fall and begins again from entry 0.
            self._forget()
        return self._compared and self._index.watermark > 0

    def _forget(self) -> None:
        with self._changing:
            self._index.clear()
            self._compared = True


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
