"""What a change would touch: the rows it reaches as a query of their own, and what that query would run.

Built on the parse tree, never out of pieces of text, so that no literal can end a clause. Nothing here runs
anything; whoever does first asks a catalogue about the names in `Calls`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from .native import Node, Unparsed, deparse, parse, tree

Command = Literal["insert", "update", "delete", "merge", "truncate", "drop", "other"]

_COMMANDS: dict[str, Command] = {
    "InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "merge",
    "TruncateStmt": "truncate", "DropStmt": "drop",
}  # fmt: skip
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_OTHERS = {"update_stmt": "from_clause", "delete_stmt": "using_clause"}


class Calls(msgspec.Struct, frozen=True):
    """The names by which a query could run somebody's code, and the relations that it reads.

    functions, operators: without their schemas. types: what values are cast to. relations: quoted names.
    """

    functions: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """One command that changes something.

    Attributes:
        command: What it is; `other` for everything whose rows cannot be told.
        targets: Quoted names of the tables that it changes.
        only: It leaves inheriting tables alone.
        rows: How many rows it adds, where its own text says so; else None.
        reach: A query that gives one row for each row that is changed; empty if there is none.
        reach_calls: What `reach` would run.
        calls: What planning the whole command could run.
        parameters: It has places for values that are not in the text.
        upper: It may also change fewer rows than `rows` or `reach` say: ON CONFLICT.
        cascades: It says CASCADE, and so reaches what is not named in it.
        assigned: The columns that an UPDATE sets.
    """

    command: Command
    targets: tuple[str, ...] = ()
    only: bool = False
    rows: int | None = None
    reach: str = ""
    reach_calls: Calls = Calls()
    calls: Calls = Calls()
    parameters: bool = False
    upper: bool = False
    cascades: bool = False
    assigned: tuple[str, ...] = ()


def read_change(text: str) -> Change | None:
    """The one command of a text; None if it is not one command, or is not understood.

    The caller has seen that the text is within the caps: `analyze_sql` understood it.
    """
    try:
        commands = parse(text)
        if len(commands) != 1:
            return None
        ((kind, body),) = commands[0]["stmt"].items()
        command = _COMMANDS.get(kind, "other")
        change = Change(command, calls=calls_of(body), parameters=any(True for _ in _nodes(body, "ParamRef")))
        return _read(change, body, text)
    except (Unparsed, RecursionError):
        return None


def matching(text: str, columns: str, lock: bool = False) -> str:
    """The rows that an UPDATE or DELETE reaches, as a SELECT of `columns`; with `lock`, FOR UPDATE of them.

    Args:
        columns: An SQL list; its names are those of the statement's own target.
    """
    statement = tree(text).stmts[0].stmt
    command = statement.WhichOneof("node")
    body = getattr(statement, command)
    template = f"SELECT {columns} FROM t"  # noqa: S608 - parsed, and written again from its tree
    if lock:
        template += f" FOR UPDATE OF {target_name(text)}"
    query = tree(template)
    select = query.stmts[0].stmt.select_stmt
    del select.from_clause[:]
    select.from_clause.add().range_var.CopyFrom(body.relation)
    select.from_clause.extend(getattr(body, _OTHERS[command]))
    if body.HasField("where_clause"):
        select.where_clause.CopyFrom(body.where_clause)
    if body.HasField("with_clause"):
        select.with_clause.CopyFrom(body.with_clause)
    return deparse(query)


def target_name(text: str) -> str:
    """How an UPDATE or DELETE itself calls its target: its alias, else its table; quoted."""
    statement = tree(text).stmts[0].stmt
    relation = getattr(statement, statement.WhichOneof("node")).relation
    return quoted(relation.alias.aliasname or relation.relname)


def calls_of(body: Any) -> Calls:
    """Every name below a node by which it could run somebody's code."""
    names = [_last(call.get("funcname", ())) for call in _nodes(body, "FuncCall")]
    names += [_last(sample.get("method", ())) for sample in _nodes(body, "RangeTableSample")]
    operators = [name for one in _nodes(body, "A_Expr") for name in _meant(_last(one.get("name", ())))]
    operators += [_last(one.get("operName", ())) for one in _nodes(body, "SubLink")]
    types = [_dotted(cast["typeName"].get("names", ())) for cast in _nodes(body, "TypeCast")]
    ctes = {cte["ctename"] for cte in _nodes(body, "CommonTableExpr")}
    relations = [
        _relation(one) for one in _relations(body) if one.get("schemaname") or one.get("relname") not in ctes
    ]
    return Calls(_unique(names), _unique(operators), _unique(types), _unique(relations))


def quoted(name: str) -> str:
    """An identifier as PostgreSQL reads it back, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _read(change: Change, body: Node, text: str) -> Change:
    replace = msgspec.structs.replace
    if change.command in ("update", "delete"):
        return _reaching(change, body, text)
    if change.command == "insert":
        return _inserting(change, body, text)
    if change.command == "merge":
        return replace(change, targets=(_relation(body["relation"]),))
    if change.command == "truncate":
        targets = tuple(_relation(one["RangeVar"]) for one in body["relations"])
        return replace(change, targets=targets, cascades=body.get("behavior") == "DROP_CASCADE")
    if change.command == "drop" and body.get("removeType") == "OBJECT_TABLE":
        targets = tuple(_dotted(one["List"]["items"]) for one in body["objects"])
        return replace(change, targets=targets, cascades=body.get("behavior") == "DROP_CASCADE")
    return replace(change, command="other")


def _reaching(change: Change, body: Node, text: str) -> Change:
    """An UPDATE or DELETE: a joined row may be met often, and is changed once."""
    others = "fromClause" if change.command == "update" else "usingClause"
    searched = [
        body.get("whereClause"),
        body.get(others),
        body.get("withClause"),
        {"RangeVar": body["relation"]},
    ]
    name = target_name(text)
    columns = f"DISTINCT {name}.tableoid, {name}.ctid" if body.get(others) else "1"
    at_cursor = any(True for _ in _nodes(body.get("whereClause"), "CurrentOfExpr"))
    # A write inside a WITH would be run by the query too.
    reach = "" if at_cursor or writes_within(body) else matching(text, columns)
    return msgspec.structs.replace(
        change, targets=(_relation(body["relation"]),), only=not body["relation"].get("inh", False),
        reach=reach, reach_calls=calls_of(searched),
        assigned=_unique([one["ResTarget"]["name"] for one in body.get("targetList", ())]),
    )  # fmt: skip


def _inserting(change: Change, body: Node, text: str) -> Change:
    change = msgspec.structs.replace(
        change, targets=(_relation(body["relation"]),), upper="onConflictClause" in body
    )
    select = (body.get("selectStmt") or {}).get("SelectStmt")
    if select is None:
        return msgspec.structs.replace(change, rows=1)  # DEFAULT VALUES
    if "valuesLists" in select and not any(True for _ in _nodes(select, "FuncCall")):
        return msgspec.structs.replace(change, rows=len(select["valuesLists"]))
    # A function may give many rows for one, so its values are no count.
    if "valuesLists" in select or writes_within(body):
        return change
    return msgspec.structs.replace(
        change, reach=_source(text), reach_calls=calls_of([select, body.get("withClause")])
    )


def _source(text: str) -> str:
    """The query of an INSERT … SELECT; empty where both have a WITH, which one query cannot have."""
    insert = tree(text).stmts[0].stmt.insert_stmt
    query = tree("SELECT 1")
    select = query.stmts[0].stmt.select_stmt
    select.CopyFrom(insert.select_stmt.select_stmt)
    if insert.HasField("with_clause"):
        if select.HasField("with_clause"):
            return ""
        select.with_clause.CopyFrom(insert.with_clause)
    return deparse(query)


def writes_within(body: Any) -> bool:
    """Whether a WITH of it changes something too."""
    return any(not _WRITES.isdisjoint(cte["ctequery"]) for cte in _nodes(body, "CommonTableExpr"))


def _nodes(tree: Any, kind: str) -> Iterator[Node]:
    if isinstance(tree, dict):
        for name, inner in tree.items():
            if name == kind:
                yield inner
            yield from _nodes(inner, kind)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _nodes(inner, kind)


def _relations(body: Any) -> Iterator[Node]:
    """RangeVars, also where the tree holds one without its name: a target."""
    yield from _nodes(body, "RangeVar")
    if isinstance(body, dict) and "relname" in (body.get("relation") or {}):
        yield body["relation"]


def _relation(node: Node) -> str:
    parts = (node.get("catalogname"), node.get("schemaname"), node.get("relname", ""))
    return ".".join(quoted(str(part)) for part in parts if part)


def _dotted(names: Any) -> str:
    return ".".join(quoted(one["String"].get("sval", "")) for one in names if "String" in one)


def _last(names: Any) -> str:
    texts = [one["String"].get("sval", "") for one in names if "String" in one]
    return texts[-1] if texts else ""


def _meant(operator: str) -> tuple[str, ...]:
    """The operators behind a word of the grammar."""
    return (">=", "<=") if "BETWEEN" in operator else (operator,)


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
