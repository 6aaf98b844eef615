"""The notes an analysis takes while it walks a tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import OutputColumn


@dataclass
class Meaning:
    """What has been found so far.

    `read_literal` is set by every rule that looks at a constant's value: then the meaning belongs
    to this exact text and may not be reused for another with the same code.
    """

    commands: int = 0
    verbs: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    risks: set[str] = field(default_factory=set)
    lookups: set[str] = field(default_factory=set)
    guesses: set[str] = field(default_factory=set)
    outputs: tuple[OutputColumn, ...] | None = None
    read_literal: bool = False
