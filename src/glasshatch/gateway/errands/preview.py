"""How many rows a change would touch, measured without changing anything.

One READ ONLY transaction with time limits, rolled back at its end. A query counts the rows only if nothing in
it can run code that does more than look; otherwise the plan's estimate stands, which runs nothing either.
What cannot be told is told as unknown, with the reason. No value of a row leaves the database.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ...clock import Clock
from ...statements import Change
from .plan import Planned, read_plan
from .reach import Facts, read_facts
from .upstream import Answer, Upstream

Method = Literal["counted", "written", "planned", "none"]
_LOCK_MS = 1_000
_WHY = {
    "57014": "the time for it was over",
    "55P03": "a table is locked by somebody else",
    "42P01": "there is no such table here",
    "42501": "the resource's account may not read all of it",
    "25006": "it would have changed something",
}


class TableRows(msgspec.Struct, frozen=True):
    """A table that is changed and how many of its rows; None where that is not known."""

    name: str
    rows: int | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beforehand of a change.

    Attributes:
        method: `counted` by a query, `written` in the statement itself, `planned` by the database, or `none`.
        rows: How many rows it changes; None if unknown.
        exact: Whether they were counted, or are only an estimate or a bound.
        bound: Whether it may be fewer (`most`: ON CONFLICT) or more (`least`: CASCADE) than `rows`.
        estimate: What the database's plan expects.
        tables: The tables it changes.
        further: Tables that foreign keys reach from there.
        triggers: Triggers that would fire, as `table.trigger`.
        capped: Whether the time for counting was over.
        why: Why it was not counted; empty if it was.
        measured_ns: When; took_ms: how long it took.
    """

    method: Method = "none"
    rows: int | None = None
    exact: bool = False
    bound: Literal["", "most", "least"] = ""
    estimate: int | None = None
    tables: tuple[TableRows, ...] = ()
    further: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    capped: bool = False
    why: str = ""
    measured_ns: int = 0
    took_ms: int = 0


def preview(upstream: Upstream, text: str, change: Change | None, seconds: int, clock: Clock) -> Preview:
    """Measure a change; never raises for what the database says of it.

    Args:
        text: The statement, of which `change` was read.
        seconds: How long the database may count; 0 for not at all.

    Raises:
        Unavailable: The connection was lost; the caller tells that as unknown.
    """
    begun_ns, begun = clock.now_ns(), clock.monotonic_ns()
    found = _measured(upstream, text, change, seconds)
    took_ms = (clock.monotonic_ns() - begun) // 1_000_000
    return msgspec.structs.replace(found, measured_ns=begun_ns, took_ms=took_ms)


def not_previewed(why: str, clock: Clock) -> Preview:
    """A preview that there is not, and why."""
    return Preview(why=why, measured_ns=clock.now_ns())


def _measured(upstream: Upstream, text: str, change: Change | None, seconds: int) -> Preview:
    if not seconds:
        return Preview(why="previews are switched off for this resource")
    if change is None or change.command == "other":
        return Preview(why="rows are counted for INSERT, UPDATE, DELETE, MERGE, TRUNCATE and DROP TABLE only")
    if change.parameters:
        return Preview(why="it has places for values that are not in its text")
    begun = upstream.query(
        f"BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL lock_timeout = {_LOCK_MS};"
        f" SET LOCAL statement_timeout = {seconds * 1000}"
    )
    try:
        if begun.error:
            return Preview(why=_why(begun))
        return _looked(upstream, text, change, seconds)
    finally:
        # READ ONLY kept it from changing anything; this lets go of its locks and its snapshot.
        upstream.query("ROLLBACK")


def _looked(upstream: Upstream, text: str, change: Change, seconds: int) -> Preview:
    facts = read_facts(upstream, change, seconds)
    if isinstance(facts, Answer):
        return Preview(why=_why(facts))
    known = Preview(
        tables=tuple(TableRows(name) for name in facts.targets),
        further=facts.further,
        triggers=facts.triggers,
    )
    if change.command in ("truncate", "drop"):
        return _emptied(upstream, change, known, facts, seconds)
    if facts.folded:
        # Planning may work such a function out beforehand, and what is in it nobody has looked at.
        return _replaced(
            known, why=f"it calls functions or types of this database's own: {_named(facts.folded)}"
        )
    planned = _plan(upstream, text, seconds)
    if isinstance(planned, Answer):
        return _replaced(known, why=_why(planned))
    known = _with_plan(known, planned)
    if change.rows is not None:
        return _told(known, change.rows, "written", exact=not change.upper)
    why = _not_counted(change, facts)
    if why:
        return _replaced(known, why=why)
    return _counted(upstream, change, known, seconds)


def _plan(upstream: Upstream, text: str, seconds: int) -> Planned | Answer:
    """What the database expects; EXPLAIN without ANALYZE carries nothing out."""
    answer = upstream.query(f"EXPLAIN (VERBOSE, FORMAT JSON) {text.strip().rstrip(';')}", seconds)
    if answer.error or not answer.rows or answer.rows[0][0] is None:
        return answer
    return read_plan(answer.rows[0][0])


def _counted(upstream: Upstream, change: Change, known: Preview, seconds: int) -> Preview:
    # Written from a parse tree, and READ ONLY.
    answer = upstream.query(f"SELECT count(*) FROM ({change.reach}) AS reached", seconds)  # noqa: S608
    if answer.error:
        return _replaced(known, why=_why(answer), capped=answer.error == "57014")
    return _told(known, _number(answer), "counted", exact=not change.upper)


def _emptied(upstream: Upstream, change: Change, known: Preview, facts: Facts, seconds: int) -> Preview:
    """TRUNCATE and DROP TABLE: every row of each table."""
    if facts.uncounted:
        return _replaced(known, why=facts.uncounted)
    tables = []
    for target, table in zip(change.targets, known.tables, strict=False):
        answer = upstream.query(f"SELECT count(*) FROM {target}", seconds)  # noqa: S608 - a quoted name
        if answer.error:
            estimate = sum(max(0, rows) for rows in facts.sizes)
            return _replaced(
                known, why=_why(answer), capped=answer.error == "57014", method="planned", rows=estimate,
                estimate=estimate,
            )  # fmt: skip
        tables.append(TableRows(table.name, _number(answer)))
    rows = sum(table.rows or 0 for table in tables)
    return _replaced(
        known, tables=tuple(tables), rows=rows, exact=not change.cascades, method="counted",
        bound="least" if change.cascades else "",
    )  # fmt: skip


def _not_counted(change: Change, facts: Facts) -> str:
    """Why the rows may not be counted by a query; empty if they may."""
    if not change.reach:
        return "what it reaches cannot be asked for without carrying it out"
    if facts.volatile:
        return f"it calls what may do more than look: {_named(facts.volatile)}"
    return facts.uncounted


def _with_plan(known: Preview, planned: Planned) -> Preview:
    tables = known.tables
    if planned.tables:
        tables = tuple(TableRows(name, rows) for name, rows in planned.tables)
    return _replaced(known, method="planned", rows=planned.rows, estimate=planned.rows, tables=tables)


def _told(known: Preview, rows: int, method: Method, *, exact: bool) -> Preview:
    tables = known.tables
    if len(tables) == 1:
        tables = (TableRows(tables[0].name, rows),)
    bound = "" if exact else "most"
    return _replaced(known, rows=rows, method=method, exact=exact, bound=bound, tables=tables)


def _replaced(known: Preview, **changes: object) -> Preview:
    return msgspec.structs.replace(known, **changes)


def _number(answer: Answer) -> int:
    return int(answer.rows[0][0] or b"0")


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5])


def _why(answer: Answer) -> str:
    return _WHY.get(answer.error, f"the database refuses it (SQLSTATE {answer.error[:5]})")
