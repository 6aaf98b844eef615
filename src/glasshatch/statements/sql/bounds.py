"""Whether a condition narrows what it is put on: `WHERE true`, `1=1` and `id = id` do not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from . import terms
from .functions import is_personal, is_sensitive
from .meaning import Meaning, relation_name
from .native import Node
from .scope import Relation
from .trying import Trying

_COMPARE = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_UNKNOWN = object()
MAX_BOUNDED_ROWS = 10_000
"""Up to this a LIMIT makes an answer small."""


class Bounds:
    """Judges conditions; `names` are what the narrowed relation may be called, empty for any."""

    def __init__(
        self,
        meaning: Meaning,
        names: frozenset[str] = frozenset(),
        relation: str = "",
        wide: Mapping[str, frozenset[str]] = MappingProxyType({}),
        *,
        inner: bool = False,
    ) -> None:
        self._meaning = meaning
        self._names = names
        self._relation = relation
        self._wide = wide
        # Of a query in a query: a row for each row outside is as many as there are outside.
        self._inner = inner

    def narrows(self, node: Node | None, negated: bool = False) -> bool:
        """True if some rows can be expected to fail the condition."""
        if not node:
            return False
        value = self._value(node)
        if value is not _UNKNOWN:
            # A constant either stops every row (nothing happens) or none.
            return (value if negated else not value) is True if isinstance(value, bool) else value is None
        if "BoolExpr" in node:
            found = self._bool(node["BoolExpr"], negated)
        else:
            found = self._predicate(node, negated)
        if not found or ("BoolExpr" in node and node["BoolExpr"]["boolop"] == "AND_EXPR" and not negated):
            return found
        return not Trying(self._meaning, self._is_own, self._is_key).holds_always(node, negated)

    def _predicate(self, node: Node, negated: bool) -> bool:
        ((kind, body),) = node.items()
        if kind == "A_Expr":
            return self._comparison(body, negated)
        if kind == "NullTest":
            return self._null_test(body, negated)
        if kind == "SubLink":
            return self._sublink(body, negated)
        return self._mentions(node)

    def _bool(self, body: Node, negated: bool) -> bool:
        args = body["args"]
        if body["boolop"] == "NOT_EXPR":
            return self.narrows(args[0], not negated)
        if (body["boolop"] == "AND_EXPR") != negated:
            return any(self.narrows(arg, negated) for arg in args)
        return all(self.narrows(arg, negated) for arg in args) and not self._complementary(args, negated)

    def _complementary(self, args: list[Node], negated: bool) -> bool:
        """`a = 1 OR a <> 1`, `a IS NULL OR a IS NOT NULL`, `x OR NOT x`."""
        self._meaning.read_literal = True
        seen = {terms.plain(arg, negated) for arg in args}
        return any(terms.plain(arg, not negated) in seen for arg in args)

    def _comparison(self, body: Node, negated: bool) -> bool:
        operator = terms.operator(body)
        left, right = body.get("lexpr"), body.get("rexpr")
        if negated:
            operator = terms.FLIPPED.get(operator, operator)
        if isinstance(left, dict) and isinstance(right, dict):
            if operator in ("=", "<=", ">=", "<@", "@>") and self._same(left, right):
                return False
            if self._inner and self._names and operator == "=" and self._ties(left, right):
                return False
            if self._holds_always(operator, left, right):
                return False
            if "SubLink" in right and right["SubLink"].get("subLinkType") == "ARRAY_SUBLINK":
                return self._sublink(
                    {**right["SubLink"], "subLinkType": "ANY_SUBLINK", "testexpr": left}, negated
                )
            if self._beyond_extreme(operator, right):
                return False
            if self._matches_all(operator, right) and not negated:
                return False
            if self._is_key(left) and self._above_all_keys(operator, right):
                return False
        return self._mentions({"A_Expr": body})

    def _same(self, left: Node, right: Node) -> bool:
        if left.keys() != right.keys():
            return False
        if "ColumnRef" in left and self._names and self._is_own(left) and self._is_own(right):
            return terms.last(left) == terms.last(right)
        self._meaning.read_literal |= "ColumnRef" not in left
        return bool(terms.strip(left) == terms.strip(right))

    def _matches_all(self, operator: str, right: Node) -> bool:
        if terms.function(right) == "similar_to_escape":
            right = right["FuncCall"]["args"][0]
            operator = "~~"
        if operator not in ("~~", "~~*", "~", "~*") or "A_Const" not in right:
            return False
        pattern = self._meaning.constant(right)
        if operator.startswith("~~"):
            return isinstance(pattern, str) and bool(pattern) and not pattern.strip("%")
        return pattern in ("", ".*", "^", "$", "^.*$", ".", ".+", "^.*", ".*$")

    def _ties(self, left: Node, right: Node) -> bool:
        """Whether a column of the relation is compared with one of the query outside."""
        return "ColumnRef" in left and "ColumnRef" in right and self._is_own(left) != self._is_own(right)

    def _holds_always(self, operator: str, left: Node, right: Node) -> bool:
        """`a = lower(a)`, `length(a) >= 0`, `created_at < now()`: what almost every row passes."""
        if operator == "=" and left.keys() != right.keys():
            mine, theirs = terms.columns(left), terms.columns(right)
            self._meaning.read_literal |= mine == theirs
            if mine and mine == theirs and not terms.has_words(left) and not terms.has_words(right):
                return True
        if operator in (">=", ">") and terms.function(left) in (
            "length",
            "char_length",
            "octet_length",
            "abs",
        ):
            value = self._meaning.constant(right) if "A_Const" in right else None
            return isinstance(value, (int, float)) and value <= (0 if operator == ">=" else -1)
        if operator in ("<", "<=") and "ColumnRef" in left:
            return self._is_ever(right) or (terms.is_past(terms.last(left)) and terms.is_present(right))
        return False

    def _beyond_extreme(self, operator: str, right: Node) -> bool:
        """`id >= (SELECT min(id) FROM the same table)`."""
        select = right.get("SubLink", {}).get("subselect", {}).get("SelectStmt", {})
        targets = select.get("targetList", [{}])
        function = terms.function(targets[0].get("ResTarget", {}).get("val", {}))
        if (function, operator[:1]) not in (("min", ">"), ("max", "<")) or len(targets) != 1:
            return False
        return self._relation in wide_query(select, {})

    def _is_ever(self, node: Node) -> bool:
        inner = node.get("TypeCast", {}).get("arg", node)
        return "A_Const" in inner and self._meaning.constant(inner) == "infinity"

    def _is_key(self, node: Node) -> bool:
        """A column that by its name is the relation's own key."""
        if not self._names or "ColumnRef" not in node:
            return False
        name = terms.last(node).lower()
        stem = self._relation.rpartition(".")[2].rstrip("s")
        return name in ("id", "ctid", "uuid", "oid", "tableoid") or name in (f"{stem}_id", f"{stem}id")

    def _above_all_keys(self, operator: str, right: Node) -> bool:
        if operator not in (">", ">=", "<>") or "A_Const" not in terms.unsigned(right):
            return False
        value = self._meaning.constant(terms.unsigned(right))
        limit = 1 if operator == ">=" else 0
        return isinstance(value, (int, float)) and (value <= limit or terms.unsigned(right) is not right)

    def _null_test(self, body: Node, negated: bool) -> bool:
        stands = (body.get("nulltesttype") == "IS_NOT_NULL") != negated
        arg = body.get("arg", {})
        # Nearly everybody has an e-mail address.
        filled = (
            self._is_key(arg) or self._is_row(arg) or ("ColumnRef" in arg and _is_filled(terms.last(arg)))
        )
        return not (stands and filled) and self._mentions(arg)

    def _is_row(self, node: Node) -> bool:
        """The relation itself, or all its columns, as a value."""
        fields = node.get("ColumnRef", {}).get("fields", [])
        return any("A_Star" in part for part in fields) or (
            len(fields) == 1 and terms.last(node) in self._names
        )

    def _sublink(self, body: Node, negated: bool) -> bool:
        """`IN (SELECT id FROM the same table)`, `EXISTS (SELECT 1)` and `(SELECT true)` narrow nothing."""
        kind = body.get("subLinkType")
        select = body.get("subselect", {}).get("SelectStmt", {})
        if kind not in ("EXISTS_SUBLINK", "ANY_SUBLINK"):
            return self._mentions(body)
        if kind == "ANY_SUBLINK" and not self._mentions(body.get("testexpr")):
            return False
        inner = Bounds(self._meaning)
        if "fromClause" not in select and kind == "EXISTS_SUBLINK":
            return self._mentions(select.get("whereClause"))
        if not negated and self._finds_itself(select):
            return False
        if select.get("limitCount") or inner.narrows(select.get("whereClause")) or select.get("havingClause"):
            return True
        if terms.counts_up(select, self._meaning):
            return False
        if kind == "EXISTS_SUBLINK" or "fromClause" not in select:
            return kind != "EXISTS_SUBLINK" and not negated
        relations = [
            relation_name(part["RangeVar"]) for part in select.get("fromClause", ()) if "RangeVar" in part
        ]
        read = {*relations, *(name for one in relations for name in self._wide.get(one, ()))}
        return self._relation not in read

    def _finds_itself(self, select: Node) -> bool:
        """`EXISTS (SELECT 1 FROM t x WHERE x.id = t.id)` over `t`: each row finds at least itself."""
        where = terms.conjuncts(select.get("whereClause"))
        joins = bool(where) and all(terms.is_join(one, frozenset()) for one in where)
        parts = [part["RangeVar"] for part in select.get("fromClause", ()) if "RangeVar" in part]
        names = [relation_name(part) for part in parts]
        return joins and names == [self._relation] and "limitCount" not in select

    def _mentions(self, node: Any) -> bool:
        """Whether a column of the narrowed relation is part of the condition."""
        stack = [node]
        while stack:
            part = stack.pop()
            if isinstance(part, list):
                stack.extend(part)
            elif isinstance(part, dict):
                if "ColumnRef" in part and self._is_own(part):
                    return True
                if terms.function(part) == "pg_typeof":
                    # The same for every row.
                    continue
                stack.extend(part.values())
        return False

    def _is_own(self, node: Node) -> bool:
        fields = node["ColumnRef"].get("fields", [])
        if not self._names or len(fields) < 2:
            return True
        return fields[-2].get("String", {}).get("sval", "") in self._names

    def _value(self, node: Node) -> Any:
        """The truth of a condition made of constants only; `_UNKNOWN` for all others."""
        ((kind, body),) = node.items()
        if kind == "A_Const":
            return self._meaning.constant(node)
        if kind == "TypeCast":
            return self._cast_value(body)
        if kind == "A_Expr":
            return self._compared(body)
        if kind == "BoolExpr":
            return self._bool_value(body)
        return _UNKNOWN

    def _cast_value(self, body: Node) -> Any:
        names = [part.get("String", {}).get("sval", "") for part in body.get("typeName", {}).get("names", ())]
        value = self._value(body["arg"]) if "A_Const" in body.get("arg", {}) else _UNKNOWN
        if names[-1:] == ["bool"] and isinstance(value, str):
            return value.strip().lower() in ("t", "true", "y", "yes", "on", "1")
        if names[-1:] == ["bool"] and isinstance(value, int):
            return value != 0
        return value

    def _compared(self, body: Node) -> Any:
        compare = _COMPARE.get(terms.operator(body))
        left, right = body.get("lexpr"), body.get("rexpr")
        if compare is None or not isinstance(left, dict) or not isinstance(right, dict):
            return _UNKNOWN
        if not (terms.constant(left) and terms.constant(right)):
            return _UNKNOWN
        mine, theirs = self._value(left), self._value(right)
        if _UNKNOWN in (mine, theirs):
            return _UNKNOWN
        if mine is None or theirs is None:
            return None
        if isinstance(mine, str) != isinstance(theirs, str):
            # '1' = 1: the server would make the string a number; that is not worth judging here,
            # and a comparison of two constants that is not judged narrows nothing.
            return True
        return compare(mine, theirs)

    def _bool_value(self, body: Node) -> Any:
        values = [self._value(arg) for arg in body["args"] if terms.constant(arg)]
        if body["boolop"] == "NOT_EXPR":
            return not values[0] if values and isinstance(values[0], bool) else _UNKNOWN
        deciding = body["boolop"] == "OR_EXPR"
        if any(value is deciding for value in values):
            return deciding
        return _UNKNOWN


def is_unbounded(
    meaning: Meaning, body: Node, where: Node | None, names: frozenset[str], ctes: Mapping[str, Relation]
) -> bool:
    """Whether an UPDATE, DELETE or MERGE, whose relation goes by `names`, leaves out no row."""
    wide = {name: relation.wide for name, relation in ctes.items()}
    bounds = Bounds(meaning, names, relation_name(body["relation"]), wide)
    if terms.is_already(body, where):
        return True
    return not bounds.narrows(where) or _only_joins(meaning, body, where, names, wide)


def _is_filled(column: str) -> bool:
    """Whether nearly everybody has one: an e-mail address, a number that says who somebody is."""
    return is_personal(column) or is_sensitive(column)


def has_limit(meaning: Meaning, body: Node) -> bool:
    """LIMIT with a parameter counts: a client that pages sends one."""
    count = body.get("limitCount")
    if not count:
        return False
    if "A_Const" not in count:
        return "ParamRef" in count.get("TypeCast", {}).get("arg", count)
    value = meaning.constant(count)
    return isinstance(value, (int, float)) and value <= MAX_BOUNDED_ROWS


def wide_query(select: Node | None, ctes: Mapping[str, Relation]) -> frozenset[str]:
    """The relations that a query reads, if it leaves out no row."""
    if not select or any(part in select for part in ("whereClause", "limitCount", "havingClause", "larg")):
        return frozenset()
    parts = select.get("fromClause", ())
    named = [relation_name(part["RangeVar"]) for part in parts if "RangeVar" in part]
    tables = frozenset(name for name in named if name not in ctes)
    return tables.union(*(ctes[name].wide for name in named if name in ctes))


def _joined_whole(body: Node) -> list[str]:
    """The relations that an UPDATE … FROM, a DELETE … USING or a MERGE joins with."""
    return [relation_name(part) for part in _joined(body)]


def _joined(body: Node) -> list[Node]:
    parts = [*body.get("fromClause", ()), *body.get("usingClause", ())]
    parts += filter(None, [body.get("sourceRelation")])
    return [part["RangeVar"] for part in parts if "RangeVar" in part]


def _aliases(body: Node) -> frozenset[str]:
    return frozenset(
        str((part.get("alias") or {}).get("aliasname") or part.get("relname")) for part in _joined(body)
    )


def _only_joins(
    meaning: Meaning,
    body: Node,
    where: Node | None,
    names: frozenset[str],
    wide: Mapping[str, frozenset[str]],
) -> bool:
    """Whether a DELETE … USING narrows by nothing but the join: of two tables that finds almost every row."""
    own = relation_name(body["relation"])
    if own in _joined_whole(body):
        # Each row finds itself.
        rest = [one for one in terms.conjuncts(where) if not terms.is_join(one, frozenset())]
        both = Bounds(meaning, names | _aliases(body), own)
        return not any(both.narrows(one) for one in rest)
    joined = [part["RangeVar"]["relname"] for part in body.get("usingClause", ()) if "RangeVar" in part]
    if not joined or any(name in wide and own not in wide[name] for name in joined):
        return False
    itself = any(own in wide.get(name, ()) for name in joined)
    others = [
        one for one in terms.conjuncts(where) if not terms.is_join(one, frozenset() if itself else names)
    ]
    return not any(Bounds(meaning).narrows(one) for one in others)
