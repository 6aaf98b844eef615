"""A walk gives each match once, in its order, however many have the same time and wherever pages end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glasshatch.clock import SystemClock
from glasshatch.events import Event, Source, encode
from glasshatch.index import Index
from glasshatch.investigate import Everything, Investigator, Visibility, walk

ALL = Visibility(Everything())


@pytest.fixture(scope="module")
def investigator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Investigator]:
    index = Index.open(Path(tmp_path_factory.mktemp("walk")) / "index", "default")
    entries = []
    for ledger in ("default", "hr"):
        for number in range(40):
            # Many have the same time, some are late, and both ledgers have the same places.
            time = str(1_700_000_000_000_000_000 + (number % 3) * 10**9)
            event = Event(id=f"{ledger}-{number}", time=time, action="a.b", source=Source(kind="json"))
            entries.append((ledger, number, encode(event)))
    index.apply_all(entries)
    yield Investigator(index, lambda text: text, SystemClock())
    index.close()


@pytest.mark.parametrize("page", [1, 2, 3, 7, 26, 27, 28, 79, 80, 81, 1_000])
def test_each_match_comes_once_whatever_a_page_holds(investigator: Investigator, page: int) -> None:
    found = walk(investigator, "action:a.b", ALL, {"default": 40, "hr": 40}, page=page)
    hits = [(msgspec.json.decode(hit.event)["time"], hit.ledger, hit.index) for hit in found.hits]
    assert len(hits) == found.count == 80
    assert hits == sorted(set(hits))


def test_what_came_later_is_not_in_it(investigator: Investigator) -> None:
    found = walk(investigator, "", ALL, {"default": 10, "hr": 0}, page=4)
    assert found.count == 10
    assert {(hit.ledger, hit.index) for hit in found.hits} == {("default", number) for number in range(10)}


def test_a_span_of_time_bounds_it(investigator: Investigator) -> None:
    since = str(1_700_000_002_000_000_000)
    assert walk(investigator, "", ALL, {"default": 40, "hr": 40}, since=since).count == 26
    assert walk(investigator, "", ALL, {"default": 40, "hr": 40}, until=since).count == 54
