"""The notes an analysis takes while it walks a tree, and the one door to the values of constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..model import OutputColumn
from .native import Node


@dataclass
class Meaning:
    """What has been found so far.

    `read_literal` is set by every rule that looks at a constant's value: then the meaning belongs
    to this exact text and may not be reused for another with the same code. `connections` says that a
    relation was read of which one column holds credentials for other servers.
    """

    commands: int = 0
    verbs: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    risks: set[str] = field(default_factory=set)
    lookups: set[str] = field(default_factory=set)
    guesses: set[str] = field(default_factory=set)
    outputs: tuple[OutputColumn, ...] | None = None
    answers: list[tuple[OutputColumn, ...] | None] = field(default_factory=list)
    read_literal: bool = False
    lasting_copy: bool = False
    connections: bool = False

    def copies_for_good(self) -> None:
        """Rows go where others may read them, or for longer than the session."""
        self.risks.add("copies_rows")
        self.lasting_copy = True

    def constant(self, node: Node) -> Any:
        """The value of an `A_Const`: str, int, float, bool or None; notes that it was looked at."""
        self.read_literal = True
        body = node.get("A_Const", {})
        if "sval" in body:
            return body["sval"].get("sval", "")
        if "ival" in body:
            return body["ival"].get("ival", 0)
        if "fval" in body:
            return _number(body["fval"].get("fval", "0"))
        if "boolval" in body:
            return body["boolval"].get("boolval", False)
        return None

    def words(self, text: str) -> str:
        """A string of the tree that came from a literal; notes that it was looked at."""
        self.read_literal = True
        return text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def relation_name(relation: Node) -> str:
    """`schema.table` or `table`, as written and folded."""
    schema, name = relation.get("schemaname", ""), str(relation.get("relname", ""))
    return f"{schema}.{name}" if schema else name


def strings(nodes: list[Node]) -> list[str]:
    """The texts of a list of String nodes; a star is `*`."""
    return [
        node["String"].get("sval", "") if "String" in node else "*"
        for node in nodes
        if "String" in node or "A_Star" in node
    ]
