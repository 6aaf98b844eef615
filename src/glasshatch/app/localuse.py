"""Search and alerts over a directory that no server holds: index and detection catch up when asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from ..api.ports import Events
from ..api.values import IndexState
from ..errors import ConfigError
from ..events import Event
from ..index import Index
from ..investigate import Investigator
from .desk.alerts import AlertPart
from .desk.aliases import AliasPart
from .desk.asking import AskingPart
from .desk.cases import CasePart
from .desk.entitled import EntitledPart
from .desk.evidence import EvidencePart
from .desk.exporting import ExportPart
from .desk.exposure import ExposurePart
from .desk.incidents import IncidentPart
from .desk.investigation import InvestigationPart
from .desk.people import PeoplePart
from .desk.postmortems import PostMortemPart
from .desk.record import RecordPart
from .desk.reviewing import ReviewPart
from .desk.searches import SearchesPart
from .detection import make_alerts, open_detector
from .exports.resting import RestingExports
from .house import House
from .indexing import index_place
from .livekeys import redacting, redactors_of
from .published import PublishedLogs
from .readahead import ReadAhead
from .serve.merging import Entry, Merge
from .subjects import subject_tokens

_BATCH_ENTRIES = 30_000
_STEP_SECONDS = 1.0


class LocalUse(
    CasePart,
    PostMortemPart,
    InvestigationPart,
    AskingPart,
    ExposurePart,
    EvidencePart,
    AlertPart,
    ReviewPart,
    ExportPart,
):
    """The parts of a desk that need index and detection."""

    def __init__(self, house: House, stack: ExitStack) -> None:
        index = Index.open(house.home.derived / "index", house.tenant, index_place(house.loaded))
        stack.callback(index.close)
        index.prune(house.ledgers.minimums())
        if not _of_this_record(index, house):
            index.clear()
        detector = open_detector(house.loaded, house.clock)
        stack.callback(detector.close)
        detector.prune(house.ledgers.minimums())
        _catch_up(house, detector)
        investigator = Investigator(
            index, lambda text: house.redactor.text(text)[0], house.clock,
            lambda: [redacting(one) for one in redactors_of(house.engine, house.keyring, house.masking)],
        )  # fmt: skip
        behind = _LocalIndex(house, index)
        stack.callback(behind.close)
        redactions = [redacting(one) for one in redactors_of(house.engine, house.keyring, house.masking)]
        ExposurePart.__init__(
            self, investigator, behind, house.note,
            lambda subject: subject_tokens(subject, house.redactor.tokens, redactions), house.entitlements,
        )  # fmt: skip
        cases = _LocalCases(house)
        CasePart.__init__(self, investigator, behind, house.note, house.entitlements, cases, self.list_alerts)
        PostMortemPart.__init__(
            self, cases, PublishedLogs(house.home), house.entitlements, self.make_evidence, house.clock.now_ns
        )
        InvestigationPart.__init__(self, investigator, behind, house.note, house.entitlements, self.known_to)
        AskingPart.__init__(
            self, investigator, behind, house.note, house.entitlements, SearchesPart(house).keep_search
        )
        stack.callback(self.reads.flush)
        EvidencePart.__init__(
            self,
            investigator,
            behind,
            PublishedLogs(house.home),
            RecordPart(house).seal_evidence,
            house.entitlements,
        )
        ExportPart.__init__(self, investigator, behind, RestingExports(house), house.note, house.entitlements)
        ReviewPart.__init__(self, investigator, behind, house.note, EntitledPart(house).access_state)
        AlertPart.__init__(
            self, make_alerts(detector, house.recorder.record, house.clock), house.note, house.entitlements
        )


class _LocalCases(AliasPart, IncidentPart, PeoplePart):
    """What the control store keeps of aliases, incidents and people."""

    def __init__(self, house: House) -> None:
        AliasPart.__init__(self, house)
        IncidentPart.__init__(self, house)
        PeoplePart.__init__(self, house)


class _Consumer(Protocol):
    @property
    def watermarks(self) -> dict[str, int]: ...
    def apply_all(self, entries: Sequence[Entry]) -> object: ...


class _LocalIndex:
    """An index that reads the ledger itself."""

    def __init__(self, house: House, index: Index) -> None:
        self._house = house
        self._index = index
        self._mark = house.home.derived / "index" / "rebuilding"
        self._rebuilding = False
        self._ahead: ReadAhead | None = None

    def caught_up(self) -> IndexState:
        """Index everything that is durable now; while it is made anew here, a second's worth of it."""
        try:
            self._go_on(time.monotonic() + _STEP_SECONDS if self._rebuilding else None)
        except BaseException:
            # What was read ahead may not be what is wanted next.
            self.close()
            raise
        marks, sizes = self._index.watermarks, self._house.ledgers.sizes()
        if sum(marks.values()) >= sum(sizes.values()):
            self._rebuilding = False
            self._mark.unlink(missing_ok=True)
        several = (marks, sizes) if len(sizes) > 1 else ({}, {})
        return IndexState(
            sum(marks.values()), sum(sizes.values()), several[0], self._index.minimums, several[1]
        )

    def begin_again(self) -> int:
        """Forget the index and begin to make it anew; `caught_up` goes on with it.

        A rebuild that was killed is gone on with, and nothing is forgotten again.
        """
        self._rebuilding = True
        if not self._mark.exists():
            self.close()
            self._index.clear()
            # In this order: a crash in between leaves an empty index, which the next rebuild clears again.
            self._mark.touch(mode=0o600)
        return sum(self._house.ledgers.sizes().values())

    def _go_on(self, deadline_s: float | None) -> None:
        """Until everything is indexed, or a while; what is read ahead then waits for the next time."""
        ahead = self._ahead = self._ahead or ReadAhead(self._house, self._index)
        # The end that was read the last time need not be the end any more.
        again = ahead.begun
        ahead.begin(_BATCH_ENTRIES)
        while (pieces := ahead.take()) or again:
            again = False
            ahead.begin(_BATCH_ENTRIES)
            for made in pieces:
                self._index.apply_made(made)
            if deadline_s is not None and time.monotonic() > deadline_s:
                return

    def close(self) -> None:
        """Forget what was read ahead."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def tail(self, wanted: Callable[[Event], bool]) -> Events:
        """There is nothing to follow: nobody records while this command holds the directory."""
        raise ConfigError(
            "no server runs on this directory, so nothing new arrives", hint="start it with: glasshatch serve"
        )


def _of_this_record(index: Index, house: House) -> bool:
    sizes, ledgers = house.ledgers.sizes(), dict(house.ledgers.items())
    return all(
        name in sizes and index.follows(sizes[name], ledgers[name].read, name) for name in index.watermarks
    )


def _catch_up(house: House, consumer: _Consumer) -> None:
    """Apply what is durable."""
    merge, sizes = Merge(consumer.watermarks), house.ledgers.sizes()
    while batch := merge.take(house.ledgers.items(), sizes, _BATCH_ENTRIES):
        consumer.apply_all(batch)
