"""While parts are merged and batches come in, questions are answered nearly as soon as at rest."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glasshatch.clock import SystemClock
from glasshatch.events import Actor, Event, Resource, Source, StatementText, encode
from glasshatch.index import Index, Place
from glasshatch.investigate import Investigator, SearchQuery, Visibility, search
from glasshatch.investigate.query import Everything

ALL = Visibility(Everything())
BATCH = 1_000
MEMORY_MIB = 1_024
QUESTIONS = ("", "actor:user7", "word13", f"trace:{77:032x}", "| stats count by bin(1m), action")


def entries(start: int) -> list[tuple[int, bytes]]:
    return [(number, encode(event(number))) for number in range(start, start + BATCH)]


def event(number: int) -> Event:
    user = f"user{number % 50}"
    return Event(
        id=f"e{number}", time=str(1_795_519_440_000_000_000 + number * 10**8), action=f"order.a{number % 9}",
        source=Source(kind="app", name=f"shop{number % 4}"), actor=Actor(id=user, name=user),
        trace_id=f"{number // 5:032x}", resource=Resource(type="table", id=f"orders/{number * 7919 % 9973}"),
        statement=StatementText(text=f"select note from orders where id = {number} and word{number % 500}"),
    )  # fmt: skip


class Busy:
    """Takes batches and merges everything there is into one part, over and over."""

    def __init__(self, index: Index, batches: list[list[tuple[int, bytes]]]) -> None:
        self.rounds = 0
        self._index, self._batches = index, batches
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Busy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for batch in self._batches:
            if self._stop.is_set():
                return
            self._index.apply(batch)
            self._index._ready().run("OPTIMIZE TABLE events FINAL")
            self.rounds += 1


def timed(investigator: Investigator, until: Callable[[int], bool]) -> list[float]:
    """How long each of these questions took, asked one after the other, in whole rounds."""
    taken: list[float] = []
    while not until(len(taken) // len(QUESTIONS)):
        for text in QUESTIONS:
            begun_s = time.perf_counter()
            search(investigator, SearchQuery(text=text), ALL)
            taken.append(time.perf_counter() - begun_s)
    return taken


def test_questions_are_answered_while_parts_are_merged(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default", Place(memory_mib=MEMORY_MIB))
    try:
        made = [entries(start) for start in range(0, 30 * BATCH, BATCH)]
        for batch in made[:10]:
            index.apply(batch)
        investigator = Investigator(index, lambda text: text, SystemClock())
        timed(investigator, lambda rounds: rounds == 1)
        idle = timed(investigator, lambda rounds: rounds >= 4)
        with Busy(index, made[10:]) as busy:
            # Until it has merged a few times, and a minute at most, whatever else the machine does.
            stop_s = time.monotonic() + 60
            loaded = timed(
                investigator,
                lambda rounds: rounds >= 4 and (busy.rounds >= 3 or time.monotonic() > stop_s),
            )
            assert busy.rounds >= 2
        # The merge, the insert and the question share the processors: a question that waited for the end of
        # a merge, or for a lock, would take a hundred times as long.
        assert statistics.median(loaded) < 8 * statistics.median(idle) + 0.05
        assert max(loaded) < 20 * max(idle) + 0.5
        assert search(investigator, SearchQuery(limit=0), ALL).count == index.watermark
    finally:
        index.close()


def test_the_database_has_a_limit_of_memory(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default", Place(memory_mib=MEMORY_MIB))
    try:
        found = dict(index.select("SELECT name, value FROM system.server_settings"))
        assert int(found["max_server_memory_usage"]) == MEMORY_MIB * 2**20
        assert int(found["merges_mutations_memory_usage_soft_limit"]) == MEMORY_MIB * 2**19
    finally:
        index.close()
