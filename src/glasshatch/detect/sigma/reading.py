"""From the text of a rule file to its forms. pySigma reads Sigma's grammar, its modifiers included.

A rule that pySigma refuses, or that asks for what no record can answer, is a problem with file and line;
the rest of its file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule as Parsed
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from .correlationreading import correlation_of
from .forms import (
    MANY,
    ONE,
    All,
    Any_,
    Compare,
    Correlation,
    Exists,
    Form,
    LogSource,
    Moment,
    Network,
    Not,
    Nothing,
    Operator,
    Part,
    Pattern,
    Same,
    SigmaRule,
    Text,
    Wanting,
)
from .numbers import plain_number
from .parsing import POLICY, Unanswerable, head_of
from .problems import RuleProblem

_OPERATORS: dict[CompareOperators, Any] = {
    CompareOperators.LT: "lt", CompareOperators.LTE: "le", CompareOperators.GT: "gt",
    CompareOperators.GTE: "ge", CompareOperators.NEQ: "ne",
}  # fmt: skip
_PARTS: dict[TimestampPart, Any] = {part: part.name.lower() for part in TimestampPart}
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: MANY, SpecialChars.WILDCARD_SINGLE: ONE}
_ACTION = re.compile(r"^action\s*:", re.MULTILINE)
_MAX_DEPTH = 200
_MAX_REASON = 400


def read_rules(text: str, origin: str) -> tuple[list[SigmaRule | Correlation], list[RuleProblem]]:
    """Every rule of a file, and what is wrong with the others. What correlations refer to is not looked for.

    Args:
        origin: The file's name, for messages.
    """
    rules: list[SigmaRule | Correlation] = []
    problems: list[RuleProblem] = []
    for line, document in _documents(text):
        try:
            found = SigmaCollection.from_yaml(
                document, collect_errors=True, collect_filters=True, resolve_references=False, policy=POLICY
            )
        except (SigmaError, yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
            problems.append(_problem(origin, line, document, error))
            continue
        if not found.rules:
            reason = found.errors[0] if found.errors else Unanswerable("there is no rule in it")
            problems.append(_problem(origin, line, document, reason))
        for parsed in found.rules:
            if parsed.errors:
                problems.append(_problem(origin, line, document, parsed.errors[0]))
                continue
            try:
                rules.append(_any_rule(parsed, origin, line))
            except (SigmaError, Unanswerable, RecursionError) as error:
                problems.append(_problem(origin, line, document, error))
    return rules, problems


def _any_rule(parsed: Any, origin: str, line: int) -> SigmaRule | Correlation:
    if isinstance(parsed, SigmaCorrelationRule):
        return correlation_of(parsed, origin, line)
    if not isinstance(parsed, Parsed):
        raise Unanswerable("filters are not supported: add what they exclude to the rules")
    return _rule(parsed, origin, line)


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The YAML documents of a file, each with the line on which it begins.

    Of a file with `action` the documents belong together.
    """
    if _ACTION.search(text):
        yield 1, text
        return
    start = 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate([*lines, "---\n"]):
        if line.rstrip() == "---":
            part = "".join(lines[start:number])
            if part.strip():
                yield start + 1, part
            start = number + 1


def _problem(origin: str, start: int, document: str, error: Exception) -> RuleProblem:
    """The message without what a parser adds of paths and pictures, on one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        reason = " ".join(filter(None, (getattr(error, "context", ""), getattr(error, "problem", ""))))
        return RuleProblem(origin, start + mark.line, reason or "is not YAML")
    reason = error.args[0] if error.args and isinstance(error.args[0], str) else type(error).__name__
    if isinstance(error, RecursionError):
        reason = "is nested too deeply"
    return RuleProblem(origin, start + _line_of(document, reason), " ".join(reason.split())[:_MAX_REASON])


def _line_of(document: str, reason: str) -> int:
    """Where in a document the thing stands that the reason names; its first line if none does."""
    lines = document.splitlines()
    for word in re.findall(r"'([^']{1,80})'", reason):
        for quoted in (f"'{word}'", f'"{word}"', f" {word}", f"|{word}", word):
            for number, line in enumerate(lines):
                if quoted in line:
                    return number
    return 0


def _rule(parsed: Parsed, origin: str, line: int) -> SigmaRule:
    conditions = [condition.parsed for condition in parsed.detection.parsed_condition]
    forms = tuple(_form(tree) for tree in conditions if tree is not None)
    if not forms:
        raise Unanswerable("the condition asks for nothing")
    source = parsed.logsource
    return SigmaRule(
        **head_of(parsed), origin=origin, line=line,
        source=LogSource(source.product or "", source.category or "", source.service or ""),
        form=forms[0] if len(forms) == 1 else Any_(forms),
    )  # fmt: skip


def _form(tree: Any, depth: int = 0) -> Form:
    if depth > _MAX_DEPTH:
        raise Unanswerable("the condition is nested too deeply")
    if isinstance(tree, ConditionNOT):
        return Not(_form(tree.args[0], depth + 1))
    if isinstance(tree, (ConditionAND, ConditionOR)):
        items = tuple(_form(one, depth + 1) for one in tree.args)
        return All(items) if isinstance(tree, ConditionAND) else Any_(items)
    if isinstance(tree, ConditionFieldEqualsValueExpression):
        return _leaf(tree.field.lower(), tree.value)
    if isinstance(tree, ConditionValueExpression):
        return _keyword(tree.value)
    raise Unanswerable(f"a condition of {type(tree).__name__} is not known here")


def _keyword(value: Any) -> Form:
    """A value without a field is looked for inside every text."""
    if isinstance(value, SigmaExpansion):
        return Any_(tuple(_keyword(one) for one in value.values))
    if isinstance(value, SigmaNumber):
        return Text("", "is", plain_number(value.number))
    if not isinstance(value, SigmaString):
        return _leaf("", value)
    if not value.startswith(SpecialChars.WILDCARD_MULTI):
        value = SpecialChars.WILDCARD_MULTI + value
    if not value.endswith(SpecialChars.WILDCARD_MULTI):
        value = value + SpecialChars.WILDCARD_MULTI
    return _text("", value)


def _leaf(field: str, value: Any) -> Form:
    match value:
        case SigmaExpansion():
            return Any_(tuple(_leaf(field, one) for one in value.values))
        case SigmaString():
            return _text(field, value)
        case SigmaTimestampPart():
            return Moment(field, _PARTS[value.timestamp_part], int(value.number))
        case SigmaNumber():
            return Text(field, "is", plain_number(value.number))
        case SigmaBool():
            return Text(field, "is", "true" if value.boolean else "false")
        case SigmaNull():
            return Nothing(field)
        case SigmaExists():
            return Exists(field, value.exists)
        case SigmaRegularExpression():
            flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
            return Pattern(field, str(value.regexp), flags)
        case SigmaCIDRExpression():
            return Network(field, str(value.network))
        case SigmaCompareExpression():
            return Compare(field, _OPERATORS[value.op], float(value.number.number))
        case SigmaFieldReference():
            return Same(field, value.field.lower(), bool(value.starts_with), bool(value.ends_with))
        case _:
            raise Unanswerable(f"a value of {type(value).__name__} is not known here")


def _text(field: str, value: SigmaString) -> Form:
    """A pattern, as the plainest comparison that means the same."""
    cased = isinstance(value, SigmaCasedString)
    parts: list[Part] = []
    if wanted := [part.name for part in value.s if isinstance(part, Placeholder)]:
        # What a list holds is put where its name stood, so that the wildcards around it say how it compares.
        shape = [_WILDCARDS[part] if isinstance(part, SpecialChars) else "list" for part in value.s]
        if shape.count("list") > 1:
            raise Unanswerable(f"the list %{wanted[0]}% may only stand alone, or between wildcards")
        return Wanting(field, wanted[0], _operator(shape)[0])
    for part in value.s:
        if isinstance(part, str):
            parts.append(part if cased else part.lower())
        elif isinstance(part, SpecialChars) and not (parts and parts[-1] == MANY == _WILDCARDS[part]):
            parts.append(_WILDCARDS[part])
    operator, text = _operator(parts)
    return Text(field, operator, text, tuple(parts) if operator == "glob" else (), cased)


def _operator(parts: list[Part]) -> tuple[Operator, str]:
    match parts:
        case []:
            return "is", ""
        case [str(text)]:
            return "is", text
        case [str(text), 0]:
            return "begins", text
        case [0, str(text)]:
            return "ends", text
        case [0, str(text), 0]:
            return "has", text
        case _:
            return "glob", ""
