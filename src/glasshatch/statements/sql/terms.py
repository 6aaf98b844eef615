"""Small questions about the parts of a condition: operators, constants, columns, functions."""

from __future__ import annotations

from typing import Any

from .meaning import Meaning
from .native import Node

_PLACES = frozenset({"location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"})
MAX_LISTED = 10_000
"""So many numbers may a condition list by counting."""

FLIPPED = {"=": "<>", "<>": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def conjuncts(node: Node | None) -> list[Node]:
    """The conditions that all must hold."""
    if not node:
        return []
    body = node.get("BoolExpr", {})
    if body.get("boolop") == "AND_EXPR":
        return [one for arg in body["args"] for one in conjuncts(arg)]
    return [node]


def is_join(node: Node, names: frozenset[str]) -> bool:
    """Whether a condition only says which rows belong together: `o.customer_id = c.id`, where `o` is changed.

    `o.id = d.id` is none: the other relation is a list of rows.
    """
    body = node.get("A_Expr", {})
    if operator(body) != "=":
        return False
    sides = [body.get("lexpr", {}).get("ColumnRef"), body.get("rexpr", {}).get("ColumnRef")]
    owners = [side["fields"][-2] if side and len(side.get("fields", ())) > 1 else None for side in sides]
    if None in owners or owners[0] == owners[1]:
        return False
    own = [
        str(side["fields"][-1]) for side in sides if side["fields"][-2].get("String", {}).get("sval") in names
    ]
    return not any("'id'" in one or "'uuid'" in one for one in own)


def constant(node: Node) -> bool:
    ((kind, body),) = node.items()
    if kind == "TypeCast":
        return "A_Const" in body.get("arg", {})
    if kind == "BoolExpr":
        return all(constant(arg) for arg in body["args"])
    if kind == "A_Expr":
        sides = [body[side] for side in ("lexpr", "rexpr") if side in body]
        return all(isinstance(side, dict) and constant(side) for side in sides)
    return kind == "A_Const"


def operator(body: Node) -> str:
    if body.get("kind") not in ("AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR"):
        return ""
    return str(body["name"][-1].get("String", {}).get("sval", ""))


def text(names: Any) -> str:
    """The last of the names of a function, an operator or a type."""
    return str(names[-1].get("String", {}).get("sval", "")) if names else ""


def is_already(body: Node, where: Node | None) -> bool:
    """`SET a = 1 WHERE a <> 1`: left out are only rows that would not change."""
    tested = (where or {}).get("A_Expr", {})
    if operator(tested) != "<>" and tested.get("kind") != "AEXPR_DISTINCT":
        return False
    left, right = tested.get("lexpr", {}), tested.get("rexpr", {})
    targets = [part["ResTarget"] for part in body.get("targetList", ()) if "val" in part.get("ResTarget", {})]
    if len(targets) != 1 or not isinstance(left, dict) or "ColumnRef" not in left:
        return False
    return last(left) == targets[0].get("name") and bool(strip(targets[0]["val"]) == strip(right))


def counts_up(select: Node, meaning: Meaning) -> bool:
    """Whether a query gives a long run of numbers: `SELECT generate_series(1, 10000000)`."""
    targets = [part.get("ResTarget", {}).get("val", {}) for part in select.get("targetList", ())]
    parts = [part.get("RangeFunction", {}).get("functions", []) for part in select.get("fromClause", ())]
    calls = [*targets, *(one["List"]["items"][0] for part in parts for one in part if "List" in one)]
    for call in calls:
        if function(call) == "generate_series":
            ends = [unsigned(arg) for arg in call["FuncCall"].get("args", ())[:2]]
            if not all("A_Const" in end for end in ends):
                return True
            first, last = (meaning.constant(end) for end in ends)
            if not isinstance(first, int) or not isinstance(last, int) or last - first > MAX_LISTED:
                return True
    return False


def unsigned(node: Node) -> Node:
    """The constant behind a minus sign."""
    body = node.get("A_Expr", {})
    if body.get("kind") == "AEXPR_OP" and "lexpr" not in body and "rexpr" in body:
        return dict(body["rexpr"])
    return node


def last(node: Node) -> str:
    fields = node["ColumnRef"].get("fields", [{}])
    return str(fields[-1].get("String", {}).get("sval", ""))


def columns(node: Any) -> set[str]:
    """The columns that an expression is made of, as written."""
    if isinstance(node, dict):
        if "ColumnRef" in node:
            return {str(strip(node))}
        return set().union(*map(columns, node.values()))
    return set().union(*map(columns, node)) if isinstance(node, list) else set()


def has_words(node: Any) -> bool:
    """Whether a string or a query stands in an expression: `a = replace(a, 'x', '')` finds what has no x."""
    if isinstance(node, dict):
        return "SubLink" in node or "sval" in node.get("A_Const", {}) or any(map(has_words, node.values()))
    return any(map(has_words, node)) if isinstance(node, list) else False


def function(node: Node) -> str:
    names = node.get("FuncCall", {}).get("funcname", [{}])
    return str(names[-1].get("String", {}).get("sval", ""))


_PRESENT = frozenset(("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"))


def is_past(column: str) -> bool:
    """Whether a column by its name holds when something happened."""
    return column.lower().startswith(("created", "inserted", "updated", "modified", "added", "registered"))


def is_present(node: Node) -> bool:
    """`now()`, or later."""
    body = node.get("A_Expr", {})
    if operator(body) == "+" and isinstance(body.get("lexpr"), dict):
        return is_present(body["lexpr"])
    return function(node) in _PRESENT or str(node.get("SQLValueFunction", {}).get("op", "")).startswith(
        ("SVFOP_CURRENT_TIMESTAMP", "SVFOP_LOCALTIMESTAMP")
    )


def strip(node: Any) -> Any:
    """A tree without the offsets, so that equal code compares equal."""
    if isinstance(node, dict):
        return {key: strip(value) for key, value in node.items() if key not in _PLACES}
    if isinstance(node, list):
        return [strip(part) for part in node]
    return node


def plain(node: Node, negated: bool) -> str:
    """A condition in a form in which a condition and its opposite differ in the leading sign only."""
    ((kind, body),) = node.items()
    if kind == "BoolExpr" and body["boolop"] == "NOT_EXPR":
        return plain(body["args"][0], not negated)
    if kind == "NullTest":
        negated ^= body.get("nulltesttype") == "IS_NOT_NULL"
        body = {**body, "nulltesttype": ""}
    if kind == "A_Expr" and operator(body) in ("<>", ">=", "<="):
        negated = not negated
        body = {**body, "name": [{"String": {"sval": FLIPPED[operator(body)]}}]}
    return f"{negated}{strip({kind: body})}"
