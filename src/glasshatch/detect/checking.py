"""Runs the tests that a rule file carries: its events through a real detector, and the alerts counted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..clock import ManualClock
from ..errors import ConfigError
from ..events import Event, encode, foreign, uuid7
from .detector import Detector
from .fields import kind_of
from .rule import Rule
from .ruletests import RuleTest, RuleTestResult, duration_ns

_BEGIN_NS = 1_700_000_000_000_000_000
_MAX_EVENTS = 100_000


def check_rules(rules: Sequence[Rule]) -> list[RuleTestResult]:
    """Run every test of every rule.

    Raises:
        ConfigError: A test's events are no events; names the file and the test.
    """
    return [_run(rule, test) for rule in rules for test in rule.file.test]


def untested(rules: Sequence[Rule]) -> list[str]:
    """The ids of rules that lack a test in which they raise, or one in which they must not."""
    return [
        rule.id
        for rule in rules
        if not any(test.alerts for test in rule.file.test) or all(test.alerts for test in rule.file.test)
    ]


def _run(rule: Rule, test: RuleTest) -> RuleTestResult:
    entries = list(enumerate(_events(rule, test)))
    with tempfile.TemporaryDirectory(prefix="glasshatch-rule-") as folder:
        detector = Detector.open(Path(folder), [rule], ManualClock(), "test")
        try:
            raised = detector.apply(entries)
        finally:
            detector.close()
    return RuleTestResult(
        rule.id, test.name, test.alerts, len(raised), tuple(alert.reason for alert in raised)
    )


def _events(rule: Rule, test: RuleTest) -> list[bytes]:
    """The test's events in order of their time, as stored bytes."""
    timed: list[tuple[int, int, dict[str, Any]]] = []
    for one in test.events:
        for number in range(one.repeat):
            at_ns = _BEGIN_NS + duration_ns(one.at) + number * duration_ns(one.every)
            timed.append((at_ns, len(timed), one.event))
        if len(timed) > _MAX_EVENTS:
            raise ConfigError(f"{test.name}: more than {_MAX_EVENTS} events", file=rule.origin, key="test")
    timed.sort(key=lambda item: item[:2])
    try:
        return [encode(_event(members, at_ns, number)) for at_ns, number, members in timed]
    except (ValueError, msgspec.ValidationError) as error:
        raise ConfigError(f"{test.name}: {error}", file=rule.origin, key="test.events") from None


def _event(members: dict[str, Any], at_ns: int, number: int) -> Event:
    _check_members(members, "")
    document = {
        "id": uuid7(at_ns, number.to_bytes(10, "big")),
        "time": str(at_ns),
        "source": {"kind": "gateway"},
        **foreign(members),
    }
    return msgspec.convert(document, Event)


def _check_members(value: Any, path: str) -> None:
    """Refuse a member that no event has: a test with a slip of the pen would prove nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            whole = f"{path}.{name}" if path else name
            if not isinstance(inner, (dict, list)):
                kind_of(whole)
            elif whole.split(".")[0] not in ("labels", "attrs", "native"):
                _check_members(inner, whole)
    elif isinstance(value, list):
        for inner in value:
            _check_members(inner, path)
