"""What became of a delivery."""

from __future__ import annotations

from typing import Final

import msgspec

NAMED_PROBLEMS: Final = 20
"""How many of the items that were not understood an answer names."""


class Problem(msgspec.Struct, frozen=True):
    """An item that is quarantined: its place, and why."""

    item: int
    reason: str


class IntakeResult(msgspec.Struct, frozen=True):
    """What became of the items of a delivery."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skewed: int = 0
    problems: tuple[Problem, ...] = ()

    def plus(self, other: IntakeResult) -> IntakeResult:
        """Both together."""
        return IntakeResult(
            self.accepted + other.accepted, self.duplicates + other.duplicates,
            self.quarantined + other.quarantined, self.skewed + other.skewed,
            (self.problems + other.problems)[:NAMED_PROBLEMS],
        )  # fmt: skip
