"""Killed with -9 while values are sealed and while a subject is erased: the record decides what counts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faults.vault.sealing_worker import PER_BATCH, STEPS, order
from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.app.inspect import verify_home
from glasshatch.app.opening import config_of, make_tokens, open_keyring
from glasshatch.clock import SystemClock
from glasshatch.events import Event, decode

KILLS = rounds(4, 60)
SEAL = """
[[seal]]
source = "json"
fields = ["attrs.customer.email"]
subject = "attrs.customer.id"
subject_type = "CUSTOMER"
"""


class Worker:
    """The process that makes the victims."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("sealing_worker.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def begin(self, **told: Any) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(told) + "\n")
        return int(self._process.stdout.readline())

    def end(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a person who erases, one who approves, and some orders."""
    directory = tmp_path_factory.mktemp("vault") / "home"
    create_home(directory)
    config = config_of(directory)
    config.write_text(config.read_text() + SEAL)
    with closing(opened(directory)) as house:
        for name, role in (("pri", "privacy"), ("app", "approver")):
            house.control.actors.create(name, roles=[role], now_ns=house.clock.now_ns())
        house.intake.take("json", "shop", b"\n".join(order(number) for number in range(1_000_000, 1_000_021)))
    return directory


def opened(directory: Path) -> House:
    return House(load_config(config_of(directory)), SystemClock())


def orders(house: House) -> dict[int, Event]:
    found = [decode(data) for _, data in house.ledger.scan() if b'"order.placed"' in data]
    return {event.attrs["number"]: event for event in found}


def rows(directory: Path, text: str) -> list[Any]:
    with closing(sqlite3.connect(directory / "control.db")) as connection:
        return connection.execute(text).fetchall()


def value_of(house: House, event: Event) -> str | None:
    assert event.redaction
    (sealed,) = event.redaction.sealed
    found = house.vault.open(event.id, sealed.field, sealed.commitment)
    return None if found is None else str(found.value)


def test_every_acknowledged_event_can_be_revealed_after_a_kill(
    made: Path, tmp_path: Path, worker: Worker
) -> None:
    home = Path(shutil.copytree(made, tmp_path / "home"))
    acknowledged: list[int] = []
    for turn in range(KILLS):
        out = tmp_path / f"out-{turn}"
        child = worker.begin(do="take", directory=str(home), out=str(out), start=turn * 100_000)
        deadline_s = time.monotonic() + 60
        while not out.exists() or not out.stat().st_size:
            assert time.monotonic() < deadline_s
            time.sleep(0.002)
        time.sleep(0.013 * (turn % 11))
        os.kill(child, signal.SIGKILL)
        assert worker.end() == -9
        acknowledged += [
            int(start) + number for start in out.read_text().split() for number in range(PER_BATCH)
        ]
    # And once where it is certain that values lie there without a leaf.
    worker.begin(do="take", directory=str(home), out=str(tmp_path / "none"), start=9_000_000, kept=True)
    assert worker.end() == -9
    before = len(rows(home, "SELECT id FROM sealed_values"))
    with closing(opened(home)) as house:
        recorded = orders(house)
        assert not set(acknowledged) - set(recorded), "acknowledged, and not in the record"
        for number, event in recorded.items():
            assert value_of(house, event) == f"anna{number}@example.com"
        kept = {str(row[0]).partition("/")[0] for row in rows(home, "SELECT id FROM sealed_values")}
        assert kept == {event.id for event in recorded.values()}, "a value without a leaf is dropped"
        orphans = before - len(kept)
        assert orphans >= PER_BATCH
        assert not any(number >= 9_000_000 for number in recorded)
    assert verify_home(home).ok
    tell(f"{KILLS} kills, {len(acknowledged)} acknowledged, all revealed; {orphans} orphans dropped")


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_killed_at_any_step_is_whole_or_not_at_all(
    made: Path, tmp_path: Path, worker: Worker, step: str
) -> None:
    home = Path(shutil.copytree(made, tmp_path / "home"))
    wrapped = wrapped_of(home, "CUSTOMER", "3")
    worker.begin(do="erase", directory=str(home), step=step)
    assert worker.end() == -9, "it did not die where it should"
    with closing(opened(home)) as house:
        record = [decode(data) for _, data in house.ledger.scan() if b'"subject.erased"' in data]
        erased = step not in ("before it is intended", "intended, not recorded")
        assert len(record) == erased
        events = orders(house)
        theirs = {number: event for number, event in events.items() if number % 7 == 3}
        assert theirs
        for number, event in events.items():
            gone = erased and number in theirs
            assert value_of(house, event) == (None if gone else f"anna{number}@example.com"), number
        assert house.control.erasures.pending() == []
        subject = house.redactor.tokens.token("CUSTOMER", "3")
        assert len(house.control.erasures.of_subject(subject)) == erased
    every_byte = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert (wrapped.encode() in every_byte) != erased
    assert verify_home(home).ok
    tell(f"an erasure killed when {step}: {'the key is in no byte' if erased else 'nothing is erased'}")


def wrapped_of(home: Path, type: str, value: str) -> str:
    token = make_tokens(open_keyring(load_config(config_of(home)))).token(type, value)
    (row,) = rows(home, f"SELECT wrapped FROM subject_keys WHERE subject = '{token}'")
    return str(row[0])


def test_what_the_record_has_and_an_older_store_has_not_is_erased_at_the_start(
    made: Path, tmp_path: Path, worker: Worker
) -> None:
    """As after the control store alone was put back from a backup."""
    home = Path(shutil.copytree(made, tmp_path / "home"))
    worker.begin(do="erase", directory=str(home), step="done")
    assert worker.end() == -9
    with closing(opened(home)):
        pass
    for file in home.glob("control.db*"):
        file.unlink()
    shutil.copy2(made / "control.db", home / "control.db")
    with closing(opened(home)) as house:
        theirs = [event for number, event in orders(house).items() if number % 7 == 3]
        assert [value_of(house, event) for event in theirs] == [None] * len(theirs)
        (erasure,) = house.control.erasures.list()
        assert erasure.at_sizes["default"] > max(index for index, _ in house.ledger.scan()) // 2
