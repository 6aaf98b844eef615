"""Carries a column plan out on batches of rows, and counts what was exposed.

A masked value keeps its type or becomes NULL; a cell that cannot be masked or scanned never passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from ..events import Data
from .columnnames import ColumnRule
from .columns import ColumnFacts, ColumnPlan, plan_column
from .engine import Finding
from .operators import replacement
from .pgtypes import JSONB, type_class
from .pgvalues import readable, utf8
from .redact import Redactor, count_tokens
from .tokens import UNSCANNED

Row = list[bytes | None]

MAX_SUBJECTS = 1_000
"""So many subject tokens fit an event; `RowPlan.subjects_dropped` counts the cells beyond them."""

_MEMO = 16_384
_NEW = b"not seen yet"
JSON_HINTS = frozenset(
    {"SECRET", "EMAIL", "SSN", "CARD", "IBAN", "PHONE", "NAME", "BIRTHDATE", "ADDRESS", "IP"}
)
"""Types that the keys of a JSON document in an answer are believed."""


def plan_columns(
    columns: Sequence[ColumnFacts], rules: Sequence[ColumnRule], redactor: Redactor, may_touch_masked: bool
) -> RowPlan:
    """Decide what happens to each column of an answer.

    Args:
        may_touch_masked: Whether the statement may read masked columns at all, known or not.
    """
    plans = [plan_column(facts, rules, may_touch_masked) for facts in columns]
    return RowPlan(columns, plans, redactor)


class _Cell:
    """How the values of one masked column are replaced; remembers a bounded number of them."""

    def __init__(self, facts: ColumnFacts, plan: ColumnPlan, redactor: Redactor) -> None:
        self._facts = facts
        self._plan = plan
        self._tokens = redactor.tokens
        self.subject_of = redactor.tokens.maker(plan.type)
        self._class = type_class(facts.type_oid)
        self.memo: dict[bytes, bytes | None] = {}

    def masked(self, value: bytes) -> bytes | None:
        """What stands for the value: of its type, or NULL."""
        if self._class in ("fixed", "opaque"):
            return None
        plan, text = self._plan, self.text(value)
        if plan.operator == "token" and plan.type != "SECRET":
            shown: str | None = self.subject_of(text)
        else:
            shown = replacement(plan.operator, plan.type, text, self._tokens)
        if shown is None:
            return None
        if self._class == "json":
            return _json(shown, self._facts)
        return shown.encode("utf-8", "replace")

    def text(self, value: bytes) -> str:
        """The value as tokens are made from it."""
        return readable(value, self._facts.format, self._facts.type_oid)

    def subject(self, value: bytes) -> str:
        """The token of the data subject whom the value names."""
        return self.subject_of(self.text(value))


class RowPlan:
    """One answer's plan at work. `columns` says what is decided for each column, and why."""

    def __init__(self, facts: Sequence[ColumnFacts], plans: Sequence[ColumnPlan], redactor: Redactor) -> None:
        self.columns = tuple(plans)
        self.subjects_dropped = 0
        self._facts = tuple(facts)
        self._redactor = redactor
        self._masks = [
            (index, plan, _Cell(facts[index], plan, redactor))
            for index, plan in enumerate(plans)
            if plan.action == "mask"
        ]
        self._scans = [index for index, plan in enumerate(plans) if plan.action == "scan"]
        self._documents = {index for index in self._scans if type_class(facts[index].type_oid) == "json"}
        self._clear = [index for index, plan in enumerate(plans) if plan.action == "keep" and plan.type]
        self._subjects: dict[str, None] = {}
        self._found: Counter[str] = Counter()
        self._found_in: set[str] = set()
        self._rows = self._bytes = self._masked = self._visible = 0

    @property
    def untouched(self) -> bool:
        """Whether rows may pass without being decoded: nothing is masked, scanned or counted."""
        return not (self._masks or self._scans or self._clear)

    def passed(self, rows: int, size: int = 0) -> None:
        """Count rows (and their bytes) that passed because the plan is `untouched`."""
        self._rows += rows
        self._bytes += size

    def mask(self, rows: list[Row]) -> list[Row]:
        """The rows as the client may see them; changed in place and returned."""
        self._rows += len(rows)
        for index, plan, cell in self._masks:
            self._mask_column(rows, index, plan, cell)
        if self._scans:
            self._scan(rows)
        for index in self._clear:
            self._count_clear(rows, index)
        return rows

    def _mask_column(self, rows: list[Row], index: int, plan: ColumnPlan, cell: _Cell) -> None:
        memo, masked = cell.memo, 0
        for row in rows:
            value = row[index]
            if value is None:
                continue
            masked += 1
            shown = memo.get(value, _NEW)
            row[index] = self._first_time(value, plan, cell) if shown is _NEW else shown
        self._masked += masked

    def _first_time(self, value: bytes, plan: ColumnPlan, cell: _Cell) -> bytes | None:
        try:
            shown = cell.masked(value)
            if plan.subject:
                self._subject(cell.subject(value))
        except Exception:
            # NULL is of every type. What went wrong is ours to find; the value stays here.
            return None
        if len(cell.memo) >= _MEMO:
            cell.memo.clear()
        cell.memo[value] = shown
        return shown

    def _subject(self, token: str) -> None:
        if token in self._subjects:
            return
        if len(self._subjects) < MAX_SUBJECTS:
            self._subjects[token] = None
        else:
            self.subjects_dropped += 1

    def _scan(self, rows: list[Row]) -> None:
        cells = [(row, index) for row in rows for index in self._scans if row[index] is not None]
        texts = [self._readable(row, index) for row, index in cells]
        for (row, index), text, found in zip(cells, texts, self._redactor.findings(texts), strict=True):
            # Keys of a document tell what a scan of its text cannot see.
            if found is None or found or (index in self._documents and text.startswith(("{", "["))):
                self._replace(row, index, text, found)

    def _readable(self, row: Row, index: int) -> str:
        facts = self._facts[index]
        return readable(row[index] or b"", facts.format, facts.type_oid)

    def _replace(self, row: Row, index: int, text: str, found: list[Finding] | None) -> None:
        before = row[index]
        row[index] = shown = _spliced(self._facts[index], text, found, self._redactor)
        if shown == before:
            return
        self._masked += 1
        self._found_in.add(self.columns[index].name)
        self._found.update(count_tokens([utf8(shown)]) if shown else {one.type: 1 for one in found or ()})

    def _count_clear(self, rows: list[Row], index: int) -> None:
        cell = _Cell(self._facts[index], self.columns[index], self._redactor)
        for row in rows:
            value = row[index]
            if value is None:
                continue
            self._visible += 1
            if self.columns[index].subject:
                self._subject(cell.subject(value))

    def exposure(self) -> Data:
        """What was returned so far: personal columns and classes, cells masked and in clear, subjects."""
        if not self._rows:
            return Data(bytes=self._bytes)
        named = [plan for plan in self.columns if plan.type]
        return Data(
            rows=self._rows,
            bytes=self._bytes,
            classes=tuple(sorted({plan.type for plan in named} | set(self._found))),
            columns=tuple(sorted({plan.name for plan in named} | self._found_in)),
            subjects=tuple(sorted(self._subjects)),
            masked=self._masked,
            clear=self._visible,
        )


def _spliced(facts: ColumnFacts, text: str, found: list[Finding] | None, redactor: Redactor) -> bytes | None:
    """A scanned cell with its findings replaced, of the same type, or NULL."""
    kind = type_class(facts.type_oid)
    if kind == "text":
        return (UNSCANNED if found is None else redactor.splice(text, found)).encode("utf-8", "replace")
    if kind == "json" and found is not None:
        return _cleaned_json(facts, text, redactor)
    return None


def _cleaned_json(facts: ColumnFacts, text: str, redactor: Redactor) -> bytes | None:
    """The document with its strings and long numbers cleaned one by one, so that it stays JSON."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    shown = msgspec.json.encode(redactor.tree(document, JSON_HINTS)).decode()
    # What was found only across members (a key and its value) has no place of its own.
    if redactor.findings([shown]) != [[]]:
        return None
    if msgspec.json.decode(shown) == document:
        shown = text
    return (b"\x01" if _binary_jsonb(facts) else b"") + shown.encode()


def _json(shown: str, facts: ColumnFacts) -> bytes:
    return (b"\x01" if _binary_jsonb(facts) else b"") + msgspec.json.encode(shown)


def _binary_jsonb(facts: ColumnFacts) -> bool:
    return facts.format == 1 and facts.type_oid == JSONB
