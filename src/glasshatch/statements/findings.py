"""What has been found in a text so far, in the words that all languages share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .model import Statement

_NOT_UNDERSTOOD = frozenset({"unknown_code", "unknown_command", "unknown_syntax"})


@dataclass
class Findings:
    """Verbs, risks and resources of a text, collected while it is read.

    The verbs of the languages that are no SQL: `read` (looks, changes nothing), `create`, `update` and
    `delete` (change what lasts), `run` (starts a program that is known), `control` (starts, stops or
    steers what runs), `set`, `begin`, `commit`, `rollback` (this session only), `show` (what the server
    says of itself), `call` (a tool), `unknown` (not understood, which every policy should stop).
    """

    verbs: set[str] = field(default_factory=set)
    risks: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    # Characters of the texts within the text that were read so far: what bounds the work.
    inner_chars: int = 0

    def note(self, verbs: str | Iterable[str], risks: str | Iterable[str] = ()) -> None:
        """Add verbs and risks, given as running text or as words."""
        self.verbs.update(verbs.split() if isinstance(verbs, str) else verbs)
        found = risks.split() if isinstance(risks, str) else list(risks)
        self.risks.update(found)
        if any(risk in _NOT_UNDERSTOOD for risk in found):
            self.verbs.add("unknown")

    def unknown(self, risk: str = "unknown_command") -> None:
        """Something here is not understood; `risk` says what."""
        self.note("unknown", risk)

    def absorb(self, inner: Statement) -> None:
        """A text within the text does what it does."""
        self.verbs.update(inner.verbs)
        self.risks.update(inner.risks)
        self.resources.update(inner.resources)
        self.columns.update(inner.columns)
