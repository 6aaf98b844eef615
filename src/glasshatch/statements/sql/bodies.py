"""Bodies of DO blocks and functions: what their statements do, and whether they build SQL at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .limits import within_limits
from .native import Unparsed, parse_body

if TYPE_CHECKING:
    from .commands import Commands

_DYNAMIC = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})
_STATEMENT, _ASSIGNMENT = 0, re.compile(r"^[^=:]*:?=")
_MAX_BLOCKS = 200
_BLOCKS = re.compile(r"\b(?:begin|if|loop|case|for|while|foreach|exception)\b", re.IGNORECASE)


class Bodies:
    """Reads bodies into the meaning of the command that holds them."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._risks = commands.meaning.risks

    def read(self, language: str, body: str, command: str) -> None:
        """Read the body of a command. A body that cannot be read makes the command unknown."""
        try:
            if language == "sql":
                self._commands.inner_text(body)
            elif language == "plpgsql":
                self._plpgsql(body, command)
            else:
                self._risks.add("untrusted_code")
                self._commands.meaning.verbs.add("unknown")
        except Unparsed as problem:
            self._risks.add(problem.risk)
            self._commands.meaning.verbs.add("unknown")

    def _plpgsql(self, body: str, command: str) -> None:
        # The native parser recurses with nested blocks.
        if not within_limits(body) or len(_BLOCKS.findall(body)) > _MAX_BLOCKS:
            raise Unparsed("too_complex")
        for name, part in _parts(parse_body(command)):
            if name in _DYNAMIC or "dynquery" in part:
                self._risks.add("dynamic_sql")
            if name == "PLpgSQL_expr":
                self._commands.inner_text(_as_statement(part))


def _as_statement(expression: dict[str, Any]) -> str:
    """An expression of PL/pgSQL as the SQL that the server makes of it."""
    query, mode = str(expression.get("query", "")), expression.get("parseMode", _STATEMENT)
    if mode == _STATEMENT:
        return query
    return "SELECT " + (_ASSIGNMENT.sub("", query, count=1) if mode != 2 else query)


def _parts(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    stack = [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            for name, value in part.items():
                if isinstance(value, dict):
                    yield name, value
            stack.extend(part.values())
