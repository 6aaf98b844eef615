"""How guessing is slowed: each failure behind the first few doubles the wait, for an account and an address.

Pure arithmetic over what is kept of failures; who keeps it, and for whom, is the caller's business.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

FREE_FAILURES: Final = 5
MOST_WAIT_SECONDS: Final = 900
FORGOTTEN_AFTER_NS: Final = 24 * 3_600 * 1_000_000_000
_SECOND_NS = 1_000_000_000


class Failures(msgspec.Struct, frozen=True):
    """How often somebody failed in a row, and when last."""

    count: int = 0
    last_ns: int = 0

    def one_more(self, now_ns: int) -> Failures:
        """After a further failure; what lies a day back does not count any more."""
        return Failures((0 if self.forgotten(now_ns) else self.count) + 1, now_ns)

    def forgotten(self, now_ns: int) -> bool:
        """Whether the last one is so long ago that it does not count."""
        return now_ns - self.last_ns > FORGOTTEN_AFTER_NS

    def wait_ns(self, now_ns: int) -> int:
        """How long nothing is looked at yet; 0 if the next attempt may come now.

        A clock that was put back makes nobody wait longer than from now on anew.
        """
        if self.forgotten(now_ns):
            return 0
        since_ns = max(now_ns - self.last_ns, 0)
        return max(penalty_seconds(self.count) * _SECOND_NS - since_ns, 0)


def penalty_seconds(failures: int) -> int:
    """The wait behind so many failures in a row: nothing, 1, 2, 4 ... seconds, at most 15 minutes."""
    over = failures - FREE_FAILURES
    return 0 if over < 0 else min(1 << min(over, 20), MOST_WAIT_SECONDS)


class FailureBook:
    """Failures by name, in bounded memory; the one that is longest ago goes first. Not thread-safe."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._kept: OrderedDict[str, Failures] = OrderedDict()

    def of(self, name: str) -> Failures:
        """What is known of this one."""
        return self._kept.get(name, Failures())

    def fail(self, name: str, now_ns: int) -> Failures:
        """Count one more failure; what is known then."""
        self._kept[name] = found = self.of(name).one_more(now_ns)
        self._kept.move_to_end(name)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def restore(self, name: str, before: Failures) -> None:
        """The last one was none: what was known before it holds."""
        if before.count and name in self._kept:
            self._kept[name] = before
        else:
            self._kept.pop(name, None)

    def __len__(self) -> int:
        return len(self._kept)
