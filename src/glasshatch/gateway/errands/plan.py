"""What a plan of EXPLAIN (FORMAT JSON) says of the tables it changes; of its conditions nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


class Planned(msgspec.Struct, frozen=True):
    """How many rows the plan expects to change: in all, and by table."""

    rows: int
    tables: tuple[tuple[str, int], ...]


def read_plan(document: bytes) -> Planned:
    """Sum up the changing nodes of a plan. One that has none changes nothing."""
    (whole,) = msgspec.json.decode(document)
    tables: dict[str, int] = {}
    for node in _changing(whole["Plan"]):
        name = f"{node.get('Schema', '')}.{node.get('Relation Name', '')}".strip(".")
        tables[name] = tables.get(name, 0) + _rows_into(node)
    return Planned(sum(tables.values()), tuple(tables.items()))


def _changing(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Node Type") == "ModifyTable":
        yield node
    for below in node.get("Plans", ()):
        yield from _changing(below)


def _rows_into(node: dict[str, Any]) -> int:
    """A changing node gives no rows by itself; what comes into it is what it changes."""
    into = [
        below for below in node.get("Plans", ()) if below.get("Parent Relationship") in ("Outer", "Member")
    ]
    return sum(int(below.get("Plan Rows", 0)) for below in into)
