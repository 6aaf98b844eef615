"""Counts that every part of the index keeps of its rows: always those of the rows themselves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from forms import FORMS

from glasshatch.clock import SystemClock
from glasshatch.events import Actor, DecisionMade, Event, Outcome, Source, encode
from glasshatch.index import Index
from glasshatch.index.rows import rows
from glasshatch.index.schema import TABLE
from glasshatch.investigate import Investigator, SearchQuery, Visibility, search
from glasshatch.investigate.query import Everything, parse

START_NS = 1_795_519_440_000_000_000
MINUTE_NS = 60 * 10**9
ALL = Visibility(Everything())
SHOP_ALONE = Visibility(parse("source.name:shop1"))


def event(number: int) -> Event:
    return Event(
        id=f"e{number}", time=str(START_NS + number * MINUTE_NS // 50),
        action=("order.paid", "order.read", "pod.get")[number % 3],
        source=Source(kind="app", name=f"shop{number % 4}"),
        outcome=Outcome(status="failure" if number % 7 == 0 else "success"),
        decision=DecisionMade(effect="deny" if number % 11 == 0 else "allow"),
        actor=Actor(id=f"a{number % 13}", name=f"alice{number % 13}" if number % 13 else ""),
    )  # fmt: skip


EVENTS = [event(number) for number in range(6_000)]
ENTRIES = [(number, encode(one)) for number, one in enumerate(EVENTS)]


@pytest.fixture(scope="module", params=FORMS)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    directory = tmp_path_factory.mktemp("counts")
    opened = Index.open(directory / "index", "default", FORMS[request.param](directory))
    for start in range(0, 6_000, 1_500):
        opened.apply(ENTRIES[start : start + 1_500])
    yield opened
    opened.close()


class Asked:
    """An investigator over an index whose questions are written down."""

    def __init__(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        self.index, self.told = index, list[tuple[str, Any]]()
        real = index.select

        def select(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
            self.told.append((sql, parameters))
            return real(sql, parameters)

        monkeypatch.setattr(index, "select", select)
        self._explain = lambda sql, bound: "\n".join(row[0] for row in real(f"EXPLAIN {sql}", bound))
        self.investigator = Investigator(index, lambda text: text, SystemClock())

    def from_rows(self) -> bool:
        """Whether any question since the last time is answered from rows of events."""
        plans = [self._explain(*one) for one in self.told]
        self.told.clear()
        return any(f".{TABLE})" in plan and "(by_" not in plan for plan in plans)


def failed(one: Event) -> bool:
    return bool(
        (one.outcome and one.outcome.status == "failure") or (one.decision and one.decision.effect == "deny")
    )


def check(asked: Asked, kept: list[Event], visible: Visibility) -> bool:
    """Every count is that of these events; whether any of them was answered from rows."""
    investigator = asked.investigator
    actors = Counter(one.actor.name or one.actor.id for one in kept if one.actor)
    found = investigator.stats("", visible, ("actor",))
    assert {row.values[0]: row.count for row in found.rows} == actors
    assert sum(row.failed for row in found.rows) == sum(map(failed, kept))
    times = [int(one.time) for one in kept]
    assert (found.total, min(int(row.first) for row in found.rows)) == (len(kept), min(times))
    assert max(int(row.last) for row in found.rows) == max(times)
    for text, width_ns in (("1m", MINUTE_NS), ("5m", 5 * MINUTE_NS), ("1h", 60 * MINUTE_NS)):
        table = search(
            investigator, SearchQuery(text=f"| stats count by bin({text}), action | limit 9999"), visible
        ).table
        bars = Counter((int(one.time) // width_ns * width_ns, one.action) for one in kept)
        assert table is not None
        assert {(int(str(bar)), action): count for bar, action, count in table.rows} == bars
    bins = investigator.histogram("", visible)
    assert sum(one.count for one in bins.bins) == len(kept)
    assert sum(one.failed for one in bins.bins) == sum(map(failed, kept))
    return asked.from_rows()


def test_counts_come_from_what_parts_keep_and_are_those_of_the_rows(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not check(Asked(index, monkeypatch), EVENTS, ALL)


def test_who_sees_some_sources_only_gets_counts_of_these(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [one for one in EVENTS if one.source.name == "shop1"]
    assert check(Asked(index, monkeypatch), seen, SHOP_ALONE)


def test_counts_hold_when_batches_come_again_and_parts_are_merged_and_pruned(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = rows("default", [("default", number, data) for number, data in ENTRIES[:1_500]])
    engine = index._ready()
    for _ in range(2):
        engine.insert(TABLE, again, index._token([("default", *entry) for entry in ENTRIES[:1_500]]))
    index.apply(ENTRIES[:3_000])
    assert not check(Asked(index, monkeypatch), EVENTS, ALL)
    monkeypatch.undo()
    engine.run(f"OPTIMIZE TABLE {TABLE} FINAL")
    assert not check(Asked(index, monkeypatch), EVENTS, ALL)
    monkeypatch.undo()
    index.prune({"default": 2_345})
    assert not check(Asked(index, monkeypatch), EVENTS[2_345:], ALL)


def test_a_part_of_a_minute_is_counted_from_rows(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(index, monkeypatch)
    since = START_NS + 3_000 * MINUTE_NS // 50 + 1
    found = asked.investigator.stats("", ALL, ("action",), since=str(since))
    kept = [one for one in EVENTS if int(one.time) >= since]
    assert {row.values[0]: row.count for row in found.rows} == Counter(one.action for one in kept)
    assert asked.from_rows()


def test_a_page_that_is_not_full_counts_as_one_that_is(index: Index) -> None:
    investigator = Investigator(index, lambda text: text, SystemClock())
    wanted = sum(one.source.name == "shop2" and one.action == "pod.get" for one in EVENTS[2_345:])
    for limit in (0, 10, wanted - 1, wanted, wanted + 1):
        page = search(
            investigator, SearchQuery(text="source.name:shop2 action:pod.get", limit=limit), ALL
        )  # fmt: skip
        assert (page.count, len(page.events)) == (wanted, min(limit, wanted))
