"""Search and alerts over a directory that no server holds: index and detection catch up when asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from ..api.ports import Tail
from ..api.values import IndexState
from ..errors import ConfigError
from ..events import Event
from ..index import Index
from ..investigate import Investigator
from ..ledger import Published
from .desk.alerts import AlertPart
from .desk.evidence import EvidencePart
from .desk.investigation import InvestigationPart
from .desk.record import RecordPart
from .detection import make_alerts, open_detector
from .house import House
from .livekeys import redacting, redactors_of

_BATCH_ENTRIES = 10_000


class LocalUse(InvestigationPart, EvidencePart, AlertPart):
    """The parts of a desk that need index and detection."""

    def __init__(self, house: House, stack: ExitStack) -> None:
        index = Index.open(house.home.derived / "index", house.tenant)
        stack.callback(index.close)
        if not index.follows(house.ledger.size, house.ledger.read):
            index.clear()
        detector = open_detector(house.loaded, house.clock)
        stack.callback(detector.close)
        _catch_up(house, detector)
        investigator = Investigator(
            index, lambda text: house.redactor.text(text)[0], house.clock,
            lambda: [redacting(one) for one in redactors_of(house.engine, house.keyring)[1:]],
        )  # fmt: skip
        behind = _LocalIndex(house, index)
        InvestigationPart.__init__(self, investigator, behind, house.note)
        published = Published(house.home.ledger)
        EvidencePart.__init__(self, investigator, behind, published, RecordPart(house).seal_evidence)
        AlertPart.__init__(self, make_alerts(detector, house.recorder.record, house.clock), house.note)


class _Consumer(Protocol):
    @property
    def watermark(self) -> int: ...
    def apply(self, entries: Sequence[tuple[int, bytes]]) -> object: ...


class _LocalIndex:
    """An index that reads the ledger itself."""

    def __init__(self, house: House, index: Index) -> None:
        self._house = house
        self._index = index

    def caught_up(self) -> IndexState:
        """Index everything that is durable now."""
        _catch_up(self._house, self._index)
        return IndexState(self._index.watermark, self._index.watermark)

    def begin_again(self) -> int:
        """Make the index anew, all of it."""
        self._index.clear()
        return self.caught_up().indexed

    def tail(self, wanted: Callable[[Event], bool]) -> Tail:
        """There is nothing to follow: nobody records while this command holds the directory."""
        raise ConfigError(
            "no server runs on this directory, so nothing new arrives", hint="start it with: glasshatch serve"
        )


def _catch_up(house: House, consumer: _Consumer) -> None:
    entries = house.ledger.scan(consumer.watermark)
    while batch := list(itertools.islice(entries, _BATCH_ENTRIES)):
        consumer.apply(batch)
