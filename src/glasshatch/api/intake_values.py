"""What the API gives back for what it took in from other systems."""

from __future__ import annotations

import msgspec


class IntakeProblem(msgspec.Struct, frozen=True):
    """One item that was not taken as an event: which (counted from 1), and why."""

    item: int
    reason: str


class IntakeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every item of a delivery; all of it is durable when this is answered.

    accepted: recorded as events. duplicates: were in the record before. quarantined: could not be
    understood and are recorded, redacted, as `intake.quarantined`; the first reasons are named.
    skewed: accepted, but their clock is far off; the events carry the label `clock`.
    """

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skewed: int = 0
    problems: tuple[IntakeProblem, ...] = ()
