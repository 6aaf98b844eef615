"""From pySigma's correlation to ours."""

from __future__ import annotations

from typing import Any

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from .forms import All, Any_, Correlation, Form, Not, Seen
from .parsing import Unanswerable, head_of

_OPERATORS: dict[SigmaCorrelationConditionOperator, Any] = {
    SigmaCorrelationConditionOperator.LT: "lt", SigmaCorrelationConditionOperator.LTE: "le",
    SigmaCorrelationConditionOperator.GT: "gt", SigmaCorrelationConditionOperator.GTE: "ge",
    SigmaCorrelationConditionOperator.EQ: "eq", SigmaCorrelationConditionOperator.NEQ: "ne",
}  # fmt: skip
_LONGEST_S = 400 * 86_400


def correlation_of(parsed: SigmaCorrelationRule, origin: str, line: int) -> Correlation:
    """The correlation as it is evaluated; raises `Unanswerable` for one that cannot be."""
    condition = parsed.condition
    written = condition if isinstance(condition, SigmaExtendedCorrelationCondition) else None
    rules = tuple(one.reference for one in parsed.rules or ())
    if written is not None:
        rules = rules or tuple(written.get_referenced_rules())
    if not rules:
        raise Unanswerable("the correlation refers to no rule")
    if not 0 < parsed.timespan.seconds <= _LONGEST_S:
        raise Unanswerable("the timespan is longer than 400 days")
    compared: dict[str, Any] = {}
    if written is None:
        given = condition.fieldref  # type: ignore[union-attr]
        fields = [given] if isinstance(given, str) else given or []
        compared = {
            "operator": _OPERATORS[condition.op], "number": float(condition.count),  # type: ignore[union-attr]
            "fields": tuple(field.lower() for field in fields),
            "percentile": _percentile(condition),
        }  # fmt: skip
    aliases = {
        alias.alias: {ref.reference: field.lower() for ref, field in alias.mapping.items()}
        for alias in parsed.aliases
    }
    return Correlation(
        **head_of(parsed), **compared, kind=parsed.type.name.lower(), rules=rules,  # type: ignore[arg-type]
        group_by=tuple(parsed.group_by or ()), aliases=aliases, timespan_s=parsed.timespan.seconds,
        asks=_asks(written.parsed) if written is not None else None, generate=parsed.generate,
        origin=origin, line=line,
    )  # fmt: skip


def _percentile(condition: Any) -> int:
    wanted = 50 if condition.percentile is None else condition.percentile
    if not 0 <= wanted <= 100:
        raise Unanswerable(f"a percentile is a number of 0 to 100, not {wanted}")
    return int(wanted)


def _asks(tree: Any) -> Form:
    if isinstance(tree, SigmaRuleReference):
        return Seen(tree.reference)
    if isinstance(tree, CorrelationConditionNOT):
        return Not(_asks(tree.args[0]))
    items = tuple(map(_asks, tree.args))
    if isinstance(tree, CorrelationConditionAND):
        return All(items)
    if isinstance(tree, CorrelationConditionOR):
        return Any_(items)
    raise Unanswerable(f"a condition of {type(tree).__name__} is not known here")
