"""What puts a before-image back: only where a row still is as the change left it. Pure."""

# Names come quoted from the catalogue and values as escaped constants of their type.
# ruff: noqa: S608

from __future__ import annotations

from ...statements import quoted
from .catalogue import literal
from .images import Image, ImagedRow, constant
from .shape import Column, TableShape

Step = tuple[str, int]
"""A statement, and how many rows it must change."""


def reversal(image: Image) -> tuple[Step, ...]:
    """The statements that undo a change, in order; each holds values of rows."""
    if image.command == "delete":
        return (_insert(image.table, image.rows),) if image.rows else ()
    return tuple(
        (_update(image.table, row.before, row.after or {}), 1)
        for row in image.rows
        if row.after is not None and row.after != row.before
    )


def outline(image: Image) -> str:
    """The same as policy and people may see it: one statement, and no value of any row."""
    table = image.table
    if image.command == "delete":
        places = ", ".join("NULL" for _ in table.columns)
        columns = ", ".join(quoted(column.name) for column in table.columns)
        return f"INSERT INTO {table.written} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({places})"
    sets = ", ".join(f"{quoted(column.name)} = NULL" for column in _changed(image))
    keys = " AND ".join(f"{quoted(column.name)} = ''" for column in table.key)
    return f"UPDATE {table.written} SET {sets} WHERE {keys}"


def unchanged_since(image: Image) -> str:
    """A query that counts the rows that could still be put back."""
    table = image.table
    if image.command == "delete":
        taken = " OR ".join(_is_key(table, row) for row in image.rows) or "false"
        return f"SELECT {len(image.rows)} - count(*) FROM {table.written} AS t WHERE {taken}"
    still = " OR ".join(_still(table, row.before, row.after or {}) for row in _touched(image)) or "false"
    return f"SELECT count(*) FROM {table.written} AS t WHERE {still}"


def _touched(image: Image) -> tuple[ImagedRow, ...]:
    return tuple(row for row in image.rows if row.after is not None and row.after != row.before)


def _changed(image: Image) -> tuple[Column, ...]:
    rows = _touched(image)
    return tuple(
        column
        for column in image.table.columns
        if any((row.after or {}).get(column.name) != row.before[column.name] for row in rows)
    )


def _update(table: TableShape, before: dict[str, str | None], after: dict[str, str | None]) -> str:
    sets = ", ".join(
        f"{quoted(column.name)} = {constant(column, before[column.name])}"
        for column in table.columns
        if before[column.name] != after[column.name]
    )
    return f"UPDATE {table.written} AS t SET {sets} WHERE {_still(table, before, after)}"


def _insert(table: TableShape, rows: tuple[ImagedRow, ...]) -> Step:
    """One statement for all rows, so that a row may refer to one that comes behind it."""
    columns = ", ".join(quoted(column.name) for column in table.columns)
    values = ", ".join(
        f"({', '.join(constant(column, row.before[column.name]) for column in table.columns)})"
        for row in rows
    )
    text = f"INSERT INTO {table.written} ({columns}) OVERRIDING SYSTEM VALUE VALUES {values}"
    return text, len(rows)


def _still(table: TableShape, before: dict[str, str | None], after: dict[str, str | None]) -> str:
    """The row is as the change left it. Texts are compared: not every type has an equality."""
    key = " AND ".join(f"t.{quoted(one.name)} = {constant(one, before[one.name])}" for one in table.key)
    same = " AND ".join(
        f"t.{quoted(column.name)}::text IS NOT DISTINCT FROM {_text(after[column.name])}"
        for column in table.columns
    )
    return f"({key} AND {same})"


def _is_key(table: TableShape, row: ImagedRow) -> str:
    parts = (f"t.{quoted(one.name)} = {constant(one, row.before[one.name])}" for one in table.key)
    return f"({' AND '.join(parts)})"


def _text(value: str | None) -> str:
    return "NULL::text" if value is None else literal(value)
