"""Sigma's rules in the detector: alerts, their quiet time, and memory that outlives any stop."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glasshatch.detect import Alert, PublicRules
from glasshatch.detect.sigma import SigmaFolder
from glasshatch.detect.sigma.forms import Correlation, SigmaRule
from glasshatch.detect.sigma.reading import read_rules
from glasshatch.events import Actor, Event, Resource, Source, encode

from .conftest import Open

SECOND = 10**9
RULES = """
title: Trail stopped
id: 4db60cc0-36fb-42b7-9b58-a5b53019fb74
name: stopped
logsource: {product: aws, service: cloudtrail}
detection:
    selection:
        eventName: StopLogging
    condition: selection
level: critical
tags: [attack.defense-evasion, attack.t1562.008]
falsepositives: [Planned work]
---
title: A failed call
id: 5db60cc0-36fb-42b7-9b58-a5b53019fb74
name: failed
logsource: {product: aws}
detection:
    selection:
        errorCode|exists: true
    condition: selection
level: low
---
title: Many failed calls
id: 6db60cc0-36fb-42b7-9b58-a5b53019fb74
correlation:
    type: event_count
    rules: failed
    group-by: [actor.id]
    timespan: 5m
    condition: {gte: 5}
level: high
"""


@pytest.fixture(scope="module")
def folder() -> SigmaFolder:
    found, problems = read_rules(RULES, "rules.yml")
    assert not problems
    return SigmaFolder(
        [one for one in found if isinstance(one, SigmaRule)], [],
        [one for one in found if isinstance(one, Correlation)],
    )  # fmt: skip


def entry(number: int, at_s: float, name: str, actor: str = "mallory", **native: str) -> tuple[int, bytes]:
    event = Event(
        id=f"00000000-0000-7000-8000-{number:012}", time=str(int(at_s * SECOND)), action="cloud.called",
        source=Source(kind="cloudtrail", name="main"), actor=Actor(id=actor, name=actor),
        resource=Resource(type="trail", id="trail/main"), native={"eventName": name, **native},
    )  # fmt: skip
    return number, encode(event)


def test_a_match_is_an_alert(open_detector: Open, folder: SigmaFolder) -> None:
    detector = open_detector(public=folder)
    (alert,) = detector.apply([entry(0, 100, "DescribeTrails"), entry(1, 101, "StopLogging")])
    assert (alert.rule, alert.severity) == ("4db60cc0-36fb-42b7-9b58-a5b53019fb74", 5)
    assert alert.reason == "Trail stopped, by mallory, at trail/main"
    assert alert.events == ("00000000-0000-7000-8000-000000000001",)
    assert alert.tags == ("attack.defense-evasion", "attack.t1562.008")
    assert alert.false_positives == "Planned work"


def test_one_attack_is_one_alert_and_another_actor_is_another(
    open_detector: Open, folder: SigmaFolder
) -> None:
    detector = open_detector(public=folder)
    entries = [entry(number, 100 + number, "StopLogging") for number in range(50)]
    assert len(detector.apply(entries)) == 1
    assert len(detector.apply([entry(50, 160, "StopLogging", "trudy")])) == 1
    assert len(detector.apply([entry(51, 100 + 601, "StopLogging")])) == 1


def test_a_rule_that_only_serves_a_correlation_is_silent(open_detector: Open, folder: SigmaFolder) -> None:
    detector = open_detector(public=folder)
    entries = [entry(number, 100 + number, "GetUser", errorCode="AccessDenied") for number in range(9)]
    (alert,) = detector.apply(entries)
    assert alert.title == "Many failed calls"
    assert alert.measured == {"count": "5", "measured": "5", "window": "300s"}
    assert len(alert.events) == 5


@pytest.mark.parametrize("step", [1, 2, 7])
def test_a_restart_after_any_batch_changes_nothing(
    open_detector: Open, folder: SigmaFolder, step: int
) -> None:
    entries = [
        entry(number, 100 + 40 * number, "GetUser" if number % 3 else "StopLogging", errorCode="Denied")
        for number in range(60)
    ]
    whole = open_detector(folder="whole", public=folder).apply(entries)
    assert len(whole) > 6
    raised: list[Alert] = []
    for start in range(0, len(entries), step):
        detector = open_detector(folder="parts", public=folder)
        raised += detector.apply(entries[start : start + step])
        detector.close()
    assert [plain(one) for one in raised] == [plain(one) for one in whole]


def plain(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, raised="")


def test_an_entry_that_breaks_the_evaluator_stops_no_other(
    open_detector: Open, folder: SigmaFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = open_detector(public=folder)
    look = PublicRules.look

    def broken(rules: PublicRules, document: dict[str, Any], kind: str) -> Any:
        if document["native"]["eventName"] == "Odd":
            raise TypeError("a bug")
        return look(rules, document, kind)

    monkeypatch.setattr(PublicRules, "look", broken)
    raised = detector.apply([entry(0, 100, "Odd"), entry(1, 101, "StopLogging")])
    assert [one.title for one in raised] == ["Trail stopped"]
    assert detector.watermark == 2
    assert detector.standing().unreadable == 1
