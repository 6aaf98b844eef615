"""When an open session is due for something whatever its two sides do: a sign of life, or its end."""

from __future__ import annotations

from typing import Literal

NEVER_NS = 1 << 62
"""A time that does not come."""

Due = Literal["alive", "idle", "over"]


class Lifetime:
    """The times of one session, on the monotonic clock; 0 as a length means without bound.

    `due_ns` is the earliest moment at which `due` has something to say. It is cheap to keep and may be
    early: activity moves a deadline without anybody being told, and the next look finds the new one.
    """

    __slots__ = (
        "_alive_ns",
        "_heartbeat_ns",
        "_idle_at_ns",
        "_idle_ns",
        "_over_ns",
        "_seq",
        "active_ns",
        "due_ns",
    )

    def __init__(self) -> None:
        self.due_ns = NEVER_NS
        self.active_ns = 0
        """When the client last asked, or was last answered."""
        self._heartbeat_ns = self._idle_ns = 0
        self._alive_ns = self._idle_at_ns = self._over_ns = NEVER_NS
        self._seq = -1

    def begin(self, now_ns: int, *, heartbeat_ns: int = 0, idle_ns: int = 0, session_ns: int = 0) -> None:
        """The session is open from now on."""
        self.active_ns = now_ns
        self._heartbeat_ns, self._idle_ns = heartbeat_ns, idle_ns
        self._alive_ns = now_ns + heartbeat_ns if heartbeat_ns else NEVER_NS
        self._idle_at_ns = now_ns + idle_ns if idle_ns else NEVER_NS
        self._over_ns = now_ns + session_ns if session_ns else NEVER_NS
        self._set_due()

    def due(self, now_ns: int, seq: int, *, idle: bool) -> Due | None:
        """What is due now, at most one thing.

        Args:
            seq: How many events of the session were recorded; while that grows, no sign of life is needed.
            idle: Whether nothing runs and nothing is waited for but the client.
        """
        if now_ns < self.due_ns:
            return None
        found: Due | None = None
        if now_ns >= self._over_ns:
            found = "over"
        elif now_ns >= self._idle_at_ns:
            self._idle_at_ns = (self.active_ns if idle else now_ns) + self._idle_ns
            found = "idle" if now_ns >= self._idle_at_ns else None
        if found is None and now_ns >= self._alive_ns:
            self._alive_ns = now_ns + self._heartbeat_ns
            found = "alive" if seq == self._seq else None
            # The sign of life is an event itself.
            self._seq = seq + (found is not None)
        self._set_due()
        return found

    def _set_due(self) -> None:
        self.due_ns = min(self._alive_ns, self._idle_at_ns, self._over_ns)
