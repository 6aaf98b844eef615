"""What ended lately, as one gateway knows it: for the sessions that are open, and for those about to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ...errors import GlasshatchError
from ...identity import Ending, Identity
from ..core import EndingSource

_UNTOLD = "it cannot be told any more whether it may go on"
_LOOKS = 1_000
"""How many looks are remembered: at four a second, longer than a login may take."""


class EndingWatch:
    """Belongs to the event loop's thread."""

    def __init__(self, source: EndingSource) -> None:
        self._source = source
        self._looks = 0
        self._past: deque[tuple[int, Sequence[Ending] | None]] = deque(maxlen=_LOOKS)
        self.fresh = False
        """Whether the last look found anything."""

    def look(self) -> None:
        """See what ended since the last look; if that cannot be told, all sessions have."""
        try:
            found = self._source.look()
        except GlasshatchError:
            found = None
        self._looks += 1
        self.fresh = found is None or len(found) > 0
        if self.fresh:
            self._past.append((self._looks, found))

    def mark(self) -> int:
        """This moment."""
        return self._looks

    def reason(self, actor: Identity) -> str:
        """Why a session of this identity is over, by the last look; or nothing."""
        return _reason(self._past[-1][1], actor)

    def ended_since(self, mark: int, actor: Identity) -> str:
        """The same, by every look since a moment."""
        for number, found in reversed(self._past):
            if number <= mark:
                break
            if reason := _reason(found, actor):
                return reason
        return ""


def _reason(found: Sequence[Ending] | None, actor: Identity) -> str:
    if found is None:
        return _UNTOLD
    return next((one.reason for one in found if one.ends(actor)), "")
