"""The feeds over one store of what was seen: how each is doing, what it remembers, what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from .parsed import SourceKind
from .remembering import Memories
from .seen import Seen
from .standing import Arrived, FeedStanding, after
from .taken import Delivery, Taken

Expects = Callable[[str], bool]
"""Whether what a feed's log has is expected by its webhook too."""


class Feeds:
    """Used by one thread at a time. What it changes is kept with the store's next note."""

    def __init__(self, seen: Seen, kinds: Mapping[str, SourceKind], expects: Expects) -> None:
        self._seen = seen
        self._expects = expects
        self._standings = seen.standings()
        self.memories = Memories(seen, kinds)

    def arrived(
        self, delivery: Delivery, taken: Sequence[Taken], fresh: Sequence[Taken], total: int, gaps: int
    ) -> None:
        """A part of a delivery was recorded: of so many items these were taken, and these are new."""
        good = [one for one in fresh if not one.problem]
        newest_ns = max((one.time_ns for one in good if not one.skewed), default=0)
        part = Arrived(
            now_ns=delivery.now_ns, live=not delivery.first_line, newest_ns=newest_ns, events=len(good),
            duplicates=total - len(fresh), quarantined=len(fresh) - len(good), gaps=gaps,
            problem=next((one.problem for one in fresh if one.problem), ""),
        )  # fmt: skip
        feed = f"{delivery.kind.name}/{delivery.name}"
        known = self._standings.get(feed) or FeedStanding(kind=delivery.kind.name, name=delivery.name)
        self._stand(after(known, part))
        if self._expects(feed):
            self._reconcile(feed, delivery, taken, good)

    def _reconcile(
        self, feed: str, delivery: Delivery, taken: Sequence[Taken], good: Sequence[Taken]
    ) -> None:
        """What a webhook brings is no more waited for; what only the log has is, since the webhook began.

        A fact of the log that is in the record already came by the webhook, or was told to be missing.
        """
        if not delivery.first_line:
            self._seen.came([one.completes or one.key for one in taken if one.key])
            return
        since_ns = self._standings[feed].first_live_ns
        facts = [
            (one.key, one.short)
            for one in good
            if one.key and not one.completes and one.time_ns >= since_ns > 0
        ]
        self._seen.wait_for(feed, facts, delivery.now_ns)

    def standings(self) -> list[FeedStanding]:
        """Every feed, by its name."""
        return [self._standings[feed] for feed in sorted(self._standings)]

    def tell_silent(self, feed: str, silent: bool) -> None:
        """It was told that a feed is silent, or that it came again; raises `Unavailable` if not noted."""
        self._stand(msgspec.structs.replace(self._standings[feed], silent=silent))
        self._seen.settle()

    def overdue(self, feed: str, before_ns: int, most: int) -> tuple[int, list[str]]:
        """How many facts the webhook has not brought since then, and the first of them."""
        return self._seen.overdue(feed, before_ns, most)

    def give_up(self, feed: str, before_ns: int) -> None:
        """Wait no longer for those."""
        self._seen.give_up(feed, before_ns)

    def _stand(self, standing: FeedStanding) -> None:
        self._standings[f"{standing.kind}/{standing.name}"] = standing
        self._seen.stand(standing)
