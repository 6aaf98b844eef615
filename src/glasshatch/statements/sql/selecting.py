"""A SELECT of one table, with more columns of that table in its answer; written from the parse tree."""

from __future__ import annotations

from collections.abc import Sequence

from .changes import quoted
from .native import deparse, tree


def also_selecting(text: str, columns: Sequence[str]) -> str | None:
    """The same rows with further columns at the end of each; None if the statement is not that plain.

    Plain is one table, without grouping, DISTINCT, UNION and WITH. The caller has seen that the text is one
    SELECT within the caps: `analyze_sql` understood it.
    """
    query = tree(text)
    statement = query.stmts[0].stmt
    if statement.WhichOneof("node") != "select_stmt" or not columns:
        return None
    select = statement.select_stmt
    grouped = select.group_clause or select.distinct_clause or select.HasField("having_clause")
    joined = select.HasField("larg") or select.HasField("with_clause") or select.values_lists
    if grouped or joined or len(select.from_clause) != 1:
        return None
    source = select.from_clause[0]
    if source.WhichOneof("node") != "range_var":
        return None
    name = quoted(source.range_var.alias.aliasname or source.range_var.relname)
    more = ", ".join(f"{name}.{quoted(column)}" for column in columns)
    template = tree(f"SELECT {more}")
    select.target_list.extend(template.stmts[0].stmt.select_stmt.target_list)
    return deparse(query)
