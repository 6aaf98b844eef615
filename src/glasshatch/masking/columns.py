"""Column decisions: keep, mask or scan, from rules, names, lineage and types, before any row is seen.

A value that may hold a masked one and cannot be traced is masked whole. Text that nothing decides
is scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from .columnnames import ColumnRule, guess_by_name, masked_columns, rule_for
from .pgtypes import PERSONAL, ValueType, builtin_type


class ColumnFacts(msgspec.Struct, frozen=True):
    """What is known of one column of an answer.

    `table` and `column` name the base column it comes from unchanged, if there is one. For a
    derived column, `sources` are the columns that may flow into it, of which the masked ones count:
    () is proof that none does, None that it is not known. `format` is 0 for text and 1 for binary.
    `type` is what the catalogue knows of a type that is not built in.
    """

    name: str
    type_oid: int
    format: int = 0
    table: str | None = None
    column: str | None = None
    sources: tuple[str, ...] | None = None
    comment: str = ""
    type: ValueType | None = None

    @property
    def value_type(self) -> ValueType:
        """The column's type, as masking sees it."""
        return self.type if self.type is not None else builtin_type(self.type_oid)


class ColumnPlan(msgspec.Struct, frozen=True):
    """What happens to one column, and why (`because` is for people)."""

    action: Literal["keep", "mask", "scan"]
    name: str
    type: str = ""
    operator: str = "keep"
    subject: bool = False
    because: str = ""


def plan_column(facts: ColumnFacts, rules: Sequence[ColumnRule], may_touch_masked: bool) -> ColumnPlan:
    """Decide one column: by rule, by name, by lineage, then by type."""
    if facts.table is not None and facts.column is not None:
        return _base(facts, facts.table, facts.column, rules)
    sources = masked_columns(facts.sources, rules) if facts.sources else ()
    if sources:
        return _flowing(facts, sources, rules)
    if facts.sources is None and may_touch_masked:
        return ColumnPlan("mask", facts.name, "MASKED", "token", because="may hold a masked column")
    return _by_type(facts, facts.name)


def _base(facts: ColumnFacts, table: str, column: str, rules: Sequence[ColumnRule]) -> ColumnPlan:
    name = f"{table}.{column}"
    rule = next((rule for rule in rules if rule.fits(table, column)), None)
    if rule is not None:
        return _by_rule(rule, name, f"rule {rule.pattern}")
    guess = guess_by_name(column)
    if guess is not None and _believable(facts, guess):
        return _by_rule(guess, name, "the column's name")
    return _by_type(facts, name)


def _by_rule(rule: ColumnRule, name: str, because: str) -> ColumnPlan:
    action: Literal["keep", "mask"] = "keep" if rule.operator == "keep" else "mask"
    return ColumnPlan(action, name, rule.type, rule.operator, rule.subject, because)


def _believable(facts: ColumnFacts, guess: ColumnRule) -> bool:
    """Whether a column of this type can hold what its name suggests: `is_email boolean` cannot."""
    if facts.value_type.kind != "fixed":
        return True
    return facts.type_oid in _FIXED_CARRIERS.get(guess.type, ())


_NUMBERS = (20, 1700)
_FIXED_CARRIERS: dict[str, tuple[int, ...]] = {
    "BIRTHDATE": (1082, 1114, 1184),
    "CARD": _NUMBERS,
    "PHONE": _NUMBERS,
    "SSN": (*_NUMBERS, 23),
    "IBAN": _NUMBERS,
    "IP": (869, 650),
    "SECRET": (2950,),
}


def _flowing(facts: ColumnFacts, sources: tuple[str, ...], rules: Sequence[ColumnRule]) -> ColumnPlan:
    """A derived column of known sources: one source lends its type, so that tokens may still join."""
    type = "MASKED"
    if len(sources) == 1:
        table, _, column = sources[0].rpartition(".")
        rule = rule_for(table, column, rules)
        type = rule.type if rule is not None else type
    operator = "redact" if type == "SECRET" else "token"
    return ColumnPlan("mask", ", ".join(sources), type, operator, because="a masked column flows into it")


def _by_type(facts: ColumnFacts, name: str) -> ColumnPlan:
    personal = PERSONAL.get(facts.type_oid)
    if personal:
        return ColumnPlan("mask", name, personal, "token", because="all values of its type are personal")
    if facts.value_type.kind == "fixed":
        return ColumnPlan("keep", name, because="its type carries no text")
    return ColumnPlan("scan", name, because="text that nothing decides")
