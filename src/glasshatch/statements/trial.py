"""Tries a condition on example rows: one that holds for each of them leaves out no row.

The languages give a condition as an `Expression`. No database is asked; the example values are those
that a condition of its constants could tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product

from .expression import (
    ASKING_NULL,
    COMPARING,
    NUMERIC,
    OPERATIONS,
    TEXTUAL,
    Column,
    Constant,
    Expression,
    Operation,
    Untried,
    Value,
    is_number,
    number_of,
    truth_of,
    value_of,
)

MAX_PARTS = 80
_MAX_ROWS = 400
_FEW = 6
_NUMBERS = (1, 2, 7, 4711, 123_456_789, 0, -1, -5000, 0.5)
_TEXTS = ("a", "paid", "Zed 9", "ann@example.com", "2021-05-05", "0", "x_y-z")
_ADDRESSES = ("ann@example.com", "Bo.Li@mail.example.org", "7@x.io")
_TIMES = ("2001-02-03 04:05:06", "2021-05-05 00:00:00", "2035-12-31 23:59:59")
_MATCHING = frozenset({"like", "ilike", "matches", "imatches", "starts with"})
_SIGNS = re.compile(r"[%^$.*+?]")
_NUMBERED = ("123-45-6789", "987-65-4320", "555-00-1234")
_PAST = ("created", "inserted", "updated", "modified", "added", "registered")
_MAX_NUMBER = 1 << 63
# Counted keys stay below the first; what is compared with more than the second is made of the time.
_MAX_KEY, _TIMED_KEY = 1 << 31, 1 << 40


def holds_for_every_row(condition: Expression) -> bool:
    """Whether a condition holds for every example row; False too for one that cannot be tried."""
    columns = _Columns()
    if not columns.gather(condition):
        return False
    unmatched = set(columns.patterns)
    tried = False
    for row in columns.rows():
        try:
            if truth_of(value_of(condition, row)) is not True:
                return False
            unmatched -= {pattern for pattern in unmatched if value_of(pattern, row)}
        except Untried:
            return False
        tried = True
    # A pattern that no example matches says nothing of the rows that it is written for.
    return tried and not unmatched


@dataclass
class _Columns:
    """The columns of a condition, of which kind their values are, and what they are compared with."""

    columns: dict[str, Column] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    constants: list[Value] = field(default_factory=list)
    nullable: set[str] = field(default_factory=set)
    patterns: list[Operation] = field(default_factory=list)
    parts: int = 0

    def gather(self, node: Expression) -> bool:
        """Read the whole condition; False if it is too large, or an operation in it is not known."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            return False
        if isinstance(node, Constant):
            self.constants.append(node.value)
        elif isinstance(node, Column):
            self.columns[node.name] = node
        else:
            if node.name not in OPERATIONS:
                return False
            self._learn(node)
            if node.name in _MATCHING:
                self.patterns.append(node)
            return all(self.gather(arg) for arg in node.args)
        return True

    def _learn(self, node: Operation) -> None:
        """What an operation says of the columns that stand in it."""
        kind = "text" if node.name in TEXTUAL else "number" if node.name in NUMERIC else ""
        given = [arg.value for arg in node.args if isinstance(arg, Constant)]
        if not kind and node.name in COMPARING:
            kind = "text" if any(isinstance(value, str) for value in given) else ""
        for arg in node.args:
            if isinstance(arg, Column):
                if kind and self.kinds.get(arg.name) != "text":
                    self.kinds[arg.name] = kind
                if node.name in ASKING_NULL:
                    self.nullable.add(arg.name)

    def rows(self) -> Iterator[dict[str, Value]]:
        """Example rows: every combination of the examples, of fewer of them where there are many columns."""
        names = list(self.columns)
        if not names:
            yield {}
            return
        examples = [self._examples(name, few=len(names) > 2) for name in names]
        if len(names) > 3 or not all(examples):
            return
        for values in islice(product(*examples), _MAX_ROWS):
            yield dict(zip(names, values, strict=True))

    def _examples(self, name: str, *, few: bool) -> list[Value]:
        """Values of a column: around each constant first, since those tell whether a comparison can fail."""
        column = self.columns[name]
        found: list[Value] = [None] if name in self.nullable and not column.key else []
        if column.key and any(isinstance(value, str) and not is_number(value) for value in self.constants):
            found += self._texts(_TEXTS[:2], filled=True)
        elif self.kinds.get(name) == "text" and not column.key:
            found += self._named_texts(name)
        else:
            found += self._numbers(key=column.key)
        return list(dict.fromkeys(found))[: _FEW if few else 40]

    def _named_texts(self, name: str) -> list[Value]:
        """Texts of a column of which the name says of which form they are."""
        short = name.rpartition(".")[2].lower()
        if re.search(r"(?:^|_)ssn(?:_|$)|social_security", short):
            return [text for text in self._texts(_NUMBERED) if re.fullmatch(r"\d{3}-\d{2}-\d{4}", str(text))]
        if "email" in short or "e_mail" in short:
            return [text for text in self._texts(_ADDRESSES) if "@" in str(text).strip("@%")]
        if short.startswith(_PAST) or short.endswith(("_at", "_on")):
            return [text for text in self._texts(_TIMES) if "2000" <= str(text) < "2036"]
        return self._texts(_TEXTS)

    def _texts(self, others: tuple[str, ...], *, filled: bool = False) -> list[Value]:
        given = [value for value in self.constants if isinstance(value, str)]
        plain = [_SIGNS.sub("", value) for value in given[:6]]
        near = [near for value in given[:6] for near in (value, value + "x", value[:-1])] + plain
        return [text for text in (*near, *others) if text or not filled]

    def _numbers(self, *, key: bool) -> list[Value]:
        given = [number_of(value) for value in self.constants[:8] if is_number(value)]
        found = [*(near for number in given for near in (number, number - 1, number + 1)), *_NUMBERS]
        if not key:
            return [one for one in found if abs(one) < _MAX_NUMBER]
        timed = any(_TIMED_KEY < number < _MAX_NUMBER for number in given)
        most = _MAX_NUMBER if timed else _MAX_KEY
        return [one for one in found if 1 <= one < most and one % 1 == 0]
