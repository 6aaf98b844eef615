"""Front, back or supervisor killed with -9 under work: nothing acknowledged is lost, nothing is doubled.

Real clients run statements through the real gateway while the index is being made anew. What counts is
read afterwards from the files themselves: the ledger, and the index exactly as the last process left it.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.gate import address_of, server_before
from fixtures.glasshatch import RunningServer, run
from fixtures.servers import Database
from glasshatch.app.config import load_config
from glasshatch.app.house import House
from glasshatch.clock import SystemClock
from glasshatch.events import decode
from glasshatch.index import KEPT, Index, restored

pytestmark = pytest.mark.slow
PREFILLED = 6_000
WORKERS = 3
ROUNDS = rounds(1, 20)


class Worker:
    """A client that asks for one number after another, and notes those that came back."""

    def __init__(self, server: RunningServer, token: str, first: int) -> None:
        self._address = address_of(server, "alice", token)
        self._next = first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered: list[int] = []
        self.broken = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True) as connection:
                    while not self._stop.is_set():
                        self._ask(connection)
            except psycopg.OperationalError:
                self.broken += 1
                time.sleep(0.1)

    def _ask(self, connection: psycopg.Connection) -> None:
        # A number is asked for once only: whether one that was cut off has run is not known.
        number, self._next = self._next, self._next + 1
        row = connection.execute(f"SELECT {number}").fetchone()
        assert row == (number,)
        self.answered.append(number)
        time.sleep(0.02)  # a load that the index can follow on a machine that is busy with other tests


@pytest.fixture
def server(tmp_path: Path, fresh_database: Database) -> Iterator[RunningServer]:
    server = server_before(fresh_database, tmp_path)
    lines = tmp_path / "before.jsonl"
    lines.write_text("".join(f'{{"message": "before {number}"}}\n' for number in range(PREFILLED)))
    fed = run("ingest", "json", str(lines), "--data", str(server.home))
    assert fed.returncode == 0, fed.stderr
    server.start()
    yield server
    server.stop()


@pytest.fixture
def workers(server: RunningServer) -> Iterator[list[Worker]]:
    token = server.invite("alice", "engineer")
    server.invite("carol", "auditor")
    workers = [Worker(server, token, 100_000 * (number + 1)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    yield workers
    for worker in workers:
        worker.stop()


def answered(workers: list[Worker]) -> int:
    return sum(len(worker.answered) for worker in workers)


def await_answers(workers: list[Worker], more: int, within_s: float = 240) -> None:
    goal, deadline = answered(workers) + more, time.monotonic() + within_s
    while answered(workers) < goal:
        assert time.monotonic() < deadline, "the gateway answers no more"
        time.sleep(0.02)


def begin_index_anew(server: RunningServer) -> None:
    """The next moments are full of indexing; the command is not waited for."""
    threading.Thread(target=server.command, args=("index", "rebuild"), daemon=True).start()
    time.sleep(0.5 + random.random())


def check(server: RunningServer, workers: list[Worker]) -> None:
    """Every acknowledged statement is in the ledger once, and every entry in the index once."""
    for worker in workers:
        worker.stop()
    server.await_index("carol")
    assert server.stop() == 0
    assert run("verify", str(server.home)).returncode == 0
    house = House(load_config(server.config), SystemClock())
    try:
        ledger = list(house.ledger.scan(0))
    finally:
        house.close()
    events = [decode(data) for _, data in ledger]
    assert len({event.id for event in events}) == len(events)
    ran = Counter(
        int(found[0])
        for event in events
        if event.action == "statement.run" and event.statement
        for found in [re.findall(r"\d{6}", event.statement.text)]
        if found
    )
    told = {number for worker in workers for number in worker.answered}
    tell(f"kill -9 of parts of a server, {ROUNDS} each: {len(told)} statements answered, 0 lost, 0 twice")
    assert told
    assert not told - set(ran), "an acknowledged statement is missing"
    assert set(ran.values()) == {1}
    index = Index.open(server.home / "derived" / "index", "default")
    try:
        rows = index.select(f"SELECT `index`, {KEPT} FROM events ORDER BY `index` LIMIT 200000")
        assert [row[0] for row in rows] == list(range(index.watermark))
        assert all(restored(row).encode() == ledger[number][1] for number, *row in rows)
        # What came last, above all the stop itself, may be left for the next start.
        assert PREFILLED + len(told) < len(ledger) - 20 < index.watermark
    finally:
        index.close()


def test_the_back_is_killed_while_it_indexes_and_no_client_notices(
    server: RunningServer, workers: list[Worker]
) -> None:
    front = server.part("front")
    await_answers(workers, 10)
    for number in range(ROUNDS):
        begin_index_anew(server)
        server.kill_part("back")
        await_answers(workers, 10)
        server.wait_for("back again:", times=number + 1, timeout_s=240)
    assert server.part("front") == front
    assert [worker.broken for worker in workers] == [0] * WORKERS
    check(server, workers)


def test_the_front_is_killed_while_the_back_indexes(server: RunningServer, workers: list[Worker]) -> None:
    back = server.part("back")
    await_answers(workers, 10)
    for number in range(ROUNDS):
        begin_index_anew(server)
        server.kill_part("front")
        server.wait_for("back again:", times=number + 1, timeout_s=240)
        await_answers(workers, 10)
    assert server.part("back") == back
    check(server, workers)


def test_the_supervisor_is_killed_and_started_again(server: RunningServer, workers: list[Worker]) -> None:
    await_answers(workers, 10)
    for number in range(ROUNDS):
        begin_index_anew(server)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start(ready=False)
        server.wait_for("ready:", times=number + 2, timeout_s=240)
        await_answers(workers, 10)
    check(server, workers)


def test_all_at_once(server: RunningServer, workers: list[Worker]) -> None:
    await_answers(workers, 10)
    begin_index_anew(server)
    server.kill_part("back")
    server.kill_part("front")
    server.wait_for("back again:", timeout_s=240)
    await_answers(workers, 10)
    check(server, workers)
