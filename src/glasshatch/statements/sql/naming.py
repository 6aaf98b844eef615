"""What the server calls a column or a relation that the text gives no name."""

from __future__ import annotations

from typing import Any

from .meaning import strings
from .native import Node


def function_name(body: Node) -> str:
    """The name under which the rows of a function in FROM are known."""
    stack: list[Any] = [body.get("functions", [])]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if "funcname" in part:
                return strings(part["funcname"])[-1]
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return ""


def default_name(value: Node) -> str:
    """What the server calls a column that has no alias, as far as others may refer to it."""
    if "ColumnRef" in value:
        return strings(value["ColumnRef"]["fields"])[-1]
    if "FuncCall" in value:
        return strings(value["FuncCall"]["funcname"])[-1]
    if "TypeCast" in value:
        return default_name(value["TypeCast"].get("arg", {}))
    return (strings(value.get("A_Indirection", {}).get("indirection", [])) or ["?column?"])[-1]


def is_composite_star(value: Node) -> bool:
    return "A_Star" in (value.get("A_Indirection", {}).get("indirection") or [{}])[-1]
