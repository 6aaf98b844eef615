"""Alerts at the desk: who may see them, and taking one on."""

from __future__ import annotations

import msgspec

from ...api.values import AlertView
from ...detect import Alerts, AlertStanding
from ...events import Data, Outcome
from ...identity import Identity
from ..access import Access, require, why
from .coalescing import RECORD, Note


class AlertPart:
    """The desk's `AlertDesk` port over detection's store."""

    def __init__(self, alerts: Alerts, note: Note, access: Access) -> None:
        self._alerts = alerts
        self._note_read = note
        self._alert_access = access

    def list_alerts(self, caller: Identity, state: str) -> list[AlertView]:
        """Alerts in a state, newest first. They tell of everybody, so it takes a role."""
        require(self._alert_access.view(caller), "alert.list")
        found = [_view(standing) for standing in self._alerts.list(state)]
        self._note_read(
            "record.read",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=RECORD,
            data=Data(rows=len(found), recipient=caller.id),
            attrs={"what": "alerts", "filter": {"state": state} if state else {}},
            **why(caller),
        )
        return found

    def acknowledge(self, caller: Identity, alert_id: str, comment: str) -> AlertView:
        """Take an alert on."""
        require(self._alert_access.view(caller), "alert.handle")
        return _view(self._alerts.acknowledge(alert_id, caller.as_actor(), comment))


def _view(standing: AlertStanding) -> AlertView:
    view = msgspec.convert(standing, AlertView, from_attributes=True)
    return view if standing.ledgers else msgspec.structs.replace(view, ledgers=msgspec.UNSET)
