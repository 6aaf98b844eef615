"""Taking events of other systems in, at the desk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...api.feed_values import ReceiverView, SourceView
from ...api.values import IntakeResult
from ...errors import ConfigError
from ...identity import Identity
from ...sources import FeedStanding, decode_body
from ..feeds.planning import ReceiverStanding
from ..house import House

_NAME_CHARACTERS = 200
_OPTION_CHARACTERS = 1_000


class IntakePart:
    """The desk's way in for feeds. Who may deliver is said by the token's scope, `ingest:SOURCE/NAME`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def ingest(
        self,
        caller: Identity,
        source: str,
        name: str,
        body: bytes,
        encoding: str = "",
        file: str = "",
        line: int = 0,
        options: Sequence[str] = (),
    ) -> IntakeResult:
        """Take a delivery; every item of it is durable, as an event or quarantined, when this returns."""
        if len(name) > _NAME_CHARACTERS or not name.isprintable():
            raise ConfigError(
                "the source's name is not acceptable", key="name", hint="a short printable text"
            )
        # The instance's name is kept, so what is personal in it is taken out like elsewhere. Of the file's
        # name only a digest is.
        (name,) = self._house.redactor.texts([name])
        taken = self._house.intake.take(
            source, name, decode_body(body, encoding), caller.as_actor(), file=file, first_line=line,
            options=_read_options(options),
        )  # fmt: skip
        return msgspec.convert(taken, IntakeResult, from_attributes=True)

    def list_sources(self, caller: Identity) -> list[SourceView]:
        """Every feed that ever delivered, or that a receiver waits for; holds nothing of the record's
        content: no read of it."""
        receivers: dict[str, list[ReceiverStanding]] = {}
        for one in self._house.receivers():
            receivers.setdefault(f"{one.listening.kind}/{one.listening.name}", []).append(one)
        standings = {
            feed: FeedStanding(kind=feed.partition("/")[0], name=feed.partition("/")[2]) for feed in receivers
        }
        if self._house.has_feeds:
            with self._house.intake.feeds() as feeds:
                standings |= {f"{one.kind}/{one.name}": one for one in feeds.standings()}
        now_ns = self._house.clock.now_ns()
        return [
            self._feed_view(standings[feed], receivers.get(feed, ()), now_ns) for feed in sorted(standings)
        ]

    def _feed_view(self, one: FeedStanding, receivers: Sequence[ReceiverStanding], now_ns: int) -> SourceView:
        feed = f"{one.kind}/{one.name}"
        problem = next((receiver.problem for receiver in receivers if receiver.problem), one.problem)
        return SourceView(
            source=one.kind, name=one.name, state=_state(one), ledger=self._house.streams.of_feed(feed),
            last_event=_text(one.newest_ns), last_delivery=_text(one.last_ns),
            lag_seconds=f"{one.behind_ns / 10**9:.3f}", rate=f"{one.rate(now_ns):.2f}", events=one.events,
            duplicates=one.duplicates, quarantined=one.quarantined, gaps=one.gaps, error=problem,
            receivers=tuple(map(_receiver_view, receivers)),
        )  # fmt: skip


def _state(one: FeedStanding) -> str:
    if not one.last_ns:
        return "listening"
    return "silent" if one.silent else "live" if one.live else "file"


def _receiver_view(one: ReceiverStanding) -> ReceiverView:
    return ReceiverView(
        protocol=one.listening.protocol, address=one.listening.address, connections=one.connections,
        received=one.received, refused=one.refused, lost=one.lost, problem=one.problem,
    )  # fmt: skip


def _text(moment_ns: int) -> str:
    return str(moment_ns) if moment_ns else ""


def _read_options(given: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name or len(one) > _OPTION_CHARACTERS:
            raise ConfigError(
                "an option is name=value", key="option", hint="as in option=timezone=Europe/Rome"
            )
        options[name] = value
    return options
