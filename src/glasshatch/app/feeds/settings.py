"""What the configuration says of a feed."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from .sections import FeedSection

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NEVER_NS = -1


class FeedSettings:
    """The sections, of which the first whose pattern fits a feed holds for it."""

    def __init__(self, sections: Mapping[str, FeedSection]) -> None:
        self._sections = dict(sections)

    def silent_ns(self, feed: str) -> int:
        """How long a feed may be quiet; 0 if nothing is said, below 0 for ever."""
        text = self._of(feed).silent
        return _NEVER_NS if text == "never" else _nanoseconds(text)

    def webhook_within_ns(self, feed: str) -> int:
        """How long after its log the webhook may bring an event; 0 if it need not."""
        return _nanoseconds(self._of(feed).webhook_within)

    def expects_webhook(self, feed: str) -> bool:
        """Whether what a feed's log has is expected by its webhook too."""
        return self.webhook_within_ns(feed) > 0

    def _of(self, feed: str) -> FeedSection:
        found = (one for pattern, one in self._sections.items() if fnmatch.fnmatchcase(feed, pattern))
        return next(found, FeedSection())


def _nanoseconds(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]] * 10**9 if text else 0
