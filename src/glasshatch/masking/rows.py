"""Carries a column plan out on batches of rows, and counts what was exposed.

A masked value keeps its type or becomes NULL; a cell that cannot be masked or scanned never passes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PeerError
from ..events import Data
from .cells import Cell, Verdict, cell_of
from .columnnames import ColumnRule
from .columns import ColumnFacts, ColumnPlan, plan_column
from .kernel import Memo, Splicer
from .redact import Redactor

MAX_SUBJECTS = 1_000
"""So many subject tokens fit an event; `RowPlan.subjects_dropped` counts the cells beyond them."""

_MEMO = 16_384
_MEMO_BYTES = 4 << 20


def plan_columns(
    columns: Sequence[ColumnFacts], rules: Sequence[ColumnRule], redactor: Redactor, may_touch_masked: bool
) -> RowPlan:
    """Decide what happens to each column of an answer.

    Args:
        may_touch_masked: Whether the statement may read masked columns at all, known or not.
    """
    plans = [plan_column(facts, rules, may_touch_masked) for facts in columns]
    return RowPlan(columns, plans, redactor)


class _Touched:
    """A column whose values are looked at: its cell, and what is shown for the values of late."""

    def __init__(self, index: int, plan: ColumnPlan, cell: Cell) -> None:
        self.index = index
        self.plan = plan
        self.cell = cell
        self.memo: Memo | None = None if cell.always_null else {}
        self._bytes = 0

    def learn(self, values: list[bytes]) -> list[Verdict]:
        """Write the verdicts of values that are new into the memo."""
        verdicts = self.cell.judge(values)
        if self.memo is not None:
            self.memo.update((value, one.shown) for value, one in zip(values, verdicts, strict=True))
        self._bytes += sum(map(len, values))
        return verdicts

    def forget(self) -> None:
        """Hold the memo to its bound; between batches only, for a batch relies on all it has learnt."""
        if self.memo is not None and (len(self.memo) > _MEMO or self._bytes > _MEMO_BYTES):
            self.memo.clear()
            self._bytes = 0


class RowPlan:
    """One answer's plan at work. `columns` says what is decided for each column, and why."""

    def __init__(self, facts: Sequence[ColumnFacts], plans: Sequence[ColumnPlan], redactor: Redactor) -> None:
        self.columns = tuple(plans)
        self.subjects_dropped = 0
        self._touched = [
            _Touched(index, plan, cell_of(facts[index], plan, redactor))
            for index, plan in enumerate(plans)
            if plan.action != "keep" or (plan.type and plan.subject)
        ]
        clear = [
            index
            for index, plan in enumerate(plans)
            if plan.action == "keep" and plan.type and not plan.subject
        ]
        self.untouched = not (self._touched or clear)
        """Whether rows may pass without being looked at: nothing is masked, scanned or counted."""
        memos = [column.memo for column in self._touched]
        self._splicer = Splicer(len(plans), [column.index for column in self._touched], memos, clear)
        self._subjects: dict[str, None] = {}
        self._found: set[str] = set()
        self._found_in: set[str] = set()
        self._rows = self._bytes = 0

    def passed(self, rows: int, size: int = 0) -> None:
        """Count rows (and their bytes) that passed because the plan is `untouched`."""
        self._rows += rows
        self._bytes += size

    def rewrite(self, data: bytes, start: int = 0, end: int | None = None) -> bytes:
        """The rows of a span as the client may see them: DataRow messages in, DataRow messages out.

        Raises:
            PeerError: They are not whole rows of this plan's columns.
        """
        end = len(data) if end is None else end
        try:
            missing = self._splicer.unseen(data, start, end)
            for column, values in zip(self._touched, missing, strict=True):
                if values:
                    self._note(column, column.learn(values))
            shown = self._splicer.splice(data, start, end)
        except ValueError:
            raise PeerError("the upstream sent a malformed row") from None
        for column in self._touched:
            column.forget()
        return shown

    def _note(self, column: _Touched, verdicts: list[Verdict]) -> None:
        if column.plan.subject:
            for verdict in verdicts:
                if verdict.subject:
                    self._subject(verdict.subject)
        elif column.plan.action == "scan":
            for verdict in verdicts:
                if verdict.shown is not True:
                    self._found.update(verdict.found)
                    self._found_in.add(column.plan.name)

    def _subject(self, token: str) -> None:
        if token in self._subjects:
            return
        if len(self._subjects) < MAX_SUBJECTS:
            self._subjects[token] = None
        else:
            self.subjects_dropped += 1

    def exposure(self) -> Data:
        """What was returned so far: personal columns and classes, cells masked and in clear, subjects."""
        rows = self._rows + self._splicer.rows
        if not rows:
            return Data(bytes=self._bytes)
        masked, clear = 0, self._splicer.clear
        for column, seen, changed in zip(
            self._touched, self._splicer.seen, self._splicer.changed, strict=True
        ):
            # A masked cell counts even where the mask happens to be the value.
            masked += {"mask": seen, "scan": changed, "keep": 0}[column.plan.action]
            clear += seen if column.plan.action == "keep" else 0
        named = [plan for plan in self.columns if plan.type]
        return Data(
            rows=rows,
            bytes=self._bytes,
            classes=tuple(sorted({plan.type for plan in named} | self._found)),
            columns=tuple(sorted({plan.name for plan in named} | self._found_in)),
            subjects=tuple(sorted(self._subjects)),
            masked=masked,
            clear=clear,
        )
