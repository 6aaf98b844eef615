"""How each feed is doing: when it came, how much, how fast, and what was wrong. Derived, like the keys."""

from __future__ import annotations

from typing import Final

import msgspec

MINUTE_NS: Final = 60 * 10**9
_LEAST_SILENCE_NS = 60 * MINUTE_NS
_TIMES_THE_USUAL = 10
_LEARNED_FROM = 10
_SMOOTHING = 8


class FeedStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A feed, as far as its deliveries tell. Times are nanoseconds since the epoch, 0 for never.

    live: deliveries that came by themselves and not out of a file, and since when. usual_ns: how long it is
    from one of them to the next, smoothed. newest: the latest time of an event. behind_ns: how old the newest
    event of the last delivery was when it came. minute, in_minute, before: events in this minute of the clock
    and in the one before. silent: whether its silence was told.
    """

    kind: str
    name: str
    first_ns: int = 0
    last_ns: int = 0
    live: int = 0
    first_live_ns: int = 0
    last_live_ns: int = 0
    usual_ns: int = 0
    newest_ns: int = 0
    behind_ns: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    problem: str = ""
    minute: int = 0
    in_minute: int = 0
    before: int = 0
    silent: bool = False

    def rate(self, now_ns: int) -> float:
        """Events a second over the last one or two minutes."""
        minute = now_ns // MINUTE_NS
        spent_s = max((now_ns % MINUTE_NS) / 10**9, 1.0)
        if self.minute == minute:
            return (self.before + self.in_minute) / ((60.0 if self.before else 0.0) + spent_s)
        return self.in_minute / (60.0 + spent_s) if self.minute == minute - 1 else 0.0

    def may_be_quiet_ns(self, configured_ns: int) -> int:
        """How long it may be quiet before that is told; 0 for ever.

        Args:
            configured_ns: What the configuration says: 0 for nothing, below 0 for never.
        """
        if configured_ns < 0 or not self.live:
            return 0
        if configured_ns:
            return configured_ns
        learned = self.live >= _LEARNED_FROM
        return max(_LEAST_SILENCE_NS, _TIMES_THE_USUAL * self.usual_ns) if learned else 0


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a delivery: when, whether by itself, and what became of it."""

    now_ns: int
    live: bool
    newest_ns: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    problem: str = ""


def after(standing: FeedStanding, part: Arrived) -> FeedStanding:
    """The standing of a feed after a part of a delivery."""
    now_ns, minute = part.now_ns, part.now_ns // MINUTE_NS
    same, next_one = standing.minute == minute, standing.minute == minute - 1
    usual_ns = standing.usual_ns
    if part.live and standing.last_live_ns:
        usual_ns += (now_ns - standing.last_live_ns - usual_ns) // _SMOOTHING
    return msgspec.structs.replace(
        standing,
        first_ns=standing.first_ns or now_ns, last_ns=now_ns, live=standing.live + part.live,
        first_live_ns=standing.first_live_ns or (now_ns if part.live else 0),
        last_live_ns=now_ns if part.live else standing.last_live_ns, usual_ns=usual_ns,
        newest_ns=max(standing.newest_ns, part.newest_ns),
        behind_ns=max(0, now_ns - part.newest_ns) if part.newest_ns else standing.behind_ns,
        events=standing.events + part.events, duplicates=standing.duplicates + part.duplicates,
        quarantined=standing.quarantined + part.quarantined, gaps=standing.gaps + part.gaps,
        problem=part.problem or standing.problem, minute=minute,
        in_minute=part.events + (standing.in_minute if same else 0),
        before=standing.before if same else standing.in_minute if next_one else 0,
    )  # fmt: skip
