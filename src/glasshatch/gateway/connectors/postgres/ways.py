"""How a statement goes from end to end, where all of it is known: what it was the last times, it is again.

A way is learnt from runs that took the long way and ended well. It holds for one code, one actor, one
protocol and one snapshot of the catalogue, and only while policy decides what it decided then.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ....events import Access, Form
from ....masking import MaskingView, RowPlan
from ....policy import Decision
from ....statements import Statement
from .planning import Planned
from .questions import Kin

if TYPE_CHECKING:
    from .exchange import Portal
    from .running import Run
    from .session import Session

PLAIN_VERBS = frozenset(
    {"select", "insert", "update", "delete", "merge", "begin", "commit", "rollback", "savepoint", "release"}
)
"""These change nothing that the gateway knows of tables, names or how text is read."""
_ENDS = 16

End = tuple[str, bool]
"""What the database said had been done, and whether there were rows."""


class Way:
    """What is known of runs that are alike.

    Attributes:
        masked: The masked columns they may touch.
        decision: As it was made for one of them.
        access: What stands in their record for the access, if a grant of their own gave it.
        run: The form of `statement.run`.
        ends: The forms of `statement.finished`.
        planned: What is decided for the columns of their answers; None where they have none.
        opening: What the database says before the first row.
        untouched: Whether rows pass without being looked at.
    """

    __slots__ = (
        "access", "catalogue", "counted", "decision", "ends", "kin", "masked", "opening", "planned", "run",
        "statement", "untouched", "view",
    )  # fmt: skip

    def __init__(self, session: Session, run: Run, form: Form, kin: Kin, opening: bytes) -> None:
        self.kin = kin
        self.catalogue = session.catalogue
        self.masked = run.masked
        self.decision = run.decision
        self.access = run.access
        self.run = form
        self.statement: Statement = kin.statement
        self.counted = not UNCOUNTED.issuperset(kin.statement.verbs)
        self.ends: dict[End, Form] = {}
        self.planned: Planned | None = run.planned
        self.view: MaskingView = session.view(run.decision)
        self.untouched = run.planned is None or self.plan(session).untouched
        self.opening = opening

    def plan(self, session: Session) -> RowPlan:
        """What happens to the rows of one run."""
        planned = self.planned
        if planned is None:
            raise RuntimeError("a plan for an answer without rows")
        return RowPlan(planned.facts, planned.columns, session.redactor, self.view)

    def is_of(self, run: Run, opening: bytes, *, rowless: bool) -> bool:
        """Whether a run that took the long way was as this one says."""
        same = self.run is run.form and self.opening == opening
        return same and (rowless or self.planned is run.planned)

    def holds(self, session: Session) -> bool:
        """Whether what it was learnt from still is so, policy aside."""
        return self.catalogue is session.shelf.catalogue

    def fits(self, decision: Decision, access: Access | None) -> bool:
        """Whether policy decided as it did then."""
        then = self.decision
        return (
            decision.effect == "allow"
            and decision.policy_hash == then.policy_hash
            and decision.rule == then.rule
            and decision.reason == then.reason
            and decision.grant_id == then.grant_id
            and decision.roles == then.roles
            and decision.purpose == then.purpose
            and access == self.access
        )


# They show nothing, and who is over a limit must be able to leave a transaction.
UNCOUNTED = frozenset(
    {"begin", "commit", "rollback", "savepoint", "close", "deallocate", "discard", "unlisten"}
)


def learn(session: Session, run: Run, end: Form, portal: Portal | None) -> None:
    """Remember how a run went that ended well, for the next of its kind.

    Args:
        end: The form of its last event.
        portal: What was run; None for a simple query.
    """
    kin = run.question.kin
    if kin is None or run.form is None or not _plain(session, run):
        return
    key: Hashable = session.who
    if portal is None:
        opening = run.described
        held = kin.ways.get(key)
    else:
        key = (portal.formats, portal.described is not None, bool(portal.bound))
        opening = b"2\0\0\0\4" + (portal.described or b"")
        held = portal.prepared.ways.get(key)
    # Columns of an answer without rows are planned for a simple query only, whose answer says what they are.
    rowless = portal is not None and run.planned is None and bool(portal.shape or portal.prepared.shape)
    if held is None or not held.is_of(run, opening, rowless=rowless):
        if rowless:
            return
        held = Way(session, run, run.form, kin, opening)
        _keep(held, kin, key, portal)
    if len(held.ends) >= _ENDS:
        held.ends.clear()
    held.ends[run.commands[0], run.answers > 0] = end


def _keep(way: Way, kin: Kin, key: Hashable, portal: Portal | None) -> None:
    if portal is None:
        kin.keep_way(key, way)
        return
    ways = portal.prepared.ways
    if len(ways) >= _ENDS:
        ways.clear()
    ways[key] = way


def _plain(session: Session, run: Run) -> bool:
    """Whether a run was of the kind whose every byte is foreseen."""
    return (
        len(run.commands) == 1
        and run.answers == (run.planned is not None)
        and run.breach is None
        and not run.copied_rows
        and not session.in_doubt
        and not session.resource.dry_run
        and run.question.statement.commands == 1
        and PLAIN_VERBS.issuperset(run.question.statement.verbs)
    )
