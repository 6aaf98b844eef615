"""Killed while events leave: none is left out, a repeat is the same parcel, files hold each event once."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.exporting import HttpReceiver, until
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer
from glasshatch.events import Event, Source, encode

WORKER = Path(__file__).with_name("exporting_worker.py")
ENTRIES = 6_000


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver()
    yield receiver
    receiver.close()


def entry(number: int) -> bytes:
    # Every third one does not leave, so that ranges and events are told apart.
    action = "order.seen" if number % 3 == 2 else "order.created"
    stamp = str(1_700_000_000_000_000_000 + number * 40 * 10**9)  # over three days
    return encode(Event(id=f"id-{number}", time=stamp, action=action, source=Source(kind="json")))


def wanted() -> list[str]:
    return [f"id-{number}" for number in range(ENTRIES) if number % 3 != 2]


@pytest.mark.slow
def test_kill_9_at_any_moment(tmp_path: Path, receiver: HttpReceiver) -> None:
    (tmp_path / "entries").write_bytes(b"".join(entry(number) + b"\n" for number in range(ENTRIES)))
    chance, kills = random.Random(8), 0
    while len(told_ids(receiver)) < len(wanted()) or len(files_of(tmp_path)) < len(wanted()):
        with subprocess.Popen(
            [sys.executable, WORKER, tmp_path, str(receiver.port)], stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            if kills < rounds(6, 60):
                time.sleep(chance.random() * 0.25)
            else:
                until(lambda: len(told_ids(receiver)) == len(wanted()) == len(files_of(tmp_path)))
                until(lambda: all(covered(tmp_path, name) == ENTRIES for name in ("hook", "files")))
            worker.send_signal(signal.SIGKILL)
            kills += 1
    assert told_ids(receiver) == set(wanted())
    assert sorted(files_of(tmp_path)) == sorted(wanted()), "in the files each event is once"
    repeats = same_parcels(receiver)
    found = f"{len(wanted())} events, 0 left out, {repeats} parcels came again"
    tell(f"kill -9 of exports, {kills} times: {found}")


def told_ids(receiver: HttpReceiver) -> set[str]:
    return {event["metadata"]["uid"] for event in receiver.events()}


def files_of(folder: Path) -> list[str]:
    files = [path for path in (folder / "out").rglob("*.jsonl") if not path.name.startswith(".")]
    return [json.loads(line)["event"]["id"] for path in files for line in path.read_bytes().splitlines()]


def covered(folder: Path, export: str) -> int:
    """Up to which entry the record was told what left, without a gap."""
    lines = (folder / "told").read_text().splitlines() if (folder / "told").exists() else []
    ranges = sorted((int(first), int(stop)) for name, first, stop in map(str.split, lines) if name == export)
    reached = 0
    for first, stop in ranges:
        assert first <= reached, "something left of which the record was not told"
        reached = max(reached, stop)
    return reached


def same_parcels(receiver: HttpReceiver) -> int:
    """How many deliveries came again; each with the same events."""
    seen: dict[str, list[Any]] = defaultdict(list)
    for delivery, body in zip(receiver.deliveries, receiver.bodies, strict=True):
        seen[delivery].append([event["metadata"]["uid"] for event in body["events"]])
    assert all(one == times[0] for times in seen.values() for one in times)
    ranges = sorted(
        (int(first), int(stop)) for first, stop in (name.rpartition("/")[2].split("-") for name in seen)
    )
    assert all(one[1] <= after[0] for one, after in itertools.pairwise(ranges)), "no two overlap"
    return sum(len(times) - 1 for times in seen.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_of_either_part_leave_nothing_out(tmp_path: Path, receiver: HttpReceiver) -> None:
    secret = tmp_path / "hook.secret"
    secret.touch(mode=0o600)
    secret.write_text("a secret of the two of us")
    server = RunningServer(tmp_path, f"""
[exports.hook]
form = "ocsf"
to = "http://127.0.0.1:{receiver.port}/"
secret = "file:{secret}"
rows = 20
query = "action:order.created"
[exports.files]
form = "jsonl"
to = "file:../out"
every = "1s"
rows = 50
query = "action:order.created"
""")  # fmt: skip
    fed = 0
    try:
        feeder = Feeder(server.start(), invite_feeder(server, "ingest:json/shop"))
        for part in ("back", "front"):
            fed = feed(feeder, fed, 400)
            reached = len(receiver.bodies)
            until(lambda: len(receiver.bodies) > reached + 2, 180)  # noqa: B023
            server.kill_part(part)
        fed = feed(feeder, fed, 100)
        until(lambda: len({one["unmapped"]["attrs"]["id"] for one in receiver.events()}) == fed, 180)
        until(lambda: len(list(fed_in_files(tmp_path))) == fed, 180)
    finally:
        server.stop()
    assert len(set(fed_in_files(tmp_path))) == fed, "in the files each event is once"
    tell(f"kill -9 of back and front under exports: {fed} events, 0 left out, {same_parcels(receiver)} again")


def fed_in_files(folder: Path) -> Iterator[str]:
    for path in (folder / "out").rglob("*.jsonl"):
        if not path.name.startswith("."):
            yield from (json.loads(line)["event"]["attrs"]["id"] for line in path.read_bytes().splitlines())


def feed(feeder: Feeder, start: int, count: int) -> int:
    """Deliver so many events, again and again until they are taken; where the next begin."""
    body = b"\n".join(
        json.dumps({"id": f"fed-{number}", "action": "order.created"}).encode()
        for number in range(start, start + count)
    )

    def taken() -> bool:
        try:
            return feeder.post(body).status == 200
        except (OSError, ValueError):
            return False

    until(taken, 120)
    return start + count
