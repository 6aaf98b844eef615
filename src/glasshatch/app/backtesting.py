"""Rules over what the record holds already: how often would they have raised an alert?"""

from __future__ import annotations

import msgspec

from ..detect import MAX_GROUPS, Place, PublicRules, believed_time_ns
from ..detect.sigma import SigmaFolder
from ..errors import GlasshatchError
from ..events import decode


class BacktestResult(msgspec.Struct, frozen=True):
    """What a rule would have done. actors: about how many. first, last: nanoseconds since the epoch."""

    rule: str
    title: str
    level: str
    alerts: int
    actors: int
    first: str
    last: str


class _Count(msgspec.Struct):
    title: str
    alerts: int = 0
    actors: set[str] = msgspec.field(default_factory=set)
    first_ns: int = 0
    last_ns: int = 0


class Backtest:
    """Rules at work as in a server, whose alerts are only counted. For one thread."""

    def __init__(self, folder: SigmaFolder) -> None:
        self.events = 0
        self._levels = {one.rule: one.level for one in folder.every_rule()}
        self._rules = PublicRules(folder, MAX_GROUPS)
        self._counts: dict[str, _Count] = {}

    def take(self, ledger: str, index: int, data: bytes) -> None:
        """One entry, in order; what is no event is passed over."""
        try:
            event = decode(data)
        except GlasshatchError:
            return
        time_ns = believed_time_ns(event)
        seen = self._rules.look(msgspec.json.decode(data), event.source.kind)
        for found in self._rules.observe(seen, event, Place(ledger, index, self.events), time_ns):
            count = self._counts.setdefault(found.head.rule, _Count(found.head.title))
            count.alerts += 1
            count.actors.add(event.actor.id if event.actor else "")
            count.first_ns = min(count.first_ns or time_ns, time_ns)
            count.last_ns = max(count.last_ns, time_ns)
        self.events += 1

    def results(self) -> list[BacktestResult]:
        """What would have raised something, the loudest first."""
        counted = sorted(self._counts.items(), key=lambda item: (-item[1].alerts, item[0]))
        return [
            BacktestResult(
                rule, one.title, self._levels[rule], one.alerts, len(one.actors), str(one.first_ns),
                str(one.last_ns),
            )
            for rule, one in counted
        ]  # fmt: skip
