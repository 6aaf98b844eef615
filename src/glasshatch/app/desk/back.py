"""The desk of the back: what it answers itself, and what it passes on to the front."""

from __future__ import annotations

from pathlib import Path

from ...detect import Alerts
from ...investigate import Investigator
from .alerts import AlertPart
from .forwarded import ForwardedPart
from .investigation import Behind, InvestigationPart, Note


class BackDesk(InvestigationPart, AlertPart, ForwardedPart):
    """Fills the API's `UseDesk` port. Events and sessions are read from the index, not from the ledger."""

    def __init__(
        self, front: Path, investigator: Investigator, behind: Behind, alerts: Alerts, note: Note
    ) -> None:
        InvestigationPart.__init__(self, investigator, behind, note)
        AlertPart.__init__(self, alerts, note)
        ForwardedPart.__init__(self, front)
