"""Relations of the server of which one column holds credentials for other servers, and the rest is harmless.

Tools list subscriptions and user mappings when they draw their trees. Only a query that plainly asks for
other columns may: no form by which the secret one could come out under no name or another name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .native import Node

_SECRETS = {"pg_user_mapping": "umoptions", "pg_user_mappings": "umoptions", "pg_subscription": "subconninfo"}
_ROWS = frozenset({"whole_row", "derived_row"})
_RENAMING = frozenset({"colnames", "aliascolnames", "isNatural", "usingClause", "A_Star"})


def holds_connections(relation: str) -> bool:
    """Whether a column of it holds credentials for other servers."""
    return relation.rpartition(".")[2] in _SECRETS


def shows_connections(commands: list[Node], text: str, risks: Iterable[str]) -> bool:
    """Whether a text that reads such a relation may get at that column; True wherever it cannot be told."""
    written = text.lower()
    # `U&"..."` spells names with codes.
    if "u&" in written or any(name in written for name in _SECRETS.values()) or not _ROWS.isdisjoint(risks):
        return True
    return any("SelectStmt" not in command["stmt"] for command in commands) or _renames(commands)


def _renames(tree: Any) -> bool:
    stack = [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            if not _RENAMING.isdisjoint(part):
                return True
            stack.extend(part.values())
    return False
