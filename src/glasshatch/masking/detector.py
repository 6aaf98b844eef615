"""A detector that is ready to run, and the pack that it came in.

Both are plain data, so that what was read and checked once is kept beside the compiled triggers and read
again in milliseconds. What runs is made at a detector's first hit: of all packs a process needs a few.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import msgspec

from .expressions import compiled
from .validators import Validator, entropy, validator_named

Search = Callable[[str, int, int], re.Match[str] | None]


class Detector(msgspec.Struct, frozen=True):
    """A detector ready to run.

    `expression` is what verifies a candidate, and `near` what must stand in its window, if it is not empty.
    `looks` and `near_looks` are what the kernel needs to know of both, where that is kept (`looks`).
    A value passes if its `validator`, its `least_entropy` and the expression of what is `allowed` let it.
    """

    name: str
    type: str
    triggers: tuple[str, ...]
    expression: str
    group: int | str
    before: int
    after: int
    near: str
    confidence: float
    operator: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    where: str = ""
    validator: str = ""
    least_entropy: float = 0.0
    allowed: str = ""
    looks: bytes = b""
    near_looks: bytes = b""

    @property
    def verify(self) -> re.Pattern[str]:
        """The expression, compiled."""
        return compiled(self.expression)

    @property
    def context(self) -> re.Pattern[str] | None:
        """The words that must stand near, compiled; None if there are none."""
        return compiled(self.near) if self.near else None

    @property
    def accepts(self) -> Validator | None:
        """Whether a value of the right form is one; None if the form is enough."""
        return _check(self.validator, self.least_entropy, self.allowed)

    @property
    def checked_by(self) -> str:
        """The validator's name as people read it."""
        return self.validator or ("entropy" if self.least_entropy else "")

    def checks(self) -> tuple[Search, int | str, Validator | None, Search | None]:
        """What runs at a hit: the expression's search, its group, the validator, and the search of `near`."""
        context = self.context
        return self.verify.search, self.group, self.accepts, context.search if context else None


class Pack(msgspec.Struct, frozen=True):
    """The detectors of one file, and the hash of its bytes."""

    name: str
    hash: str
    detectors: tuple[Detector, ...]
    file: str = ""


@cache
def _check(validator: str, least: float, allowed: str) -> Validator | None:
    check = validator_named(validator) if validator else None
    if not least and not allowed:
        return check

    def accepts(value: str) -> bool:
        if least and entropy(value) < least:
            return False
        if check is not None and not check(value):
            return False
        return not allowed or compiled(allowed).search(value) is None

    return accepts
