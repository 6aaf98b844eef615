"""What a statement may have changed behind the gateway's knowledge: tables, and names of the session."""

from __future__ import annotations

import re

from .asking import Asking
from .running import Run
from .session import Session

_CHANGES_TABLES = frozenset({"create", "alter", "drop", "do", "call", "unknown"})
_NAME = r"(\"(?:[^\"]|\"\")*\"|[\w$\x80-\U0010ffff]+)"
_PREPARE = re.compile(rf"\bprepare\s+{_NAME}", re.IGNORECASE)
_DEALLOCATE = re.compile(rf"\bdeallocate\s+(?:prepare\s+)?{_NAME}", re.IGNORECASE)


def note_effects(session: Session, asking: Asking, run: Run) -> None:
    """Forget what may not hold any more after a run."""
    statement = run.question.statement
    verbs = frozenset(statement.verbs)
    if not verbs.isdisjoint(_CHANGES_TABLES):
        session.changed_tables = True
    if "discard" in verbs:
        asking.prepared.clear()
    if "cursor" in verbs:
        asking.portals.clear()
    if not verbs.isdisjoint({"prepare", "deallocate", "unknown"}):
        for pattern in (_PREPARE, _DEALLOCATE):
            for found in pattern.finditer(statement.shape):
                asking.prepared.close(_folded(found[1]))
        if re.search(r"\bdeallocate\s+(prepare\s+)?all\b", statement.shape, re.IGNORECASE):
            asking.prepared.clear()


def _folded(name: str) -> bytes:
    folded = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    return folded.encode("utf-8")
