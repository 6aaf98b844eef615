"""The desk of the back: what it answers itself, and what it passes on to the front."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from ...api.values import Status
from ...detect import Alerts
from ...identity import Identity
from ...investigate import Investigator
from ..published import PublishedLogs
from .alerts import AlertPart
from .asking import AskingPart
from .cases import CasePart
from .coalescing import Note
from .evidence import EvidencePart
from .exporting import ExportPart, Exports
from .exposure import ExposurePart, Subjects
from .forwarded import ForwardedPart, FrontAccess
from .investigation import Behind, InvestigationPart
from .postmortems import PostMortemPart
from .reviewing import ReviewPart


class WitnessState(Protocol):
    """What is known of witnesses and anchors."""

    def summary(self) -> str: ...
    def parties(self) -> tuple[str, ...]: ...


class BackDesk(
    CasePart,
    PostMortemPart,
    InvestigationPart,
    AskingPart,
    ExposurePart,
    EvidencePart,
    AlertPart,
    ReviewPart,
    ExportPart,
    ForwardedPart,
):
    """Fills the API's `UseDesk` port. Events and sessions are read from the index, not from the ledger."""

    def __init__(
        self,
        front: Path,
        investigator: Investigator,
        behind: Behind,
        alerts: Alerts,
        note: Note,
        witnesses: WitnessState,
        logs: PublishedLogs,
        subjects: Subjects,
        exports: Exports,
    ) -> None:
        access = FrontAccess(front)
        cases = ForwardedPart(front)
        CasePart.__init__(self, investigator, behind, note, access, cases, self.list_alerts)
        PostMortemPart.__init__(self, cases, logs, access, self.make_evidence, investigator.now_ns)
        InvestigationPart.__init__(self, investigator, behind, note, access, self.known_to)
        AskingPart.__init__(self, investigator, behind, note, access, self.keep_search)
        ExposurePart.__init__(self, investigator, behind, note, subjects, access)
        EvidencePart.__init__(self, investigator, behind, logs, self.seal_evidence, access)
        ReviewPart.__init__(self, investigator, behind, note, self.access_state)
        AlertPart.__init__(self, alerts, note, access)
        ExportPart.__init__(self, investigator, behind, exports, note, access)
        ForwardedPart.__init__(self, front)
        self._witnesses = witnesses

    def status(self, caller: Identity) -> Status:
        """The front's answer, and how far the witnesses are, whom the back asks."""
        found = ForwardedPart.status(self, caller)
        return msgspec.structs.replace(
            found, witnessed=self._witnesses.summary(), witnesses=self._witnesses.parties()
        )
