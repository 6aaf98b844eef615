"""Runs the tests that Sigma rules carry: records of the rule's own log source, and what is found in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..ruletests import RuleTest, RuleTestResult, duration_ns
from .correlating import Correlations, Sighting
from .folder import SigmaFolder
from .forms import Correlation, SigmaRule
from .logsources import Sources
from .ruleset import RuleSet

_BEGIN_NS = 1_700_000_000 * 10**9
_NEVER_NS = 2**63


def run_tests(folder: SigmaFolder) -> Iterator[RuleTestResult]:
    """Every test of every rule. A correlation is tried with all the rules of the folder."""
    for rule in folder.rules:
        alone = SigmaFolder([rule], [], [], folder.lists)
        for test in rule.tests:
            yield _run(rule, test, alone, frozenset({rule.source}))
    for form in folder.correlations:
        for test in form.tests:
            yield _run(form, test, folder, frozenset())


def untested_rules(folder: SigmaFolder) -> list[str]:
    """The ids of rules that lack a test in which they find something, or one in which they must not."""
    return [
        rule.rule
        for rule in folder.every_rule()
        if not any(test.alerts for test in rule.tests) or all(test.alerts for test in rule.tests)
    ]


def _run(
    rule: SigmaRule | Correlation, test: RuleTest, folder: SigmaFolder, about: Sources
) -> RuleTestResult:
    correlations = Correlations(folder.correlations)
    rules = RuleSet(folder.rules, folder.lists, correlations.names)
    found = 0
    for number, (at_ns, members) in enumerate(_events(test)):
        record = rules.read({**members, "native": members})
        hits = correlations.advance(at_ns)
        for one in rules.match(record, about):
            found += one.rule == rule.rule
            sighting = Sighting(one.rule, one.name, record, at_ns, f"event {number}", number=number)
            hits += correlations.observe(sighting)
        found += sum(hit.correlation.rule == rule.rule for hit in hits)
    found += sum(hit.correlation.rule == rule.rule for hit in correlations.advance(_NEVER_NS))
    return RuleTestResult(rule.rule, test.name, test.alerts, found)


def _events(test: RuleTest) -> list[tuple[int, dict[str, Any]]]:
    """The test's records in order of their time."""
    timed: list[tuple[int, dict[str, Any]]] = []
    for one in test.events:
        for number in range(one.repeat):
            at_ns = _BEGIN_NS + duration_ns(one.at) + number * duration_ns(one.every)
            timed.append((at_ns, one.event))
    return sorted(timed, key=lambda pair: pair[0])
