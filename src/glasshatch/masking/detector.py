"""A detector that is ready to run, and the pack that it came in."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec


class Detector(msgspec.Struct, frozen=True):
    """A detector ready to run."""

    name: str
    type: str
    triggers: tuple[str, ...]
    verify: re.Pattern[str]
    group: int | str
    before: int
    after: int
    accepts: Callable[[str], bool] | None
    context: re.Pattern[str] | None
    confidence: float
    operator: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    where: str = ""
    validator: str = ""


class Pack(msgspec.Struct, frozen=True):
    """The detectors of one file, and the hash of its bytes."""

    name: str
    hash: str
    detectors: tuple[Detector, ...]
    file: str = ""
