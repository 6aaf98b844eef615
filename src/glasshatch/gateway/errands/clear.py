"""One row of an answer is read again, READ ONLY: the columns that were asked for in clear, and no others.

What is masked by a rule, a name or the scan is shown; what is or may be a secret never is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...errors import ConfigError, Conflict
from ...masking import (
    NOBODY,
    ColumnFacts,
    ColumnPlan,
    MaskingView,
    MaskRule,
    Redactor,
    RowPlan,
    plan_columns,
)
from ...statements import also_selecting, analyze_sql
from ..connectors.postgres.answers import ColumnShape, Row, read_row, write_row
from ..connectors.postgres.catalogue import Catalogue
from .upstream import Answer, Upstream

_SECONDS = 10
_SHOWING = MaskingView([(0, MaskRule(operator="keep", type="*"))])
"""Meets everything in clear; a rule for every type does not speak of secrets."""
_TIMES = ("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL lock_timeout = '1s'")
_CURSOR = "glasshatch_one_row"


class ClearColumn(msgspec.Struct, frozen=True):
    """A column that is shown: as the answer calls it, `schema.table.column`, its class, and what stands for
    its value in the record: a token, or no more than its class.
    """

    name: str
    column: str
    type: str
    token: str


class ClearRow(msgspec.Struct, frozen=True):
    """The values of one row in clear, and what they are. Its representation shows no value.

    subjects: the tokens of the data subjects whose row it is.
    """

    columns: tuple[ClearColumn, ...]
    values: tuple[str | None, ...]
    subjects: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ClearRow({self.columns!r})"


def read_clear(
    upstream: Upstream,
    catalogue: Catalogue,
    redactor: Redactor,
    text: str,
    wanted: Sequence[str],
    view: MaskingView,
) -> ClearRow:
    """The wanted columns of the one row that a statement gives; nothing in the database is changed.

    Args:
        wanted: Names of the answer's columns; none for all that are masked.
        view: The masking rules that who asks meets.

    Raises:
        Conflict: It gives no row, or more than one.
        ConfigError: A column is not there, not masked, no plain column of a table, or a secret.
        Unavailable: The database does not answer.
    """
    shape, row, extra = _row_with_subjects(upstream, catalogue, text)
    if not catalogue.knows(shape):
        raise Conflict("a table has changed in between", hint="ask again")
    facts = [catalogue.facts(column, None, lineage_known=False, format=0) for column in shape]
    usual = _masked(catalogue, redactor, facts, row, NOBODY)
    asked = len(facts) - extra
    facts, row = facts[:asked], row[:asked]
    met = _masked(catalogue, redactor, facts, row, view)
    why = [_why_not(one, plan) for one, plan in zip(facts, usual.plans, strict=False)]
    places = _places(facts, met, row, wanted, why)
    shown = _masked(catalogue, redactor, [facts[at] for at in places], [row[at] for at in places], _SHOWING)
    values = tuple(map(_text, shown.row))
    columns = tuple(
        _column(redactor, facts[at], usual.plans[at].type or met.plans[at].type, value)
        for at, value in zip(places, values, strict=True)
    )
    own = {column.token for column in columns if ":" in column.token}
    return ClearRow(columns, values, usual.subjects or tuple(sorted(own)))


class _Met(msgspec.Struct, frozen=True):
    """A row as somebody meets it."""

    plans: Sequence[ColumnPlan]
    row: Row
    subjects: tuple[str, ...]


def _masked(
    catalogue: Catalogue, redactor: Redactor, facts: Sequence[ColumnFacts], row: Row, view: MaskingView
) -> _Met:
    plan: RowPlan = plan_columns(facts, catalogue.rules, redactor, True, view)
    raw = write_row(row)
    shown = raw if plan.untouched else plan.rewrite(raw)
    return _Met(plan.columns, read_row(shown, 0, len(shown)), plan.exposure().subjects)


def _row_with_subjects(
    upstream: Upstream, catalogue: Catalogue, text: str
) -> tuple[tuple[ColumnShape, ...], Row, int]:
    """The row with the columns that name whose it is, however many of these stand behind its own."""
    subjects = _subject_columns(catalogue, text)
    more = also_selecting(text, subjects)
    found = _fetched(upstream, more) if more else None
    if found is None or found.error:
        return *_one_row(_fetched(upstream, text)), 0
    return *_one_row(found), len(subjects)


def _subject_columns(catalogue: Catalogue, text: str) -> list[str]:
    """The columns of the statement's only table that name data subjects, by the configuration."""
    names = analyze_sql(text).resources
    relations = catalogue.named(names[0]) if len(names) == 1 else []
    if len(relations) != 1 or relations[0].is_view:
        return []
    table = relations[0]
    return [one for one in table.columns.values() if _names_subject(catalogue, table.full_name, one)]


def _names_subject(catalogue: Catalogue, table: str, column: str) -> bool:
    rule = next((rule for rule in catalogue.rules if rule.fits(table, column)), None)
    return rule is not None and rule.subject


def _fetched(upstream: Upstream, text: str) -> Answer:
    """Two rows are asked for at most: a statement that gives more is not read on."""
    select = text.strip().rstrip("; \n\t")
    begun = upstream.query("; ".join((*_TIMES, f"SET LOCAL statement_timeout = '{_SECONDS}s'")), _SECONDS)
    try:
        opened = begun if begun.error else upstream.query(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {select}")
        found = opened if opened.error else upstream.query(f"FETCH FORWARD 2 FROM {_CURSOR}", _SECONDS)
    finally:
        upstream.query("ROLLBACK")
    return found


def _one_row(found: Answer) -> tuple[tuple[ColumnShape, ...], Row]:
    if found.error:
        raise Conflict(
            f"the database refuses it (SQLSTATE {found.error[:5]})",
            hint="a value is shown by one plain SELECT that changes and locks nothing",
        )
    if len(found.rows) != 1:
        many = "no row" if not found.rows else "more than one row"
        raise Conflict(
            f"the statement gives {many}, and exactly one can be shown",
            hint="narrow it by the primary key, as in WHERE id = 7",
        )
    return found.shape, found.rows[0]


def _places(
    facts: Sequence[ColumnFacts], met: _Met, row: Row, wanted: Sequence[str], why: Sequence[str]
) -> list[int]:
    """Where in the answer the wanted columns stand: masked for who asks, and fit to be shown.

    Args:
        why: Why a column never is; empty if it may be.
    """
    masked = [place for place, plan in enumerate(met.plans) if _is_masked(plan, row[place], met.row[place])]
    every = [place for place in masked if not why[place]]
    if not wanted and not every:
        raise ConfigError("nothing in this row is masked for you and could be shown", key="column")
    places = []
    for name in dict.fromkeys(wanted or [facts[place].name for place in every]):
        found = [place for place, one in enumerate(facts) if name in (one.name, met.plans[place].name)]
        if len(found) != 1:
            what = "more than one column" if found else "no column"
            names = ", ".join(one.name for one in facts)
            raise ConfigError(
                f"the answer has {what} {name[:80]!r}", key="column", hint=f"its columns: {names[:500]}"
            )
        if why[found[0]]:
            raise ConfigError(f"column {name[:80]!r} {why[found[0]]}", key="column")
        if found[0] not in masked:
            raise ConfigError(f"column {name[:80]!r} is not masked for you", key="column")
        places += found
    return places


def _is_masked(plan: ColumnPlan, value: bytes | None, shown: bytes | None) -> bool:
    """A column that is masked whole counts whatever is in it, so that a NULL is not told from a value."""
    return plan.action == "mask" or (plan.action == "scan" and value != shown)


def _why_not(facts: ColumnFacts, plan: ColumnPlan) -> str:
    """Why a column is never shown; empty if it may be."""
    if facts.table is None:
        # Of an expression nobody could tell whose values it holds, or of how many.
        return "is no plain column of a table: ask for the column itself, and not of a view"
    return "holds a secret, which is never shown" if plan.secret else ""


def _column(redactor: Redactor, facts: ColumnFacts, type: str, value: str | None) -> ClearColumn:
    """Free text has no token: not even whoever judges needs to know whether two are alike."""
    token = redactor.tokens.maker(type)(value) if type and value is not None else f"<{type or 'TEXT'}>"
    return ClearColumn(facts.name, f"{facts.table}.{facts.column}", type or "TEXT", token)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
