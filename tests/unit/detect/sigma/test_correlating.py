"""Correlations: what is counted, measured and ordered, in which group, inside which time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from glasshatch.detect.sigma import Correlation, Correlations, Sighting
from glasshatch.detect.sigma.correlating import Correlating
from glasshatch.detect.sigma.reading import read_rules
from glasshatch.detect.sigma.records import Reader

SECOND = 10**9
HEAD = "title: A correlation\nid: 7d4c1d8a-0f3c-4f4e-9d53-6d5c7b0f8a10\nlevel: high\ncorrelation:\n"


def correlation(text: str) -> Correlation:
    """A correlation; its lines are indented by four blanks here."""
    rules, problems = read_rules(HEAD + text, "rule.yml")
    assert not problems, problems
    assert isinstance(rules[0], Correlation)
    return rules[0]


def seen(rule: str, at: float, **record: Any) -> Sighting:
    number = int(at * 1000)
    return Sighting(rule, "", Reader().read(record), int(at * SECOND), f"event{number}", number=number)


def found(form: Correlation, *sightings: Sighting, end: float = 0) -> list[tuple[float, str]]:
    """The time and the group of each finding, in order."""
    every = Correlations([form])
    hits = []
    for one in sightings:
        hits += every.advance(one.time_ns)
        hits += every.observe(one)
    if end:
        hits += every.advance(int(end * SECOND))
    return [(hit.last.time_ns / SECOND, hit.shown) for hit in hits]


def test_events_are_counted_by_group() -> None:
    form = correlation(
        "    type: event_count\n    rules: failed\n    group-by: [user]\n    timespan: 1m\n    condition:\n"
        "        gte: 3"
    )
    events = [
        seen("failed", at, user=user) for at, user in ((1, "a"), (2, "B"), (3, "a"), (4, "b"), (5, "A"))
    ]
    assert found(form, *events) == [(5, "a")]
    assert found(form, *(seen("failed", at, user="a") for at in (1, 40, 62))) == []
    assert found(form, *(seen("failed", at, user="a") for at in (1, 40, 60.9))) == [(60.9, "a")]
    assert found(form, *(seen("other", at, user="a") for at in (1, 2, 3))) == []
    assert found(form, *(seen("failed", at) for at in (1, 2, 3))) == [], "without the field there is no group"


def test_a_group_is_found_again_after_the_timespan() -> None:
    form = correlation(
        "    type: event_count\n    rules: failed\n    timespan: 1m\n    condition:\n        gt: 1"
    )
    times = [time for time, _ in found(form, *(seen("failed", at) for at in range(0, 300, 5)))]
    assert times == [5, 65, 125, 185, 245]


@pytest.mark.parametrize(
    ("kind", "more", "condition", "values", "hit"),
    [
        ("value_count", "", "gte: 3", ["a", "b", "a", "c"], True),
        ("value_count", "", "gte: 3", ["a", "b", "a", "B"], False),
        ("value_sum", "", "gt: 10", [5, "5", 1], True),
        ("value_sum", "", "gt: 10", [5, "5"], False),
        ("value_avg", "", "gte: 4", [1, 2, 9.5], True),
        ("value_avg", "", "gte: 4", [1, 2, "many"], False),
        ("value_median", "", "gte: 5", [1, 5, 100], True),
        ("value_percentile", "        percentile: 90\n", "gte: 90", list(range(101)), True),
        ("value_percentile", "        percentile: 90\n", "gt: 90", list(range(101)), False),
    ],
)
def test_values_are_measured(kind: str, more: str, condition: str, values: list[Any], hit: bool) -> None:
    form = correlation(
        f"    type: {kind}\n    rules: [sent]\n    timespan: 10m\n    condition:\n        field: size\n{more}"
        f"        {condition}"
    )
    assert bool(found(form, *(seen("sent", at, size=value) for at, value in enumerate(values, 1)))) is hit


@pytest.mark.parametrize(
    ("kind", "order", "hit"),
    [
        ("temporal", "ab", True), ("temporal", "ba", True), ("temporal", "aa", False),
        ("temporal_ordered", "ab", True), ("temporal_ordered", "ba", False),
        ("temporal_ordered", "bab", True),
    ],
)  # fmt: skip
def test_rules_meet_in_time(kind: str, order: str, hit: bool) -> None:
    form = correlation(f"    type: {kind}\n    rules: [a, b]\n    group-by: user\n    timespan: 1m")
    events = [seen(rule, at, user="x") for at, rule in enumerate(order, 1)]
    assert bool(found(form, *events)) is hit
    apart = [seen(rule, at * 61, user="x") for at, rule in enumerate(order, 1)]
    assert not found(form, *apart)
    others = [seen(rule, at, user=rule) for at, rule in enumerate(order, 1)]
    assert not found(form, *others)


def test_a_condition_that_is_written_out() -> None:
    form = correlation("    type: temporal\n    timespan: 1m\n    condition: a and (b or c)")
    assert found(form, seen("a", 1), seen("c", 2)) == [(2, "")]
    assert found(form, seen("b", 1), seen("c", 2)) == []


def test_a_name_stands_for_other_fields() -> None:
    form = correlation(
        "    type: temporal\n    rules: [in, out]\n    timespan: 1m\n    group-by: [ip]\n    aliases:\n"
        "        ip:\n            in: src\n            out: dst"
    )
    assert found(form, seen("in", 1, src="10.0.0.1"), seen("out", 2, dst="10.0.0.1")) == [(2, "10.0.0.1")]
    assert found(form, seen("in", 1, src="10.0.0.1"), seen("out", 2, dst="10.0.0.2")) == []


def test_too_few_is_said_when_the_time_is_over() -> None:
    form = correlation(
        "    type: event_count\n    rules: beat\n    group-by: host\n    timespan: 1m\n"
        "    condition:\n        lt: 3"
    )
    events = [seen("beat", at, host=host) for at, host in ((0, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "a"))]
    assert found(form, *events) == []
    assert found(form, *events, end=359) == []
    assert found(form, *events, end=400) == [(3, "b")]


def test_late_events_count_and_very_late_ones_do_not() -> None:
    form = correlation(
        "    type: event_count\n    rules: failed\n    timespan: 10m\n    condition:\n        gte: 3"
    )
    assert found(form, seen("failed", 1000), seen("failed", 800), seen("failed", 900)) == [(1000, "")]
    every = Correlations([form])
    for at in (1000, 699, 698, 697):
        assert not every.observe(seen("failed", at))
    assert every.working[0].counters.late == 3


def test_a_correlation_of_correlations() -> None:
    burst = correlation(
        "    type: event_count\n    rules: failed\n    group-by: user\n    timespan: 1m\n"
        "    condition:\n        gte: 2"
    )
    both = read_rules(
        "title: Burst and success\nid: 8d4c1d8a-0f3c-4f4e-9d53-6d5c7b0f8a10\ncorrelation:\n"
        "    type: temporal_ordered\n"
        f"    rules: [{burst.rule}, login]\n    group-by: user\n    timespan: 5m",
        "both.yml",
    )[0][0]
    assert isinstance(both, Correlation)
    every = Correlations([burst, both])
    hits = [
        hit.correlation.title
        for one in (seen("failed", 1, user="a"), seen("failed", 2, user="a"), seen("login", 3, user="a"))
        for hit in every.observe(one)
    ]
    assert hits == ["A correlation", "Burst and success"]


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    form = correlation(
        "    type: event_count\n    rules: failed\n    group-by: user\n    timespan: 1m\n"
        "    condition:\n        gte: 9"
    )
    one = Correlating(form, max_groups=64)
    for number in range(1_000):
        one.observe(seen("failed", 1, user=f"user{number}"), 0)
    assert one.groups <= 64
    assert one.counters.evicted >= 1_000 - 64


@pytest.mark.parametrize("seed", range(20))
def test_it_goes_on_after_any_stop(seed: int) -> None:
    """Kept after every few events and begun anew, it finds what it finds in one go."""
    dice = random.Random(seed)
    form = correlation(
        "    type: value_count\n    rules: [a, b]\n    group-by: user\n    timespan: 30s\n    condition:\n"
        f"        field: what\n        {dice.choice(['gte: 3', 'lt: 2'])}"
    )
    at, events = 0.0, []
    for _ in range(200):
        at += dice.random() * 8
        late = dice.random() * 400 if dice.random() < 0.2 else 0
        events.append(
            seen(dice.choice("ab"), max(0, at - late), user=dice.choice("xyz"), what=dice.choice("pqrs"))
        )
    whole, working = Correlating(form, 50), Correlating(form, 50)
    kept: dict[bytes, Any] = {}
    for event in events:
        for one in (whole, working):
            hits = [(hit.group, hit.measured, hit.last) for hit in one.advance(event.time_ns)]
            hit = one.observe(event, "ab".index(event.rule))
            hits += [(hit.group, hit.measured, hit.last)] if hit is not None else []
            if one is whole:
                expected = hits
        assert hits == expected
        if dice.random() < 0.3:
            changes = working.changes()
            kept.update({row.key: row for row in changes.put})
            for key in changes.drop:
                kept.pop(key, None)
            working = Correlating(form, 50)
            working.restore(kept.values())


def test_a_rule_that_matches_all_day_takes_no_room() -> None:
    form = correlation("    type: temporal_ordered\n    rules: [a, b]\n    group-by: user\n    timespan: 1h")
    one = Correlating(form, 10)
    assert not [hit for at in range(3_000) if (hit := one.observe(seen("b", at, user="x"), 1))]
    assert len(one.changes().put[0].data) < 300
    assert one.observe(seen("a", 3_000, user="x"), 0) is None
    assert one.observe(seen("b", 3_001, user="x"), 1) is not None
