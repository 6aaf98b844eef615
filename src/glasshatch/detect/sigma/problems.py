"""What is wrong with a rule, or with a whole file of them."""

from __future__ import annotations

import msgspec


class RuleProblem(msgspec.Struct, frozen=True):
    """Why a rule is not loaded. `line` counts from 1."""

    file: str
    line: int
    reason: str
