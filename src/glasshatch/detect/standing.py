"""How detection and its rules are doing."""

from __future__ import annotations

import msgspec


class RuleStanding(msgspec.Struct, frozen=True):
    """How a rule is doing: groups remembered, evicted, events too late, findings kept quiet."""

    rule: str
    title: str
    groups: int
    evicted: int
    late: int
    quiet: int


class DetectorStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How detection is doing. unreadable: entries that are no events and were passed over."""

    watermark: int
    unreadable: int
    alerts: int
    to_record: int
    to_deliver: int
    rules: list[RuleStanding]
