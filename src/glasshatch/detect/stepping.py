"""What happens to an alert, as statements on detection's file; one transaction each, or part of a batch's."""

from __future__ import annotations

import msgspec

from ..events import Event, encode
from .alerts import Alert, Route
from .notes import ACKNOWLEDGED, DELIVERED, RAISED, Step, raised_event
from .store import Statement


def raise_alert(alert: Alert, number: int, routes: list[Route], now_ns: int) -> list[Statement]:
    """A new alert, its note for the record, and its deliveries. number: of the entry it is from."""
    deliveries: list[Statement] = [
        (
            "INSERT OR IGNORE INTO deliveries (alert, channel, state, attempts, since_ns, due_ns)"
            " VALUES (?, ?, 'pending', 0, ?, ?)",
            (alert.id, route.channel, now_ns, now_ns),
        )
        for route in routes
        if alert.severity >= route.least_severity
    ]
    return [insert_alert(alert, number), insert_note(raised_event(alert), now_ns), *deliveries]


def insert_alert(alert: Alert, number: int) -> Statement:
    """Keep an alert, once."""
    return (
        "INSERT OR IGNORE INTO alerts (id, time, number, body) VALUES (?, ?, ?, ?)",
        (alert.id, alert.time, number, msgspec.msgpack.encode(alert)),
    )


def insert_note(event: Event, now_ns: int) -> Statement:
    """Have an event recorded."""
    return (
        "INSERT OR IGNORE INTO notes (event, attempts, due_ns, body) VALUES (?, 0, ?, ?)",
        (event.id, now_ns, encode(event)),
    )


def drop_note(event_id: str) -> Statement:
    """The event is in the record."""
    return ("DELETE FROM notes WHERE event = ?", (event_id,))


def settle(alert: str, channel: str, state: str, attempts: int, now_ns: int) -> Statement:
    """A delivery came to its end, if it had not before."""
    return (
        "INSERT INTO deliveries (alert, channel, state, attempts, since_ns, due_ns) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (alert, channel) DO UPDATE SET state = excluded.state, problem = ''"
        " WHERE state = 'pending'",
        (alert, channel, state, attempts, now_ns, now_ns),
    )


def postpone(alert: str, channel: str, due_ns: int, problem: str) -> Statement:
    """Try again later."""
    return (
        "UPDATE deliveries SET attempts = attempts + 1, due_ns = ?, problem = ?"
        " WHERE alert = ? AND channel = ? AND state = 'pending'",
        (due_ns, problem, alert, channel),
    )


def postpone_note(event_id: str, due_ns: int) -> Statement:
    """Try to record again later."""
    return ("UPDATE notes SET attempts = attempts + 1, due_ns = ? WHERE event = ?", (due_ns, event_id))


def acknowledge(alert: str, by: str, comment: str, event_id: str) -> Statement:
    """Somebody takes it on; the first one counts, and the record's redacted comment is the one kept."""
    return (
        "UPDATE alerts SET state = 'acknowledged', acknowledged_by = ?, comment = ?, acknowledgement = ?"
        " WHERE id = ? AND (state = 'open' OR acknowledgement = ?)",
        (by, comment, event_id, alert, event_id),
    )


def recorded(step: Step, number: int, now_ns: int) -> list[Statement]:
    """What the record says about an alert, in this entry: it holds, whatever was known here."""
    statements = [drop_note(step.event_id)]
    if step.action == RAISED and step.restored is not None:
        # Known already unless the file was lost and the rule has changed since.
        statements.append(insert_alert(step.restored, number))
    elif step.action == ACKNOWLEDGED:
        statements.append(acknowledge(step.alert, step.by, step.comment, step.event_id))
    elif step.channel:
        state = "delivered" if step.action == DELIVERED else "failed"
        statements.append(settle(step.alert, step.channel, state, 0, now_ns))
    return statements
