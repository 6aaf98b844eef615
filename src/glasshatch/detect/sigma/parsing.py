"""What every rule has, as pySigma gives it, and how pySigma is told to go about it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import re2
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine

from ..ruletests import RuleTest, duration_ns


class Unanswerable(ValueError):
    """A rule asks for something that a record cannot answer."""


class _QuietExpressions(RE2RegexEngine):
    """RE2 without its own lines on standard error: what is wrong is in the exception."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not flags & re.IGNORECASE
        inline = "".join(word for flag, word in ((re.MULTILINE, "m"), (re.DOTALL, "s")) if flags & flag)
        return re2.compile(f"(?{inline}){pattern}" if inline else pattern, options)


POLICY = SigmaPolicy(regex_engine=_QuietExpressions())
"""Expressions by RE2; nothing is fetched from elsewhere."""


def head_of(parsed: Any) -> dict[str, Any]:
    """The members that rules and correlations share."""
    return {
        "rule": str(parsed.id or parsed.name or parsed.title), "title": parsed.title,
        "name": parsed.name or "", "level": parsed.level.name.lower() if parsed.level else "",
        "status": parsed.status.name.lower() if parsed.status else "",
        "description": parsed.description or "", "author": parsed.author or "",
        "tags": tuple(map(str, parsed.tags)), "false_positives": tuple(map(str, parsed.falsepositives)),
        "tests": _tests(parsed.custom_attributes.get("tests", [])),
    }  # fmt: skip


def _tests(given: Any) -> tuple[RuleTest, ...]:
    """The tests that a rule carries, a member of ours beside Sigma's."""
    try:
        tests = msgspec.convert(given, tuple[RuleTest, ...])
        for one in tests:
            for events in one.events:
                duration_ns(events.at), duration_ns(events.every)
    except (msgspec.ValidationError, ValueError) as error:
        raise Unanswerable(f"tests: {error}") from None
    return tests
