"""What a database's catalogue says of the names in a change: whether looking could run somebody's code."""

from __future__ import annotations

import msgspec

from ...statements import Calls, Change
from ..connectors.postgres.answers import Row
from .catalogue import literals
from .upstream import Answer, Upstream

_RELATIONS = """
SELECT coalesce(n.nspname || '.' || c.relname, asked.name), coalesce(c.relkind::text, ''),
  coalesce(c.relrowsecurity, false), coalesce(c.reltuples, 0)::bigint,
  EXISTS (WITH RECURSIVE below AS (SELECT c.oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i
      JOIN below ON i.inhparent = below.oid)
    SELECT 1 FROM below JOIN pg_catalog.pg_class k ON k.oid = below.oid WHERE k.relkind = 'f')
FROM unnest({names}) WITH ORDINALITY AS asked (name, place)
LEFT JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(asked.name)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY asked.place
"""
# A name stands for all functions of that name: which one would be called is for the database to say.
_FUNCTIONS = """
SELECT p.proname, bool_or(p.provolatile = 'v'), bool_or(p.oid >= 16384 AND p.provolatile <> 'v')
FROM pg_catalog.pg_proc p WHERE p.prokind <> 'p' AND p.proname = ANY ({names}) GROUP BY 1 ORDER BY 1
"""
_OPERATORS = """
SELECT DISTINCT o.oprname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE p.provolatile = 'v' AND o.oprname = ANY ({names})
"""
_TYPES = """
SELECT t.typname FROM unnest({names}) AS asked (name)
JOIN pg_catalog.pg_type t ON t.oid = pg_catalog.to_regtype(asked.name)
LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typinput
WHERE t.typtype = 'd' OR p.provolatile = 'v' OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast k
  JOIN pg_catalog.pg_proc f ON f.oid = k.castfunc WHERE k.casttarget = t.oid AND f.provolatile = 'v')
"""
_FURTHER = """
WITH RECURSIVE reached AS (
  SELECT pg_catalog.to_regclass(name) AS oid, true AS goes_on FROM unnest({names}) AS asked (name)
  UNION
  SELECT c.conrelid, c.{action} = 'c' OR {all} FROM pg_catalog.pg_constraint c
  JOIN reached ON c.confrelid = reached.oid AND reached.goes_on
  WHERE c.contype = 'f' AND (c.{action} IN ('c', 'n', 'd') OR {all})
)
SELECT DISTINCT n.nspname || '.' || k.relname FROM reached
JOIN pg_catalog.pg_class k ON k.oid = reached.oid JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
WHERE k.oid NOT IN (SELECT pg_catalog.to_regclass(name) FROM unnest({names}) AS asked (name)) ORDER BY 1
"""
_TRIGGERS = """
SELECT c.relname || '.' || t.tgname FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND (t.tgtype::int & {event}) <> 0
  AND t.tgrelid IN (SELECT pg_catalog.to_regclass(name) FROM unnest({names}) AS asked (name)) ORDER BY 1
"""
# Bits of pg_trigger.tgtype (catalog/pg_trigger.h): INSERT 4, DELETE 8, UPDATE 16, TRUNCATE 32.
_EVENTS = {"insert": 4, "delete": 8, "update": 16, "merge": 28, "truncate": 32}


class Facts(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        targets: The changed tables in full, and how many rows each is thought to have: `sizes`.
        uncounted: Why the relations that are read keep the rows from being counted; empty if nothing does.
        volatile: Names in what would be counted that may do more than look.
        folded: Functions and types of the database's users that planning may work out.
        further: Tables that foreign keys reach. triggers: What would fire.
    """

    targets: tuple[str, ...]
    sizes: tuple[int, ...]
    uncounted: str
    volatile: tuple[str, ...]
    folded: tuple[str, ...]
    further: tuple[str, ...]
    triggers: tuple[str, ...]


def read_facts(upstream: Upstream, change: Change, seconds: int) -> Facts | Answer:
    """Ask the catalogue about a change; the answer that failed if one does."""
    answer = upstream.query(";".join(_questions(change)), seconds)
    if answer.error:
        return answer
    targets, read, functions, counted, operators, types, further, triggers = answer.results
    known = {_text(row[0]) for row in counted if row[1] == b"t"}
    return Facts(
        targets=_texts(targets),
        sizes=tuple(int(row[3] or 0) for row in targets),
        uncounted=_uncounted((*targets, *read)),
        volatile=tuple(sorted({*known, *_texts(operators)})),
        folded=(*(_text(row[0]) for row in functions if row[2] == b"t"), *_texts(types)),
        further=_texts(further),
        triggers=_texts(triggers),
    )


def _questions(change: Change) -> tuple[str, ...]:
    reached: Calls = change.reach_calls
    names = literals(change.targets)
    action = "confupdtype" if change.command == "update" else "confdeltype"
    whole = "true" if change.command in ("truncate", "drop") and change.cascades else "false"
    deletes = change.command in ("update", "delete", "merge") or whole == "true"
    return (
        _RELATIONS.format(names=names),
        _RELATIONS.format(names=literals(reached.relations)),
        _FUNCTIONS.format(names=literals(change.calls.functions)),
        _FUNCTIONS.format(names=literals(reached.functions)),
        _OPERATORS.format(names=literals((*reached.operators, "=") if reached.operators else ())),
        _TYPES.format(names=literals(change.calls.types)),
        _FURTHER.format(names=names if deletes else literals(()), action=action, all=whole),
        _TRIGGERS.format(names=names, event=_EVENTS.get(change.command, 0)),
    )


def _uncounted(relations: tuple[Row, ...]) -> str:
    """What of the relations could run code when it is read, or is not here."""
    for name, kind, guarded, _, reaches_out in relations:
        shown = _text(name)
        if kind == b"v":
            return f"{shown} is a view, and what is in it would be run"
        if kind == b"f" or reaches_out == b"t":
            return f"{shown} reads from another server"
        if guarded == b"t":
            return f"{shown} has row security, and its policies would be run"
        if kind not in (b"r", b"p", b"m"):
            return f"{shown} is not a table"
    return ""


def _texts(rows: tuple[Row, ...]) -> tuple[str, ...]:
    return tuple(_text(row[0]) for row in rows)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
