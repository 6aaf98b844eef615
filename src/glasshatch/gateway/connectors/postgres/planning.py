"""The plan of an answer's columns: made once for a statement's code, and at work anew in every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ....masking import ColumnFacts, ColumnPlan, RowPlan, plan_columns
from .answers import ColumnShape
from .catalogue import aligned

if TYPE_CHECKING:
    from .running import Run
    from .session import Session


class Planned(msgspec.Struct, frozen=True):
    """What is decided for the columns of one shape, by one snapshot of the catalogue."""

    catalogue: object
    facts: Sequence[ColumnFacts]
    columns: Sequence[ColumnPlan]


def answer_plan(
    session: Session, run: Run, shape: tuple[ColumnShape, ...], formats: tuple[int, ...]
) -> RowPlan:
    """What happens to the columns of an answer; counts begin at nothing.

    A decision rests on the code, the shape, who meets it and a snapshot of the catalogue that knows all its
    tables; while that is in doubt, it is made anew and not kept.
    """
    kin, view = run.question.kin, session.view(run.decision)
    if kin is None or session.in_doubt:
        return _decided(session, run, shape, formats)[1]
    key = (shape, formats, view, bool(run.masked), len(run.commands))
    held = kin.plans.get(key)
    if held is not None and held.catalogue is session.catalogue:
        run.planned = held
        return RowPlan(held.facts, held.columns, session.redactor, view, dry_run=session.resource.dry_run)
    facts, plan = _decided(session, run, shape, formats)
    if session.catalogue.knows(shape):
        kin.keep_plan(key, Planned(session.catalogue, facts, plan.columns))
    return plan


def _decided(
    session: Session, run: Run, shape: tuple[ColumnShape, ...], formats: tuple[int, ...]
) -> tuple[list[ColumnFacts], RowPlan]:
    statement, catalogue = run.question.statement, session.catalogue
    knows = catalogue.knows(shape)
    if not knows:
        session.shelf.invalidate()
    # Each command says that it is complete, once: so many were, so manieth is this answer.
    found = session.outputs(statement, len(run.commands)) if knows else None
    outputs = aligned(found, len(shape))
    facts = [
        catalogue.facts(
            column,
            outputs[index] if outputs is not None else None,
            lineage_known=outputs is not None,
            format=formats[index],
        )
        for index, column in enumerate(shape)
    ]
    may_touch = bool(run.masked) or not knows or session.in_doubt
    plan = plan_columns(
        facts, catalogue.rules, session.redactor, may_touch, session.view(run.decision),
        dry_run=session.resource.dry_run,
    )  # fmt: skip
    return facts, plan
