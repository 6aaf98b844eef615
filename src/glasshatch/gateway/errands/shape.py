"""What must be known of a table before an image of its rows can be taken and put back."""

from __future__ import annotations

import msgspec

from ...statements import Change, quoted
from .catalogue import literals
from .upstream import Upstream

_TABLE = """
SELECT n.nspname, c.relname, c.relkind,
  EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid),
  c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid),
  EXISTS (WITH RECURSIVE below AS (SELECT c.oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i
      JOIN below ON i.inhparent = below.oid)
    SELECT 1 FROM below JOIN pg_catalog.pg_class k ON k.oid = below.oid WHERE k.relkind = 'f')
FROM unnest({names}) AS asked (name) JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(asked.name)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""
_COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
  coalesce((SELECT array_position(i.indkey::int2[], a.attnum) FROM pg_catalog.pg_index i
    WHERE i.indrelid = a.attrelid AND i.indisprimary), -1)
FROM unnest({names}) AS asked (name)
JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(asked.name)
WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# Foreign keys that change other rows when this one goes, or when a column they refer to changes.
_CARRIED = """
SELECT DISTINCT c.conrelid::regclass::text, {action} AS how, coalesce(a.attname, '')
FROM unnest({names}) AS asked (name)
JOIN pg_catalog.pg_constraint c ON c.confrelid = pg_catalog.to_regclass(asked.name) AND c.contype = 'f'
CROSS JOIN unnest(c.confkey) AS k (attnum)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum
WHERE {action} IN ('c', 'n', 'd')
"""


class Column(msgspec.Struct, frozen=True):
    """A column that can be written. type: as SQL names it."""

    name: str
    type: str


class TableShape(msgspec.Struct, frozen=True):
    """A table whose rows can be told apart and written again.

    name: `schema.table`, as the record says it. written: the same, quoted. key: the primary key's columns.
    """

    name: str
    written: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]


def read_shape(upstream: Upstream, change: Change) -> TableShape | str:
    """The table that an UPDATE or DELETE changes; or why no image of its rows can be taken."""
    if change.command not in ("update", "delete") or not change.reach:
        return "images are taken of an UPDATE or DELETE by itself only"
    names = literals(change.targets)
    action = "c.confupdtype" if change.command == "update" else "c.confdeltype"
    questions = (_TABLE, _COLUMNS, _CARRIED)
    answer = upstream.query(";".join(text.format(names=names, action=action) for text in questions))
    if answer.error or not answer.results[0]:
        return "the table is not known here"
    tables, columns, carried = answer.results
    schema, name, kind, rules, inherited, reaches_out = ((value or b"").decode() for value in tables[0])
    why = _unfit(kind, rules == "t", inherited == "t" and not change.only, reaches_out == "t")
    for other, _, column in carried:
        if change.command == "delete" or (column or b"").decode() in change.assigned:
            why = f"a foreign key carries the change on to {(other or b'').decode()}, which is not imaged"
    found = [
        (Column((one or b"").decode(), (type_ or b"").decode()), generated == b"t", int(place or -1))
        for one, type_, generated, place in columns
    ]
    key = tuple(column for column, _, place in sorted(found, key=lambda one: one[2]) if place >= 0)
    if not why and not key:
        why = "the table has no primary key"
    return why or TableShape(
        f"{schema}.{name}", f"{quoted(schema)}.{quoted(name)}",
        tuple(column for column, generated, _ in found if not generated), key,
    )  # fmt: skip


def _unfit(kind: str, rules: bool, inherited: bool, reaches_out: bool) -> str:
    if kind not in ("r", "p"):
        return "it is not a table"
    if rules:
        return "the table has rules, which change something else"
    if inherited:
        return "other tables inherit from the table"
    return "a part of the table lies on another server" if reaches_out else ""
