"""Carries a column plan out on batches of rows, and counts what was exposed.

A masked value keeps its type or becomes NULL; a cell that cannot be masked or scanned never passes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PeerError
from ..events import Data
from .cells import CLEAN, Cell, Verdict, cell_of
from .choosing import NOBODY, MaskingView
from .columnnames import ColumnRule
from .columns import ColumnFacts, ColumnPlan, plan_column
from .kernel import Memo, Splicer
from .redact import Redactor
from .rowtwin import Splicer as Reader

MAX_SUBJECTS = 1_000
"""So many subject tokens fit an event; `RowPlan.subjects_dropped` counts the cells beyond them."""

_MEMO = 4_096
_MEMO_BYTES = 8 << 20


def plan_columns(
    columns: Sequence[ColumnFacts],
    rules: Sequence[ColumnRule],
    redactor: Redactor,
    may_touch_masked: bool,
    view: MaskingView = NOBODY,
    *,
    dry_run: bool = False,
) -> RowPlan:
    """Decide what happens to each column of an answer.

    Args:
        may_touch_masked: Whether the statement may read masked columns at all, known or not.
        view: The masking rules that the actor meets at this resource.
        dry_run: Let everything but secrets pass IN CLEAR, and count what would be masked.
    """
    plans = [plan_column(facts, rules, may_touch_masked, view) for facts in columns]
    return RowPlan(columns, plans, redactor, view, dry_run=dry_run)


class _Touched:
    """A column whose values are looked at: its cell, and what is shown for the values of late."""

    def __init__(self, index: int, plan: ColumnPlan, cell: Cell) -> None:
        self.index = index
        self.plan = plan
        self.cell = cell
        self.memo: Memo | None = None if cell.always_null else {}
        self.spared = plan.action == "mask" and cell.spares
        self.passing: dict[bytes, Verdict] = {}
        """Values in which something was found that passes in clear all the same."""
        self._bytes = 0

    def learn(self, values: list[bytes]) -> list[Verdict]:
        """Write the verdicts of values that are new into the memo; gives those that are not clean."""
        scans = self.plan.action == "scan"
        verdicts = self.cell.sampled(values) if scans else self.cell.judge(values)
        odd = [(value, one) for value, one in zip(values, verdicts, strict=True) if one is not CLEAN]
        if self.memo is not None:
            self.memo.update(dict.fromkeys(values, True))
            self.memo.update([(value, one.shown) for value, one in odd])
        self.passing.update([(value, one) for value, one in odd if one.clear])
        return [one for _, one in odd]

    def stamp(self, values: list[bytes]) -> list[bytes] | None:
        """Write the tokens of values that are new into the memo, where nothing else is to be judged."""
        tokens = self.cell.tokens(values) if self.memo is not None else None
        if tokens is not None and self.memo is not None:
            self.memo.update(zip(values, tokens, strict=True))
        return tokens

    def forget(self, size: int) -> None:
        """Hold the memo to its bound; between batches only, for a batch relies on all it has learnt.

        Args:
            size: Bytes of the batch, of which the column's values are a part.
        """
        self._bytes += size
        if self.memo is not None and (len(self.memo) > _MEMO or self._bytes > _MEMO_BYTES):
            self.memo.clear()
            self.passing.clear()
            self._bytes = 0


class RowPlan:
    """One answer's plan at work. `columns` says what is decided for each column, and why."""

    def __init__(
        self,
        facts: Sequence[ColumnFacts],
        plans: Sequence[ColumnPlan],
        redactor: Redactor,
        view: MaskingView = NOBODY,
        *,
        dry_run: bool = False,
    ) -> None:
        self.columns = tuple(plans)
        self.subjects_dropped = 0
        self._touched = [
            _Touched(index, plan, cell_of(facts[index], plan, redactor, view, dry_run=dry_run))
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
        indexes = [column.index for column in self._touched]
        self._splicer = Splicer(len(plans), indexes, memos, clear)
        # Only where something found may pass: to count that costs as much as a kernel in Python.
        self._reader = Reader(len(plans), indexes, memos) if dry_run or not view.empty else None
        self._passed = self._would = 0
        self._subjects: dict[str, None] = {}
        self._seen_subjects: set[bytes] = set()
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
                    self._learn(column, values)
            if self._reader is not None:
                self._count_passing(self._reader, data, start, end)
            shown = self._splicer.splice(data, start, end)
        except ValueError:
            raise PeerError("the upstream sent a malformed row") from None
        for column in self._touched:
            column.forget(end - start)
        return shown

    def _count_passing(self, reader: Reader, data: bytes, start: int, end: int) -> None:
        if not any(column.passing for column in self._touched):
            return
        for slot, value in reader.values(data, start, end):
            verdict = self._touched[slot].passing.get(value)
            if verdict is not None:
                self._passed += 1
                self._would += verdict.would

    @property
    def would_mask(self) -> int:
        """In a dry run: how many cells passed in clear that would be masked."""
        spared = zip(self._touched, self._splicer.seen, strict=True)
        return self._would + sum(seen for column, seen in spared if column.spared)

    def _learn(self, column: _Touched, values: list[bytes]) -> None:
        tokens = column.stamp(values)
        if tokens is None:
            self._note(column, column.learn(values))
        elif column.plan.subject:
            self._stamped_subjects(tokens)

    def _stamped_subjects(self, tokens: list[bytes]) -> None:
        room = MAX_SUBJECTS - len(self._subjects)
        known = self._seen_subjects
        if room > 0:
            fresh = list(dict.fromkeys(token for token in tokens if token not in known))[:room]
            known.update(fresh)
            self._subjects.update(dict.fromkeys(token.decode() for token in fresh))
        if len(tokens) > room:
            self.subjects_dropped += len(tokens) - sum(map(known.__contains__, tokens))

    def _note(self, column: _Touched, verdicts: list[Verdict]) -> None:
        if column.plan.subject:
            for verdict in verdicts:
                if verdict.subject:
                    self._subject(verdict.subject)
        elif column.plan.action == "scan":
            for verdict in verdicts:
                if verdict.shown is not True or verdict.found:
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
        masked, clear = 0, self._splicer.clear + self._passed
        for column, seen, changed in zip(
            self._touched, self._splicer.seen, self._splicer.changed, strict=True
        ):
            # A masked cell counts even where the mask happens to be the value.
            action = "keep" if column.spared else column.plan.action
            masked += {"mask": seen, "scan": changed, "keep": 0}[action]
            clear += seen if action == "keep" else 0
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
