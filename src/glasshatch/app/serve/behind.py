"""The back's index behind the front's ledgers: how far it is, beginning again, and live tails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

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

    A ledger may be another than the index was made from, as after a restored backup. So each is asked for
    its last entry that is indexed first, and nothing is answered before that has been compared.
    """

    def __init__(self, index: Index, recorder: RemoteRecorder, hub: Hub) -> None:
        self._index = index
        self._recorder = recorder
        self._hub = hub
        self._known: set[str] | None = None
        self._changing = threading.RLock()

    @property
    def _uncompared(self) -> set[str]:
        """Ledgers with rows that were not compared yet; first asked for when the index can be reached."""
        known = self._known
        if known is None:
            with self._changing:
                known = self._known = self._with_rows()
        return known

    def watermarks(self) -> dict[str, int]:
        """The entries that are wanted next; before a ledger's comparison, the one before that.

        Raises:
            Unavailable: The index is on a server, and that is away.
        """
        uncompared = self._uncompared
        return {name: mark - (name in uncompared) for name, mark in self._index.watermarks.items()}

    def apply(self, entries: Entries) -> None:
        """Index entries, then offer them to tails: what a tail shows can be searched."""
        with self._changing:
            if not self._same_ledgers(entries):
                return
            marks = self._index.watermarks
            firsts = {ledger: index for ledger, index, _ in reversed(entries)}
            if any(first > marks.get(ledger, 0) for ledger, first in firsts.items()):
                return  # begun again while these were on their way; the follower asks anew
            self._index.apply_all(entries)
        self._hub.publish(entries)

    def prune(self, minimums: Mapping[str, int]) -> None:
        """Nothing below these entries is kept any more."""
        with self._changing:
            self._index.prune(minimums)
            # Of whom nothing is left, there is nothing to compare.
            self._known = self._uncompared & self._with_rows()

    def _with_rows(self) -> set[str]:
        minimums = self._index.minimums
        return {name for name, mark in self._index.watermarks.items() if mark > minimums.get(name, 0)}

    def caught_up(self) -> IndexState:
        """Wait until what is durable now can be searched, two seconds at most; say how far it came.

        So whoever was told that something happened finds it, and a long backlog holds up nobody.
        """
        sizes = self._recorder.sizes()
        if any(mark > sizes.get(name, 0) for name, mark in self._index.watermarks.items()):
            self._forget_if_uncompared()
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while (self._uncompared or self._nearly(sizes)) and time.monotonic() < deadline_s:
            time.sleep(_STEP_SECONDS)
        if self._uncompared:
            raise Unavailable("the index has not met its ledger yet", hint="try again in a moment")
        marks = self._index.watermarks
        positions, each = (marks, sizes) if len(sizes) > 1 else ({}, {})
        return IndexState(self._indexed(sizes), sum(sizes.values()), positions, self._index.minimums, each)

    def _indexed(self, sizes: Mapping[str, int]) -> int:
        marks = self._index.watermarks
        return sum(min(marks.get(name, 0), size) for name, size in sizes.items())

    def _nearly(self, sizes: Mapping[str, int]) -> bool:
        """Whether something is missing, and so little that to wait for it makes sense."""
        return 0 < sum(sizes.values()) - self._indexed(sizes) <= _NEAR_ENTRIES

    def begin_again(self) -> int:
        """Forget the index; the follower fills it anew."""
        size = sum(self._recorder.sizes().values())
        self._forget()
        return size

    def tail(self, wanted: Callable[[Event], bool]) -> HubTail:
        """Events as they are indexed."""
        return self._hub.tail(wanted)

    def _same_ledgers(self, entries: Entries) -> bool:
        """Compare the ledgers that were not compared yet and have entries here; False after a forgetting."""
        for name in self._uncompared & {ledger for ledger, _, _ in entries}:
            found = {index: data for ledger, index, data in entries if ledger == name}
            if not self._index.follows(max(found) + 1, found.__getitem__, name):
                # The follower sees the watermarks fall and begins again from the first entries.
                self._forget()
                return False
            self._uncompared.discard(name)
        return True

    def _forget_if_uncompared(self) -> None:
        """An index that is ahead of a ledger is of another one; a ledger only grows while it is followed."""
        with self._changing:
            if self._uncompared:
                self._forget()

    def _forget(self) -> None:
        with self._changing:
            self._index.clear()
            self._known = set()


def has_read_all(watermarks: Callable[[], Mapping[str, int]], recorder: RemoteRecorder) -> Callable[[], bool]:
    """Whether a consumer has read everything that was durable when this was first asked."""
    goal: dict[str, int] = {}

    def read_all() -> bool:
        if not goal:
            try:
                goal.update(recorder.sizes())
            except Unavailable:
                return False
        marks = watermarks()
        return all(marks.get(name, 0) >= size for name, size in goal.items())

    return read_all
