"""Reads queries: follows every column from its table to the answer, and notes what it meets on the way."""

from __future__ import annotations

from typing import Any

from .bounds import Bounds, has_limit, is_unbounded, wide_query
from .catalogue import holds_credentials, holds_samples, is_catalogue
from .connecting import holds_connections
from .expressions import Columns, Ctes, Expressions
from .meaning import relation_name, strings
from .naming import default_name, function_name, is_composite_star
from .native import QUERIES, Node
from .scope import NOTHING, Column, Flow, Relation, Scope, merged


class Reader(Expressions):
    """Walks the queries of one text and takes notes in its `Meaning`."""

    # Queries

    def query(self, node: Node, ctes: Ctes | None = None, parent: Scope | None = None) -> Columns:
        """Read a query of any kind; its answer's columns, empty if it gives none."""
        ((kind, body),) = node.items()
        if kind not in QUERIES:
            self.meaning.verbs.add("unknown")
            return ()
        ctes = dict(ctes or {})
        self._with(body, ctes, parent)
        if kind == "SelectStmt":
            return self.select(body, ctes, parent)
        write = {
            "InsertStmt": self._insert,
            "UpdateStmt": self._update,
            "DeleteStmt": self._delete,
            "MergeStmt": self._merge,
        }
        return write[kind](body, ctes, parent)

    def _with(self, body: Node, ctes: Ctes, parent: Scope | None) -> None:
        clause: Node = body.get("withClause") or {}
        for wrapped in clause.get("ctes", ()):
            cte = wrapped["CommonTableExpr"]
            names = strings(cte.get("aliascolnames", []))
            select = cte["ctequery"].get("SelectStmt")
            if clause.get("recursive") and select and select.get("op", "SETOP_NONE") != "SETOP_NONE":
                columns = self._recursive(cte["ctename"], names, select, ctes, parent)
            else:
                columns = self.query(cte["ctequery"], ctes, parent)
            ctes[cte["ctename"]] = Relation(
                "", _renamed(columns, names), not columns, wide_query(select, ctes)
            )

    def _recursive(
        self, name: str, names: list[str], select: Node, ctes: Ctes, parent: Scope | None
    ) -> Columns:
        """The first arm gives the columns that the second one sees under the name."""
        inner = dict(ctes)
        self._with(select, inner, parent)
        first = self.select(select["larg"], inner, parent, with_ctes=True)
        inner[name] = Relation(columns=_renamed(first, names), opaque=True)
        second = self.select(select["rarg"], inner, parent, with_ctes=True)
        return self._limited(select, _united(first, second))

    def select(self, body: Node, ctes: Ctes, parent: Scope | None, *, with_ctes: bool = False) -> Columns:
        """A SELECT, VALUES, TABLE or set operation."""
        if with_ctes and "withClause" in body:
            ctes = dict(ctes)
            self._with(body, ctes, parent)
        for part in ("limitCount", "limitOffset"):
            self.flow(body.get(part), Scope(parent), ctes)
        if body.get("op", "SETOP_NONE") != "SETOP_NONE":
            left = self.select(body["larg"], ctes, parent, with_ctes=True)
            right = self.select(body["rarg"], ctes, parent, with_ctes=True)
            return self._limited(body, _united(left, right))
        if "valuesLists" in body:
            return self._values(body, ctes, parent)
        return self._plain_select(body, ctes, parent)

    def _values(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        rows = [
            [self.flow(item, Scope(parent), ctes) for item in row["List"].get("items", ())]
            for row in body["valuesLists"]
        ]
        return tuple(
            Column(f"column{index + 1}", merged(list(column)).derived())
            for index, column in enumerate(zip(*rows, strict=False))
        )

    def _plain_select(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        self.meaning.verbs.add("select")
        if "lockingClause" in body:
            self.meaning.risks.add("row_lock")
        if "intoClause" in body:
            self.meaning.verbs.add("create")
            self.meaning.copies_for_good()
            self.meaning.resources.add(relation_name(body["intoClause"].get("rel", {})))
        scope = Scope(parent, grouped="groupClause" in body)
        for item in body.get("fromClause", ()):
            self._from(item, scope, ctes)
        self.condition(body.get("whereClause"), scope, ctes)
        columns = self._targets(body.get("targetList", ()), scope, ctes)
        self.condition(body.get("havingClause"), scope, ctes)
        for part in ("groupClause", "distinctClause", "windowClause"):
            self.grouping(body.get(part) or (), scope, ctes)
        for order in body.get("sortClause", ()):
            self._order(order["SortBy"]["node"], columns, scope, ctes)
        return tuple(
            Column(column.name, column.flow.closed()) for column in self._made_small(columns, body, scope)
        )

    def _made_small(self, columns: Columns, body: Node, scope: Scope) -> Columns:
        """Asked only where it matters, because it may look at literals."""
        if all(column.flow.is_small for column in columns):
            return columns
        if self._narrowed(body, scope):
            return _bounded(columns)
        if has_limit(self.meaning, body):
            return _paged(columns)
        # Whoever writes a condition or a LIMIT that leaves out nobody wants all of them.
        return _exposed(columns) if "whereClause" in body or "limitCount" in body else columns

    def _narrowed(self, body: Node, scope: Scope) -> bool:
        names = frozenset(alias for alias, _ in scope.relations)
        bases = [relation.base for _, relation in scope.relations if relation.base]
        bounds = Bounds(self.meaning, names, bases[0] if len(bases) == 1 else "", inner=True)
        return bounds.narrows(body.get("whereClause"))

    def _limited(self, body: Node, columns: Columns) -> Columns:
        for order in body.get("sortClause", ()):
            self._order(order["SortBy"]["node"], columns, Scope(), {})
        if "limitCount" not in body or all(column.flow.is_small for column in columns):
            return columns
        return _paged(columns) if has_limit(self.meaning, body) else _exposed(columns)

    # Commands that write

    def _insert(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        self.meaning.verbs.add("insert")
        scope = self._target(body["relation"], parent)
        if "selectStmt" in body:
            self._insert_rows(body["selectStmt"], ctes, parent)
        conflict = body.get("onConflictClause")
        if conflict and conflict.get("action") == "ONCONFLICT_UPDATE":
            self.meaning.verbs.add("update")
            source = body.get("selectStmt", {}).get("SelectStmt")
            if relation_name(body["relation"]) in wide_query(source, ctes):
                # A table put into itself meets every one of its rows.
                self.meaning.risks.add("unbounded_write")
            scope.add("excluded", Relation(opaque=True))
            self._assignments(conflict.get("targetList", ()), scope, ctes)
            self.condition(conflict.get("whereClause"), scope, ctes)
        return _bounded(self._returning(body, scope, ctes))

    def _insert_rows(self, source: Node, ctes: Ctes, parent: Scope | None) -> None:
        """Rows copied from other tables would be read under another name: each column may leak."""
        columns = self.query(source, ctes, parent)
        values = "valuesLists" in source.get("SelectStmt", {})
        if not values or any(column.flow.sources for column in columns):
            self.meaning.copies_for_good()
        if any(column.flow.whole or column.flow.personal for column in columns):
            self.meaning.risks.add("bulk_read")
        for column in columns:
            self._note(self.meaning.guesses, column.flow)

    def _update(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        self.meaning.verbs.add("update")
        scope = self._target(body["relation"], parent)
        for item in body.get("fromClause", ()):
            self._from(item, scope, ctes)
        self._assignments(body.get("targetList", ()), scope, ctes)
        self._written(body, body.get("whereClause"), scope, ctes)
        return self._returning(body, scope, ctes)

    def _delete(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        self.meaning.verbs.add("delete")
        scope = self._target(body["relation"], parent)
        for item in body.get("usingClause", ()):
            self._from(item, scope, ctes)
        self._written(body, body.get("whereClause"), scope, ctes)
        return self._returning(body, scope, ctes)

    def _merge(self, body: Node, ctes: Ctes, parent: Scope | None) -> Columns:
        self.meaning.verbs.add("merge")
        scope = self._target(body["relation"], parent)
        self._from(body["sourceRelation"], scope, ctes)
        actions = [clause["MergeWhenClause"] for clause in body.get("mergeWhenClauses", ())]
        for action in actions:
            command = str(action.get("commandType", "")).removeprefix("CMD_").lower()
            if command in ("insert", "update", "delete"):
                self.meaning.verbs.add(command)
            self.condition(action.get("condition"), scope, ctes)
            for part in ("targetList", "values"):
                self._note(self.meaning.guesses, self.flow(action.get(part), scope, ctes))
        self._written(body, body.get("joinCondition"), scope, ctes)
        return self._returning(body, scope, ctes)

    def _target(self, relation: Node, parent: Scope | None) -> Scope:
        name = relation_name(relation)
        self.meaning.resources.add(name)
        if is_catalogue(name):
            self.meaning.risks.add("privilege_change")
        scope = Scope(parent)
        scope.add(_alias(relation) or str(relation.get("relname", "")), Relation(base=name))
        return scope

    def _written(self, body: Node, where: Node | None, scope: Scope, ctes: Ctes) -> None:
        names = frozenset({_alias(body["relation"]) or str(body["relation"].get("relname", ""))})
        if is_unbounded(self.meaning, body, where, names, ctes):
            self.meaning.risks.add("unbounded_write")
        self.condition(where, scope, ctes)

    def _assignments(self, targets: Any, scope: Scope, ctes: Ctes) -> None:
        for target in targets:
            body = target["ResTarget"]
            if "name" in body:
                self._note_column(scope.bare(body["name"]), body["name"])
            self._note(self.meaning.guesses, self.flow(body.get("val"), scope, ctes))

    def _returning(self, body: Node, scope: Scope, ctes: Ctes) -> Columns:
        clause = body.get("returningClause") or {}
        targets = clause.get("exprs", body.get("returningList", ()))
        columns = self._targets(targets, scope, ctes)
        return columns if "unbounded_write" in self.meaning.risks else _bounded(columns)

    def written_to(self, relation: Node) -> None:
        """COPY FROM: rows go into the relation."""
        self._target(relation, None)

    def note_read(self, name: str) -> None:
        """Some relations must not be read, whoever may read the rest."""
        if holds_credentials(name):
            self.meaning.risks.add("credential_read")
        elif holds_samples(name):
            self.meaning.risks.add("sampled_values")
        self.meaning.connections |= holds_connections(name)

    def loose(self, node: Any) -> None:
        """An expression outside any query."""
        self.flow(node, Scope(), {})

    def loose_condition(self, node: Node, relation: Node) -> None:
        """The WHERE of COPY FROM."""
        scope = Scope()
        scope.add(str(relation.get("relname", "")), Relation(base=relation_name(relation)))
        self.condition(node, scope, {})

    # FROM

    def _from(self, item: Node, scope: Scope, ctes: Ctes) -> None:
        ((kind, body),) = item.items()
        if kind == "RangeVar":
            self._table(body, scope, ctes)
        elif kind == "JoinExpr":
            self._from(body["larg"], scope, ctes)
            self._from(body["rarg"], scope, ctes)
            self.condition(body.get("quals"), scope, ctes)
            for name in strings(body.get("usingClause", [])):
                self._note(self.meaning.lookups, scope.bare(name) or NOTHING)
            if "alias" in body:
                scope.add(body["alias"]["aliasname"], Relation(columns=scope.star()))
        elif kind == "RangeSubselect":
            columns = self.query(body["subquery"], ctes, scope)
            scope.add(
                _alias(body), Relation(columns=_renamed(columns, _column_aliases(body)), opaque=not columns)
            )
        elif kind == "RangeTableSample":
            self._from(body["relation"], scope, ctes)
        else:
            # Functions, XMLTABLE, JSON_TABLE: their rows come from their arguments.
            flow = self.flow(body, scope, ctes)
            self._function_rows(body, flow, scope)

    def _function_rows(self, body: Node, flow: Flow, scope: Scope) -> None:
        names = _column_aliases(body) or ["*"]
        columns = tuple(Column(name, flow.derived()) for name in names) if flow.sources else ()
        scope.add(_alias(body) or function_name(body), Relation(columns=columns, opaque=True))

    def _table(self, body: Node, scope: Scope, ctes: Ctes) -> None:
        name = relation_name(body)
        alias = _alias(body) or str(body.get("relname", ""))
        cte = ctes.get(name) if "schemaname" not in body else None
        if cte is not None:
            columns = _renamed(cte.columns, _column_aliases(body))
            scope.add(alias, Relation(columns=columns, opaque=cte.opaque))
            return
        self.meaning.resources.add(name)
        self.note_read(name)
        scope.add(alias, self._aliased_table(name, _column_aliases(body)))

    def _aliased_table(self, name: str, aliases: list[str]) -> Relation:
        """`customers AS c(a, b)` hides which column is which, so each may be any."""
        relation = Relation(base=name)
        if not aliases:
            return relation
        columns = tuple(Column(alias, relation.whole().derived()) for alias in aliases)
        return Relation(columns=(*columns, *relation.star()))

    # What comes out

    def _targets(self, targets: Any, scope: Scope, ctes: Ctes) -> Columns:
        columns: list[Column] = []
        for target in targets:
            body = target["ResTarget"]
            value = body.get("val", {})
            fields = value.get("ColumnRef", {}).get("fields", [])
            if fields and "A_Star" in fields[-1]:
                columns += self._star(strings(fields[:-1]), scope)
            elif is_composite_star(value):
                columns += self._composite_star(value, scope, ctes)
            else:
                flow = self.flow(value, scope, ctes)
                columns.append(Column(body.get("name") or default_name(value), flow))
        return tuple(columns)

    def _composite_star(self, value: Node, scope: Scope, ctes: Ctes) -> Columns:
        self.meaning.risks.add("whole_row")
        return (Column("*", self.flow(value["A_Indirection"]["arg"], scope, ctes).derived()),)

    def _order(self, node: Node, columns: Columns, scope: Scope, ctes: Ctes) -> None:
        """An order tells values apart; an ordinal or an output's name means that output."""
        flow = self._order_flow(node, columns, scope, ctes)
        self._note(self.meaning.guesses, flow)

    def _order_flow(self, node: Node, columns: Columns, scope: Scope, ctes: Ctes) -> Flow:
        if "A_Const" in node:
            index = self.meaning.constant(node)
            known = isinstance(index, int) and 0 < index <= len(columns)
            return (
                columns[index - 1].flow if known else merged([column.flow for column in columns] or [NOTHING])
            )
        fields = strings(node.get("ColumnRef", {}).get("fields", []))
        named = [column.flow for column in columns if fields == [column.name]]
        return named[0] if named else self.flow(node, scope, ctes)


def _alias(body: Node) -> str:
    return str((body.get("alias") or {}).get("aliasname", ""))


def _column_aliases(body: Node) -> list[str]:
    return strings((body.get("alias") or {}).get("colnames", []))


def _renamed(columns: Columns, names: list[str]) -> Columns:
    """`AS x(a, b)`: the first columns take the names; behind a star nobody knows which they are."""
    if any(column.name == "*" for column in columns[: len(names)]):
        whole = merged([column.flow for column in columns])
        return (*(Column(name, whole) for name in names), *columns)
    renamed = tuple(Column(name, column.flow) for name, column in zip(names, columns, strict=False))
    return (*renamed, *columns[len(names) :])


def _united(left: Columns, right: Columns) -> Columns:
    """A set operation: each column holds either arm's values."""
    stars = any(column.name == "*" for column in (*left, *right))
    if stars or len(left) != len(right):
        whole = merged([column.flow for column in (*left, *right)] or [NOTHING])
        names = [column.name for column in left]
        return tuple(Column(name, whole.derived()) for name in names)
    return tuple(
        Column(mine.name, merged([mine.flow, theirs.flow])) for mine, theirs in zip(left, right, strict=True)
    )


def _bounded(columns: Columns) -> Columns:
    return tuple(Column(column.name, column.flow.bounded()) for column in columns)


def _paged(columns: Columns) -> Columns:
    return tuple(Column(column.name, column.flow.paged()) for column in columns)


def _exposed(columns: Columns) -> Columns:
    return tuple(Column(column.name, column.flow.exposed()) for column in columns)
