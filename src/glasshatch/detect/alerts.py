"""An alert, and what people see of it. What an alert is never changes; its state and deliveries do."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

AlertState = Literal["open", "acknowledged"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A rule saw something. Names of actors and things, ids and counts only; no values.

    id: 32 hex digits from tenant, rule, group and the event that raised it: finding it again gives the
    same. time, raised: decimal nanoseconds, when it happened and when it was noticed. events, indices:
    the newest events behind it (50 at most), in order of their time; the event that raised is among them.
    ledgers: where each index counts, empty if all do in the default one.
    """

    id: str
    tenant: str
    rule: str
    version: int
    title: str
    severity: int
    time: str
    raised: str
    trigger: str
    reason: str
    actor: str = ""
    actor_id: str = ""
    resource: str = ""
    session: str = ""
    trace: str = ""
    events: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    ledgers: tuple[str, ...] = ()
    measured: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    false_positives: str = ""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every alert of a rule shares, whoever wrote the rule."""

    rule: str
    version: int
    title: str
    severity: int
    tags: tuple[str, ...] = ()
    false_positives: str = ""


class AlertStanding(Alert, frozen=True, kw_only=True):
    """An alert and where it stands. deliveries: `pending`, `delivered` or `failed`, by channel."""

    state: AlertState = "open"
    acknowledged_by: str = ""
    comment: str = ""
    deliveries: dict[str, str] = {}


class Route(msgspec.Struct, frozen=True):
    """Which alerts go to a channel: those of at least this severity."""

    channel: str
    least_severity: int = 0


def alert_id(tenant: str, rule: str, version: int, group: bytes, trigger: str) -> str:
    """The id of what a rule sees at one event in one group; the same whenever it is found again."""
    return _digest(tenant, rule, str(version), group.hex(), trigger).hex()[:32]


def delivery_id(alert: str, channel: str) -> str:
    """The same for every try to deliver an alert to a channel, so that the receiver knows a repeat."""
    return _digest("delivery", alert, channel).hex()[:32]


def step_seed(*parts: str) -> bytes:
    """What takes the place of randomness in the id of an event about an alert."""
    return _digest("step", *parts)


def _digest(*parts: str) -> bytes:
    return hashlib.sha256(msgspec.json.encode(parts)).digest()
