"""Conditions of PostgreSQL as the expressions that can be tried on example rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..expression import OPERATIONS, Column, Constant, Expression, Operation, Untried
from ..trial import MAX_PARTS, holds_for_every_row
from . import terms
from .meaning import Meaning
from .native import Node

_OPERATORS = {
    "~~": "like", "~~*": "ilike", "!~~": "not like", "!~~*": "not ilike", "~": "matches", "~*": "imatches",
    "!~": "not matches", "!~*": "not imatches", "!=": "<>",
}  # fmt: skip
_FUNCTIONS = {
    "lower": "lower", "upper": "upper", "btrim": "trim", "trim": "trim", "length": "length",
    "reverse": "reverse",
    "char_length": "length", "octet_length": "length", "abs": "abs", "sign": "sign", "floor": "floor",
    "ceil": "ceil", "ceiling": "ceil", "concat": "concat", "left": "left", "substr": "substring",
    "substring": "substring", "replace": "replace", "mod": "%",
    "date_part": "date part", "extract": "date part", "starts_with": "starts with",
    "position": "position", "strpos": "strpos", "like": "like", "int4eq": "=", "int8eq": "=",
    "texteq": "=", "int4ge": ">=", "int4gt": ">", "int4le": "<=", "int4lt": "<", "int4ne": "<>",
}  # fmt: skip
_TYPES = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), "text"),
    **dict.fromkeys(("int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("numeric", "float4", "float8", "timestamp", "timestamptz", "date"), ""),
    "bool": "boolean",
}
_TRUTHS = {
    "IS_TRUE": ("is true", False), "IS_NOT_TRUE": ("is true", True),
    "IS_FALSE": ("is false", False), "IS_NOT_FALSE": ("is false", True),
    "IS_UNKNOWN": ("is null", False), "IS_NOT_UNKNOWN": ("is null", True),
}  # fmt: skip
_PLAIN = frozenset({"=", "<>", "<", ">", "<=", ">="})


class Trying:
    """Turns trees into expressions; told which columns are the relation's own, and which of them its key."""

    def __init__(
        self, meaning: Meaning, is_own: Callable[[Node], bool], is_key: Callable[[Node], bool]
    ) -> None:
        self._meaning = meaning
        self._is_own = is_own
        self._is_key = is_key

    def holds_always(self, node: Node, negated: bool) -> bool:
        """Whether a condition holds for every example row; looks at constants only where it could."""
        if self._tells_apart(node, negated) or not _is_tryable(node):
            return False
        try:
            read = self._read(node)
        except Untried:
            return False
        return holds_for_every_row(Operation("not", (read,)) if negated else read)

    def _tells_apart(self, node: Node, negated: bool) -> bool:
        """`status = 'paid'`, `total > 5`, `id IN (1, 2)`: some row fails, whatever the constant is."""
        body = node.get("A_Expr", {})
        left, right = body.get("lexpr"), body.get("rexpr")
        if not isinstance(left, dict) or "ColumnRef" not in left:
            return False
        if body.get("kind") == "AEXPR_IN":
            return not negated and terms.text(body["name"]) == "="
        operator = terms.operator(body)
        if negated:
            operator = terms.FLIPPED.get(operator, operator)
        if operator not in _PLAIN or not isinstance(right, dict):
            return False
        plain = terms.constant(right) or "ParamRef" in right or "ColumnRef" in right
        known = operator == "=" or (operator != "<>" and "ColumnRef" in right)
        return plain and (known or not (self._is_key(left) or terms.is_past(terms.last(left))))

    def _read(self, node: Node) -> Expression:
        ((kind, body),) = node.items()
        reader = _READERS.get(kind)
        if reader is None:
            raise Untried
        found: Expression = reader(self, body)
        return found

    def _constant(self, body: Node) -> Expression:
        value = self._meaning.constant({"A_Const": body})
        return Constant(int(value) if isinstance(value, float) and value % 1 == 0 else value)

    def _column(self, body: Node) -> Expression:
        names = [part.get("String", {}).get("sval", "*") for part in body.get("fields", ())]
        if "*" in names:
            raise Untried
        own = self._is_own({"ColumnRef": body})
        return Column(names[-1] if own else ".".join(names), self._is_key({"ColumnRef": body}))

    def _bool(self, body: Node) -> Expression:
        name = str(body["boolop"]).removesuffix("_EXPR").lower()
        return Operation(name, tuple(self._read(arg) for arg in body["args"]))

    def _null_test(self, body: Node) -> Expression:
        found = Operation("is null", (self._read(body["arg"]),))
        return Operation("not", (found,)) if body.get("nulltesttype") == "IS_NOT_NULL" else found

    def _truth_test(self, body: Node) -> Expression:
        name, negated = _TRUTHS[body["booltesttype"]]
        found = Operation(name, (self._read(body["arg"]),))
        return Operation("not", (found,)) if negated else found

    def _call(self, body: Node) -> Expression:
        name = _FUNCTIONS.get(terms.text(body.get("funcname", ())))
        if name is None or not body.keys() <= {"funcname", "args", "funcformat", "location"}:
            raise Untried
        args = [self._read(arg) for arg in body.get("args", ())]
        if name == "strpos" or (name == "position" and body.get("funcformat") == "COERCE_SQL_SYNTAX"):
            # The parser writes `position(a in b)` as `position(b, a)`.
            name, args = "position", args[::-1]
        return Operation(name, tuple(args))

    def _cast(self, body: Node) -> Expression:
        name = _TYPES.get(terms.text(body.get("typeName", {}).get("names", ())))
        if name is None or "arrayBounds" in body.get("typeName", {}):
            raise Untried
        inner = self._read(body["arg"])
        return Operation(name, (inner,)) if name else inner

    def _case(self, body: Node) -> Expression:
        args: list[Expression] = []
        for item in body.get("args", ()):
            when = item["CaseWhen"]
            tested = self._read(when["expr"])
            if "arg" in body:
                tested = Operation("=", (self._read(body["arg"]), tested))
            args += [tested, self._read(when["result"])]
        args.append(self._read(body["defresult"]) if "defresult" in body else Constant(None))
        return Operation("case", tuple(args))

    def _coalesce(self, body: Node) -> Expression:
        return Operation("coalesce", tuple(self._read(arg) for arg in body["args"]))

    def _row(self, body: Node) -> Expression:
        """`ROW(id)` is compared as `id` is."""
        args = body.get("args", ())
        if len(args) != 1:
            raise Untried
        return self._read(args[0])

    def _min_max(self, body: Node) -> Expression:
        name = "greatest" if body.get("op") == "IS_GREATEST" else "least"
        return Operation(name, tuple(self._read(arg) for arg in body["args"]))

    def _operation(self, body: Node) -> Expression:
        kind: str = body.get("kind", "")
        left, right = body.get("lexpr", {}), body.get("rexpr", {})
        if kind in ("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM"):
            items = (left, *right["List"]["items"])
            return _signed(Operation("between", tuple(map(self._read, items))), "NOT" in kind)
        if kind == "AEXPR_IN":
            items = (left, *right["List"]["items"])
            return _signed(Operation("in", tuple(map(self._read, items))), terms.text(body["name"]) == "<>")
        listed = _listed(right)
        if listed == [] and kind in ("AEXPR_OP_ANY", "AEXPR_OP_ALL"):
            # Of nothing everything is so, and nothing is.
            return Constant(kind == "AEXPR_OP_ALL")
        if listed and (kind, terms.text(body["name"])) in (("AEXPR_OP_ANY", "="), ("AEXPR_OP_ALL", "<>")):
            items = (left, *listed)
            return _signed(Operation("in", tuple(map(self._read, items))), kind == "AEXPR_OP_ALL")
        if kind in ("AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT", "AEXPR_NULLIF"):
            name = "nullif" if kind == "AEXPR_NULLIF" else "distinct"
            return _signed(Operation(name, (self._read(left), self._read(right))), "NOT" in kind)
        if kind not in ("AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE"):
            raise Untried
        return self._plain(terms.text(body["name"]), left, right)

    def _plain(self, operator: str, left: Any, right: Any) -> Expression:
        if not left:
            return Operation("negative", (self._read(right),)) if operator == "-" else self._read(right)
        word = _OPERATORS.get(operator, operator)
        name = word.removeprefix("not ")
        if name not in OPERATIONS:
            raise Untried
        return _signed(Operation(name, (self._read(left), self._read(right))), word != name)


_READERS: dict[str, Any] = {
    "A_Const": Trying._constant,
    "ColumnRef": Trying._column,
    "BoolExpr": Trying._bool,
    "NullTest": Trying._null_test,
    "BooleanTest": Trying._truth_test,
    "FuncCall": Trying._call,
    "TypeCast": Trying._cast,
    "CaseExpr": Trying._case,
    "CoalesceExpr": Trying._coalesce,
    "MinMaxExpr": Trying._min_max,
    "RowExpr": Trying._row,
    "A_Expr": Trying._operation,
}


def _listed(node: Any) -> list[Node] | None:
    """The elements of an array that is written out; None for any other."""
    inner = node.get("TypeCast", {}).get("arg", node) if isinstance(node, dict) else {}
    if inner.get("A_Const", {}).get("sval", {}).get("sval") == "{}":
        return []
    return list(inner["A_ArrayExpr"].get("elements", ())) if "A_ArrayExpr" in inner else None


def _signed(found: Expression, negated: bool) -> Expression:
    return Operation("not", (found,)) if negated else found


def _is_tryable(node: Any) -> bool:
    """Whether nothing stands in a condition that has no value here; asked before any constant is read."""
    stack, parts = [node], 0
    while stack:
        part = stack.pop()
        parts += 1
        if parts > MAX_PARTS * 12:
            return False
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            if "SubLink" in part or "ParamRef" in part or "SQLValueFunction" in part:
                return False
            if "FuncCall" in part and terms.text(part["FuncCall"].get("funcname", ())) not in _FUNCTIONS:
                return False
            stack.extend(part.values())
    return True
