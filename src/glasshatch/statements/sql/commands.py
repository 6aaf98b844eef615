"""What each command of a text does: verbs, risks, tables and columns, from its parse tree."""

from __future__ import annotations

from .meaning import Meaning
from .native import Node

VERBS = {
    "SelectStmt": "select",
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "TruncateStmt": "truncate",
    "DropStmt": "drop",
    "VariableShowStmt": "show",
    "VariableSetStmt": "set",
}


def understand(commands: list[Node], text: str) -> Meaning:
    """The meaning of all commands of a text together."""
    meaning = Meaning(commands=len(commands))
    for command in commands:
        for name, body in command.items():
            meaning.verbs.add(VERBS.get(name, "unknown"))
            if name in ("UpdateStmt", "DeleteStmt") and "whereClause" not in body:
                meaning.risks.add("unbounded_write")
            if name in ("DropStmt", "TruncateStmt"):
                meaning.risks.add("destructive")
    return meaning
