"""The watch over the feeds: tells when one falls silent or comes again, and what a webhook left out.

What is told is recorded first and noted then: a crash in between tells it twice, and never not at all.
"""

from __future__ import annotations

import asyncio

from ...errors import GlasshatchError
from ...events import Outcome, Resource
from ...sources import Feeds, FeedStanding
from ..house import House

_EVERY_SECONDS = 5.0
_NAMED_FACTS = 20


async def watch_feeds(house: House) -> None:
    """Look at the feeds for ever; what cannot be recorded now is told the next time."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await asyncio.to_thread(look_at_feeds, house)
        except GlasshatchError:
            if house.ledgers.error is not None:
                return


def look_at_feeds(house: House) -> None:
    """Tell what there is to tell now."""
    if not house.has_feeds:
        return  # to open the store of what was seen costs a scan of the record
    with house.intake.feeds() as feeds:
        for standing in feeds.standings():
            feed = f"{standing.kind}/{standing.name}"
            _tell_silence(house, feeds, feed, standing)
            if within_ns := house.feeds.webhook_within_ns(feed):
                _tell_missing(house, feeds, feed, standing, house.clock.now_ns() - within_ns)


def _tell_silence(house: House, feeds: Feeds, feed: str, standing: FeedStanding) -> None:
    allowed_ns = standing.may_be_quiet_ns(house.feeds.silent_ns(feed))
    quiet_ns = house.clock.now_ns() - standing.last_live_ns
    silent = bool(allowed_ns) and quiet_ns > allowed_ns
    if silent == standing.silent:
        return
    reason = f"nothing came for {quiet_ns // 10**9} s" if silent else "deliveries come again"
    _note(
        house, "source.silent" if silent else "source.resumed", standing, reason,
        {"last_delivery": str(standing.last_live_ns), "allowed_seconds": allowed_ns // 10**9},
    )  # fmt: skip
    feeds.tell_silent(feed, silent)


def _tell_missing(house: House, feeds: Feeds, feed: str, standing: FeedStanding, before_ns: int) -> None:
    count, facts = feeds.overdue(feed, before_ns, _NAMED_FACTS)
    if count:
        reason = f"{count} event{'s' * (count != 1)} of the log did not come by the webhook"
        _note(house, "source.missing", standing, reason, {"count": count, "facts": facts})
        feeds.give_up(feed, before_ns)


def _note(house: House, action: str, standing: FeedStanding, reason: str, attrs: dict[str, object]) -> None:
    feed = f"{standing.kind}/{standing.name}"
    resumed = action == "source.resumed"
    house.note(
        action, outcome=Outcome(status="success" if resumed else "failure", reason=reason),
        resource=Resource(type="source", id=feed, name=standing.name), attrs=attrs,
    )  # fmt: skip
