"""Column decisions: keep, mask or scan, from rules, names, lineage and types, before any row is seen.

A value that may hold a masked one and cannot be traced is masked whole. Text that nothing decides
is scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from .choosing import NOBODY, MaskingView
from .columnnames import ColumnRule, believable, guess_by_name, masked_columns, rule_for
from .operators import Chosen, Operator
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
    type: ValueType | None = None

    @property
    def value_type(self) -> ValueType:
        """The column's type, as masking sees it."""
        return self.type if self.type is not None else builtin_type(self.type_oid)


class ColumnPlan(msgspec.Struct, frozen=True):
    """What happens to one column, and why (`because` is for people).

    `chosen` is the operator with its settings. `secret`: it holds a secret, or may hold one.
    """

    action: Literal["keep", "mask", "scan"]
    name: str
    type: str = ""
    operator: str = "keep"
    subject: bool = False
    because: str = ""
    chosen: Chosen = Chosen("keep")
    secret: bool = False


def plan_column(
    facts: ColumnFacts, rules: Sequence[ColumnRule], may_touch_masked: bool, view: MaskingView = NOBODY
) -> ColumnPlan:
    """Decide one column: by rule, by name, by lineage, then by type.

    Args:
        view: The masking rules that the actor meets; they choose the operator, not the type.
    """
    if facts.table is not None and facts.column is not None:
        return _base(facts, facts.table, facts.column, rules, view)
    sources = masked_columns(facts.sources, rules, view.masks) if facts.sources else ()
    if sources:
        return _flowing(facts, sources, rules, view)
    if facts.sources is None and may_touch_masked:
        return _plan(facts.name, "MASKED", Chosen("token", "may hold a masked column"), secret=True)
    return _by_type(facts, facts.name, view)


def _base(
    facts: ColumnFacts, table: str, column: str, rules: Sequence[ColumnRule], view: MaskingView
) -> ColumnPlan:
    name = f"{table}.{column}"
    rule = next((rule for rule in rules if rule.fits(table, column)), None)
    because = f"rule {rule.pattern}" if rule is not None else "the column's name"
    if rule is None:
        guess = guess_by_name(column)
        is_fixed = facts.value_type.kind == "fixed"
        fits = guess is not None and believable(guess.type, facts.type_oid, is_fixed=is_fixed)
        rule = guess if fits else None
    if rule is not None:
        chosen = view.operator_for(rule.type, column=name) or rule.chosen(because)
        return _plan(name, rule.type, chosen, subject=rule.subject)
    met = view.operator_for("", column=name)
    if met is not None and met.operator != "keep":
        return _plan(name, "MASKED", met)
    return _by_type(facts, name, view)


def _plan(name: str, type: str, chosen: Chosen, *, subject: bool = False, secret: bool = False) -> ColumnPlan:
    action: Literal["keep", "mask"] = "keep" if chosen.operator == "keep" else "mask"
    secret = secret or type == "SECRET"
    return ColumnPlan(action, name, type, chosen.operator, subject, chosen.because, chosen, secret)


def _flowing(
    facts: ColumnFacts, sources: tuple[str, ...], rules: Sequence[ColumnRule], view: MaskingView
) -> ColumnPlan:
    """A derived column of known sources: one source lends its type, so that tokens may still join.

    It is in clear only for somebody who may see each of its sources in clear; a part of a value or a
    lookalike of one would not be what the statement computes, so it is a token or NULL.
    """
    types = ["MASKED"] * len(sources)
    met: list[Chosen | None] = []
    for place, source in enumerate(sources):
        table, _, column = source.rpartition(".")
        rule = rule_for(table, column, rules)
        types[place] = rule.type if rule is not None else "MASKED"
        met.append(view.operator_for(rule.type if rule is not None else "", column=source))
    type = types[0] if len(sources) == 1 else "MASKED"
    shown = ", ".join(sources)
    if all(one is not None and one.operator == "keep" for one in met):
        return _by_type(facts, shown, view)
    hidden = any(one is not None and one.operator in ("redact", "null") for one in met)
    operator: Operator = "redact" if "SECRET" in types or hidden else "token"
    chosen = Chosen(operator, "a masked column flows into it")
    return _plan(shown, type, chosen, secret="SECRET" in types)


def _by_type(facts: ColumnFacts, name: str, view: MaskingView) -> ColumnPlan:
    personal = PERSONAL.get(facts.type_oid)
    if personal:
        default = Chosen("token", "all values of its type are personal")
        return _plan(name, personal, view.operator_for(personal, column=name) or default)
    if facts.value_type.kind == "fixed":
        return ColumnPlan("keep", name, because="its type carries no text")
    return ColumnPlan("scan", name, because="text that nothing decides")
