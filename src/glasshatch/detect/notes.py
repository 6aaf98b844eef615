"""The events of an alert's life: written to the record, and read back when detection follows it.

Their ids are made from the alert and the step, so a step that was recorded twice around a crash shows
itself: both events have one id. Reading them back is how detection learns, after any crash and even
after all its state was lost, what has been done already.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..events import ACTIONS, Actor, Event, Link, Outcome, Resource, Source, uuid7
from .alerts import Alert, step_seed

RAISED = "alert.raised"
DELIVERED = "alert.delivered"
FAILED = "alert.failed"
ACKNOWLEDGED = "alert.acknowledged"

SOURCE = Source(kind="glasshatch", name="detect")
"""Only events of this source are believed to tell of alerts. Intake must not accept it from outside."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What an event of the record says about an alert."""

    action: str
    event_id: str
    alert: str
    channel: str = ""
    by: str = ""
    comment: str = ""
    restored: Alert | None = None


def is_own(event: Event) -> bool:
    """Whether detection itself wrote the event; such events never meet a rule."""
    return event.action.startswith("alert.") and event.source.kind == SOURCE.kind


def raised_event(alert: Alert) -> Event:
    """`alert.raised`, from which the alert can be restored. Linked to it and to the events behind it."""
    attrs: dict[str, Any] = {
        "rule": alert.rule,
        "version": alert.version,
        "title": alert.title,
        "explanation": alert.reason,
        "event_time": alert.time,
        "about": alert.actor,
        "indices": list(alert.indices),
        **({"ledgers": list(alert.ledgers)} if alert.ledgers else {}),
        "tags": list(alert.tags),
        "measured": alert.measured,
    }
    causes = tuple(Link(rel="event", id=event) for event in alert.events)
    about = (Link(rel="actor", id=alert.actor_id),) if alert.actor_id else ()
    return _event(
        RAISED,
        alert,
        int(alert.raised),
        attrs,
        links=(Link(rel="alert", id=alert.id), Link(rel="trigger", id=alert.trigger), *about, *causes),
        severity=alert.severity,
    )


def delivered_event(alert: Alert, channel: str, attempts: int, now_ns: int) -> Event:
    """`alert.delivered`: a channel has taken it."""
    attrs = {"rule": alert.rule, "channel": channel, "attempts": attempts}
    return _event(DELIVERED, alert, now_ns, attrs, step=channel, outcome=Outcome(status="success"))


def failed_event(alert: Alert, channel: str, attempts: int, problem: str, now_ns: int) -> Event:
    """`alert.failed`: a channel has not taken it in time."""
    attrs = {"rule": alert.rule, "channel": channel, "attempts": attempts}
    outcome = Outcome(status="failure", reason=problem)
    return _event(FAILED, alert, now_ns, attrs, step=channel, outcome=outcome)


def acknowledged_event(alert: Alert, by: Actor, comment: str, now_ns: int) -> Event:
    """`alert.acknowledged`: somebody takes it on."""
    attrs = {"rule": alert.rule, **({"comment": comment} if comment else {})}
    success = Outcome(status="success")
    return _event(ACKNOWLEDGED, alert, now_ns, attrs, step=by.id, actor=by, outcome=success)


def step_of(event: Event) -> Step | None:
    """What one of detection's own events says; None if it says nothing that is known."""
    ids = {link.rel: link.id for link in event.links}
    if event.action not in (RAISED, DELIVERED, FAILED, ACKNOWLEDGED) or "alert" not in ids:
        return None
    step = Step(action=event.action, event_id=event.id, alert=ids["alert"])
    attrs = event.attrs
    if event.action == RAISED:
        return msgspec.structs.replace(step, restored=_restored(event, ids))
    if event.action == ACKNOWLEDGED:
        by = event.actor.name or event.actor.id if event.actor else ""
        return msgspec.structs.replace(step, by=by, comment=_text(attrs, "comment"))
    return msgspec.structs.replace(step, channel=_text(attrs, "channel"))


def _restored(event: Event, ids: dict[str, str]) -> Alert:
    attrs = event.attrs
    measured, indices, tags = attrs.get("measured"), attrs.get("indices"), attrs.get("tags")
    version, ledgers = attrs.get("version"), attrs.get("ledgers")
    return Alert(
        id=ids["alert"],
        tenant=event.tenant,
        rule=_text(attrs, "rule"),
        version=version if isinstance(version, int) else 1,
        title=_text(attrs, "title"),
        severity=event.severity,
        time=_text(attrs, "event_time") or event.time,
        raised=event.time,
        trigger=ids.get("trigger", ""),
        reason=_text(attrs, "explanation"),
        actor=_text(attrs, "about"),
        actor_id=ids.get("actor", ""),
        resource=event.resource.id if event.resource else "",
        session=event.session_id,
        trace=event.trace_id,
        events=tuple(link.id for link in event.links if link.rel == "event"),
        indices=tuple(one for one in indices if isinstance(one, int)) if isinstance(indices, list) else (),
        ledgers=tuple(str(name) for name in ledgers) if isinstance(ledgers, list) else (),
        measured={key: str(value) for key, value in measured.items()} if isinstance(measured, dict) else {},
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
    )


def _event(
    action: str, alert: Alert, now_ns: int, attrs: dict[str, Any], *, step: str = "", **parts: Any
) -> Event:
    parts.setdefault("severity", ACTIONS[action].severity)
    parts.setdefault("links", (Link(rel="alert", id=alert.id),))
    return Event(
        id=uuid7(max(0, int(alert.time)), step_seed(alert.id, action, step)),
        time=str(now_ns),
        tenant=alert.tenant,
        action=action,
        source=SOURCE,
        session_id=alert.session,
        trace_id=alert.trace,
        resource=Resource(type=alert.resource.partition("/")[0], id=alert.resource)
        if alert.resource
        else None,
        attrs=attrs,
        **parts,
    )


def _text(attrs: dict[str, Any], name: str) -> str:
    value = attrs.get(name, "")
    return value if isinstance(value, str) else ""
