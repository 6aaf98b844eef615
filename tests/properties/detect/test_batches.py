"""However the entries are split into batches, and wherever the process restarts: the same alerts."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fixtures.detecting import denial_of, entry, read_of, rule, touch_of
from glasshatch.clock import ManualClock
from glasshatch.detect import Alert, Detector

RULES = [
    rule(id="count", threshold=2, window="30s", lateness="30s", quiet="15s", again=2),
    rule(
        id="volume",
        kind="volume",
        sum="data.rows",
        threshold=60,
        window="60s",
        lateness="40s",
        group_by=["session_id"],
    ),
    rule(id="first", kind="first_seen", history="40s", learn={"touches": 2}),
]
MAX_GROUPS = 2

seconds = st.integers(0, 90)
actors = st.sampled_from(["a1", "a2", "a3"])
tables = st.lists(st.sampled_from(["orders", "payments", "customers"]), min_size=1, max_size=2)
happenings = st.one_of(
    st.tuples(st.just("denial"), seconds, actors),
    st.tuples(st.just("read"), seconds, st.integers(0, 60), st.sampled_from(["s1", "s2"])),
    st.tuples(st.just("touch"), seconds, actors, tables),
    st.tuples(st.just("noise"), seconds),
)


def entry_of(number: int, happening: tuple[Any, ...]) -> bytes:
    what, at_s, *rest = happening
    if what == "denial":
        return denial_of(number, at_s, rest[0])
    if what == "read":
        return read_of(number, at_s, rest[0], rest[1])
    if what == "touch":
        return touch_of(number, at_s, *rest[1], actor=rest[0])
    return entry(number, at_s, action="session.opened") if at_s % 2 else b"not an event"


def outcome(detector: Detector, alerts: list[Alert]) -> Any:
    """All that must be equal: alerts, memory, counters, what is to do."""
    memory = {one.id: detector.store.memory(one.state_key) for one in RULES}
    notes = [note.body for note in detector.store.due_notes(2**62, 10_000)]
    return alerts, memory, notes, msgspec.to_builtins(detector.standing())


def run(entries: list[tuple[int, bytes]], cuts: list[int], restarts: set[int]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        detector = Detector.open(Path(folder), RULES, clock, "acme", max_groups=MAX_GROUPS)
        alerts: list[Alert] = []
        edges = sorted({0, len(entries), *cuts})
        for start, end in itertools.pairwise(edges):
            alerts += detector.apply(entries[max(0, start - 2) : end])
            if start in restarts:
                detector.close()
                detector = Detector.open(Path(folder), RULES, clock, "acme", max_groups=MAX_GROUPS)
        found = outcome(detector, alerts)
        detector.close()
        return found


@given(st.lists(happenings, min_size=8, max_size=40), st.lists(st.integers(0, 40), max_size=8), st.data())
def test_batches_and_restarts_do_not_matter(
    happened: list[tuple[Any, ...]], cuts: list[int], data: st.DataObject
) -> None:
    entries = [(number, entry_of(number, one)) for number, one in enumerate(happened)]
    cuts = [cut for cut in cuts if cut <= len(entries)]
    restarts = data.draw(st.sets(st.sampled_from([0, *cuts])))
    whole = run(entries, [], set())
    assert run(entries, cuts, restarts) == whole
    assert run(entries, list(range(len(entries))), set()) == whole


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=40))
def test_a_volume_in_order_of_time_is_what_one_would_count(reads: list[tuple[int, int]]) -> None:
    reads = sorted(reads, key=lambda one: one[0])
    volume = rule(kind="volume", sum="data.rows", threshold=20, window="10s", group_by=["session_id"])
    expected = [
        number
        for number, (at_s, _) in enumerate(reads)
        if sum(rows for then_s, rows in reads[: number + 1] if then_s > at_s - 10) >= 20
    ]
    with tempfile.TemporaryDirectory() as folder:
        detector = Detector.open(Path(folder), [volume], ManualClock(), "acme")
        entries = [(number, read_of(number, *one)) for number, one in enumerate(reads)]
        found = [alert.indices[-1] for alert in detector.apply(entries)]
        detector.close()
    assert found == expected
