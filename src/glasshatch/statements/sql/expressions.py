"""Follows values through expressions, and notes which columns they could give away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..words import words
from . import functions
from .meaning import Meaning, strings
from .native import Node
from .scope import NOTHING, Column, Flow, Relation, Scope, merged
from .settings import risk_of_setting

Ctes = dict[str, Relation]
Columns = tuple[Column, ...]

_ARITHMETIC = words("+ - * / % ^ || -> ->> #> #>> & | # << >> @ !")
MAX_PAUSE_SECONDS = 60
MAX_COUNTED = 100_000_000
_TEXTUAL = words("text varchar bpchar char name citext json jsonb bytea xml regclass record")


class Expressions:
    """Reads expressions in a scope; a `Reader` adds the queries that stand within them."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning

    def query(self, node: Node, ctes: Ctes | None = None, parent: Scope | None = None) -> Columns:
        """Read a subquery."""
        raise NotImplementedError

    def _star(self, qualifier: list[str], scope: Scope) -> Columns:
        if not qualifier:
            columns = scope.star()
        else:
            relation = scope.relation(qualifier[-1]) or Relation(base=".".join(qualifier))
            columns = relation.star()
        for column in columns:
            self._note(self.meaning.columns, column.flow)
        return columns

    def flow(self, node: Any, scope: Scope, ctes: Ctes) -> Flow:
        """Where the value of an expression (or of a list of them) comes from."""
        if isinstance(node, list):
            return merged([self.flow(part, scope, ctes) for part in node] or [NOTHING])
        if not isinstance(node, dict) or not node:
            return NOTHING
        kind = next(iter(node))
        special = _SPECIAL.get(kind)
        if special is not None and len(node) == 1:
            found: Flow = special(self, node[kind], scope, ctes)
            return found
        flows = [self.flow(value, scope, ctes) for value in node.values() if isinstance(value, (dict, list))]
        return merged(flows) if flows else NOTHING

    def _column(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        parts = strings(body.get("fields", []))
        if parts[-1] == "*":
            self.meaning.risks.add("whole_row")
            flow = merged([column.flow for column in self._star(parts[:-1], scope)] or [NOTHING])
            return flow.derived()
        if len(parts) == 1:
            return self._bare(parts[0], scope)
        relation = scope.relation(parts[-2])
        if relation is None:
            flow = Flow(frozenset({".".join(parts)}), direct=True)
        else:
            flow = relation.column(parts[-1]) or NOTHING
        self._note_column(flow, parts[-1])
        return flow

    def _bare(self, name: str, scope: Scope) -> Flow:
        row = scope.relation(name)
        column = scope.bare(name)
        if row is not None and not (column is not None and column.sources and _is_derived_only(scope, name)):
            # The name of a relation used as a value is its whole row, unless a column has that name,
            # which only the catalogue could tell.
            self.meaning.risks.add("derived_row" if row.spelled_out else "whole_row")
            flow = row.whole().derived()
            self._note(self.meaning.columns, flow)
            return flow
        self._note_column(column, name)
        return column if column is not None else Flow(frozenset({name}))

    def _note_column(self, flow: Flow | None, name: str) -> None:
        if flow is None or not flow.sources:
            self.meaning.columns.add(name)
        else:
            self._note(self.meaning.columns, flow)

    def _note(self, where: set[str], flow: Flow) -> None:
        where.update(flow.sources)

    def grouping(self, nodes: Any, scope: Scope, ctes: Ctes) -> None:
        """What rows are grouped, made distinct or windowed by: an expression sorts values as a guess does."""
        for node in nodes:
            flow = self.flow(node, scope, ctes)
            if "WindowDef" in node:
                self._window(node["WindowDef"], scope, ctes)
            elif "ColumnRef" not in node:
                self._note(self.meaning.guesses, flow)

    def _window(self, body: Node, scope: Scope, ctes: Ctes) -> None:
        """Places in an order tell the order."""
        for order in body.get("orderClause", ()):
            self._note(self.meaning.guesses, self.flow(order, scope, ctes))

    def _indirection(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        """`(c).email` is a column; `(row_to_json(c)).x`, `a[1]` and the like are derived."""
        names = strings(body.get("indirection", []))
        arg = body.get("arg", {})
        parts = strings(arg.get("ColumnRef", {}).get("fields", []))
        if len(names) == 1 and len(parts) == 1 and scope.relation(parts[0]) is not None:
            fields = [{"String": {"sval": parts[0]}}, {"String": {"sval": names[0]}}]
            return self._column({"fields": fields}, scope, ctes)
        return self.flow([arg, body.get("indirection", [])], scope, ctes)

    def _sublink(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        columns = self.query(body["subselect"], ctes, scope)
        tested = self.flow(body.get("testexpr"), scope, ctes)
        link = body.get("subLinkType")
        if link == "EXISTS_SUBLINK":
            return NOTHING
        inner = merged([column.flow for column in columns] or [NOTHING])
        if link in ("ANY_SUBLINK", "ALL_SUBLINK"):
            plain = link == "ANY_SUBLINK" and strings(body.get("operName", [])) in ([], ["="])
            notes = self.meaning.lookups if plain else self.meaning.guesses
            self._note(notes, tested)
            self._note(notes, inner)
            return Flow(tested.sources | inner.sources)
        # A value of one row for each row outside: what makes those few makes this small.
        return inner.closed().derived() if link == "EXPR_SUBLINK" else inner.valued()

    def _call(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        parts = [part.lower() for part in strings(body.get("funcname", []))]
        schema, name = ".".join(parts[:-1]), parts[-1]
        self._note_call(schema, name, body)
        args = self.flow(body.get("args"), scope, ctes)
        self.condition(body.get("agg_filter"), scope, ctes)
        for order in body.get("agg_order", ()):
            ordered = self.flow(order, scope, ctes)
            self._note(self.meaning.guesses, ordered)
            if body.get("agg_within_group"):
                # `mode() within group (order by name)` gives one of the ordered values.
                args = merged([args, ordered])
        self.flow(body.get("over"), scope, ctes)
        self._window(body.get("over") or {}, scope, ctes)
        if name in functions.GUESSING:
            self._note(self.meaning.guesses, args)
        if name in functions.VALUELESS:
            return NOTHING
        picks = scope.grouped and name in functions.PICKING
        if name in functions.CONDENSING and "over" not in body and not picks:
            return Flow(args.sources)
        if name in functions.DECRYPTING:
            args = args.revealed()
        return args.collected() if name in functions.GATHERING else args.derived()

    def note_call(self, body: Node) -> None:
        """A function that a definition calls."""
        names = strings(body.get("funcname", []))
        self._note_call(names[-2] if len(names) > 1 else "", names[-1] if names else "", body)

    def _note_call(self, schema: str, name: str, body: Node) -> None:
        if name == "set_config":
            self._set_config(body.get("args", []))
        risk = functions.risk_of(schema, name)
        if risk:
            self.meaning.risks.add(risk)
        if (risk == "server_control" or name == "setval") and any(
            "ColumnRef" in arg for arg in body.get("args", ())[:1]
        ):
            # Once for each row of wherever the first argument comes from.
            self.meaning.risks.add("unbounded_write" if name == "setval" else "many_sessions")
        elif not functions.is_known(schema, name):
            self.meaning.risks.add("unknown_function")
        if name == "generate_series" and self._is_endless(body.get("args", [])):
            self.meaning.risks.add("unknown_function")
        if name == "pg_sleep" and self._is_long(body.get("args", [])):
            self.meaning.risks.add("unknown_function")
        if name in functions.CHANGES:
            self.meaning.verbs.add("update")

    def _is_endless(self, args: list[Node]) -> bool:
        """Whether more is counted than anybody waits for."""
        if len(args) < 2 or "A_Const" not in args[1]:
            return False
        last = self.meaning.constant(args[1])
        return isinstance(last, (int, float)) and last > MAX_COUNTED

    def _is_long(self, args: list[Node]) -> bool:
        """Whether a pause is of no known length, or longer than anybody waits."""
        seconds = self.meaning.constant(args[0]) if args and "A_Const" in args[0] else None
        return not isinstance(seconds, int | float) or seconds > MAX_PAUSE_SECONDS

    def _set_config(self, args: list[Node]) -> None:
        self.meaning.verbs.add("set")
        values = [self.meaning.constant(arg) if "A_Const" in arg else None for arg in args[:2]]
        name, value = [*values, None, None][:2]
        known = isinstance(name, str)
        risk = (
            risk_of_setting(str(name), str(value) if value is not None else None)
            if known
            else "session_setting"
        )
        if risk:
            self.meaning.risks.add(risk)

    def _cast(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        """A cast that fails says the value in its error; a cast to a number makes text comparable."""
        flow = self.flow(body.get("arg"), scope, ctes)
        names = strings(body.get("typeName", {}).get("names", []))
        if flow.sources and names and names[-1] not in _TEXTUAL:
            self._note(self.meaning.guesses, flow)
        return flow.derived()

    def _operation(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        operator = (strings(body.get("name", [])) or [""])[-1]
        if body.get("kind") == "AEXPR_OP" and operator in _ARITHMETIC and len(body["name"]) == 1:
            return self.flow(_operands(body), scope, ctes).derived()
        if len(body.get("name", ())) > 1 and strings(body["name"])[0] != "pg_catalog":
            # An operator with a schema calls whatever function somebody put behind it.
            self.meaning.risks.add("unknown_function")
        left = self.flow(body.get("lexpr"), scope, ctes)
        right = self.flow(body.get("rexpr"), scope, ctes)
        plain = operator in ("=", "<>") and body.get("kind") != "AEXPR_SIMILAR"
        if plain and _is_lookup(body.get("lexpr")) and _is_lookup(body.get("rexpr")):
            self._note(self.meaning.lookups, merged([left, right]))
        else:
            self._note(self.meaning.guesses, merged([left, right]))
        if body.get("kind") == "AEXPR_NULLIF":
            return left.derived()
        return Flow(left.sources | right.sources)

    def _case(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        self._note(self.meaning.guesses, self.flow(body.get("arg"), scope, ctes))
        whens = [when["CaseWhen"] for when in body.get("args", ())]
        tested = [self.flow(when.get("expr"), scope, ctes) for when in whens]
        results = [self.flow(when.get("result"), scope, ctes) for when in whens]
        results.append(self.flow(body.get("defresult"), scope, ctes))
        found = merged(results)
        return replace(found, sources=found.sources | merged(tested or [NOTHING]).sources)

    def _compared_all(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        """GREATEST and LEAST."""
        flow = self.flow(body.get("args"), scope, ctes)
        self._note(self.meaning.guesses, flow)
        return flow.derived()

    def _json_aggregate(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        """JSON_ARRAYAGG and JSON_OBJECTAGG, which are no function calls in the grammar."""
        return self.flow([body.get("arg"), body.get("constructor")], scope, ctes).collected()

    def _nested(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        return self.flow(body.get("arg"), scope, ctes).derived()

    def _null_test(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        self.flow(body.get("arg"), scope, ctes)
        return NOTHING

    def _nothing(self, body: Node, scope: Scope, ctes: Ctes) -> Flow:
        return NOTHING

    def condition(self, node: Node | None, scope: Scope, ctes: Ctes) -> None:
        """Note what a condition asks of which columns; a bare boolean column is a lookup."""
        if not node:
            return
        if "ColumnRef" in node:
            self._note(self.meaning.lookups, self.flow(node, scope, ctes))
        else:
            self.flow(node, scope, ctes)


_SPECIAL: dict[str, Any] = {
    "ColumnRef": Expressions._column,
    "A_Indirection": Expressions._indirection,
    "SubLink": Expressions._sublink,
    "FuncCall": Expressions._call,
    "TypeCast": Expressions._cast,
    "A_Expr": Expressions._operation,
    "CaseExpr": Expressions._case,
    "MinMaxExpr": Expressions._compared_all,
    "NullTest": Expressions._null_test,
    "JsonArrayAgg": Expressions._json_aggregate,
    "JsonObjectAgg": Expressions._json_aggregate,
    "CollateClause": Expressions._nested,
    "A_Const": Expressions._nothing,
    "ParamRef": Expressions._nothing,
    "TypeName": Expressions._nothing,
    "SetToDefault": Expressions._nothing,
    "SQLValueFunction": Expressions._nothing,
}


def _is_lookup(node: Any) -> bool:
    """A side of a plain equality: a column (perhaps folded to lower case), or anything without a column."""
    if isinstance(node, dict) and "TypeCast" in node:
        node = node["TypeCast"].get("arg", {})
    if isinstance(node, dict) and "FuncCall" in node:
        call = node["FuncCall"]
        if strings(call.get("funcname", []))[-1] in functions.NORMALISING and len(call.get("args", ())) == 1:
            node = call["args"][0]
    if isinstance(node, dict) and "ColumnRef" in node:
        return True
    return not _has_column(node)


def _has_column(node: Any) -> bool:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            if "ColumnRef" in part or "SubLink" in part:
                return True
            stack.extend(part.values())
    return False


def _is_derived_only(scope: Scope, name: str) -> bool:
    """Whether the column is certainly a column: some derived relation in reach gives it by that name."""
    return any(
        not relation.base and any(column.name == name for column in relation.columns)
        for _, relation in scope.relations
    )


def _operands(body: Node) -> list[Any]:
    """What a chain of arithmetic is made of; chains lean left and may be long, so no recursion."""
    operands = [body.get("rexpr")]
    left: Any = body.get("lexpr")
    while isinstance(left, dict) and "A_Expr" in left:
        inner = left["A_Expr"]
        if inner.get("kind") != "AEXPR_OP" or strings(inner["name"])[-1] not in _ARITHMETIC:
            break
        operands.append(inner.get("rexpr"))
        left = inner.get("lexpr")
    return [*operands, left]
