"""Alerts made of what rules found, whatever form a rule is written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..events import DEFAULT_LEDGER, Event
from .alerts import Alert, Head, alert_id
from .explaining import actor_name
from .observing import Evidence

_MAX_TEXT = 600


def make_alert(
    tenant: str, head: Head, event: Event, group: bytes, evidence: Sequence[Evidence], reason: str,
    measured: dict[str, str], now_ns: int,
) -> Alert:  # fmt: skip
    """The alert of a finding: the event raised it, the evidence is behind it, the group is a digest."""
    return Alert(
        id=alert_id(tenant, head.rule, head.version, group, event.id),
        tenant=tenant, rule=head.rule, version=head.version, title=head.title,
        severity=head.severity, time=event.time, raised=str(now_ns), trigger=event.id,
        reason=_cut(reason), actor=_cut(actor_name(event.actor)),
        actor_id=event.actor.id if event.actor else "",
        resource=_cut(event.resource.id) if event.resource else "",
        session=event.session_id, trace=event.trace_id,
        events=tuple(item.event_id for item in evidence), indices=tuple(item.index for item in evidence),
        ledgers=_ledgers_of(evidence), measured=measured, tags=head.tags,
        false_positives=head.false_positives,
    )  # fmt: skip


def is_pruned(alert: Alert, minimums: Mapping[str, int]) -> bool:
    """Whether nothing is kept of what is behind an alert."""
    ledgers = alert.ledgers or (DEFAULT_LEDGER,) * len(alert.indices)
    return bool(alert.indices) and all(
        index < minimums.get(ledger, 0) for ledger, index in zip(ledgers, alert.indices, strict=True)
    )


def _ledgers_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """The ledger of each event behind it; nothing if all are in the default one."""
    names = tuple(item.ledger or DEFAULT_LEDGER for item in evidence)
    return names if set(names) - {DEFAULT_LEDGER} else ()


def _cut(text: str) -> str:
    """Names of foreign events may be of any length; an alert must fit an entry of the ledger."""
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
