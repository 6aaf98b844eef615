"""A log is followed to a server that goes away, by a command that is killed, through rotations."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import COMMAND, RunningServer, run
from glasshatch.errors import Unavailable

LINES = 3_000


@pytest.fixture(scope="module")
def feeder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feeder]:
    server = RunningServer(tmp_path_factory.mktemp("followed")).start()
    try:
        server.invite("auditor", "auditor")
        yield Feeder(server, invite_feeder(server, "ingest:json/shop", name="follower"))
    finally:
        server.stop()


class Writer:
    """An application that logs, and rotates its log now and then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._rotations = 0
        self._dice = random.Random(7)

    def write(self, count: int) -> None:
        with self.path.open("a") as out:
            for _ in range(count):
                out.write(json.dumps({"action": "order.paid", "n": self.written, "mark": "followed"}) + "\n")
                self.written += 1

    def rotate(self) -> None:
        self._rotations += 1
        old = self.path.with_name(f"{self.path.name}.{100 - self._rotations}")
        self.path.rename(old)
        if self._dice.random() < 0.5:
            old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
            old.unlink()


def follow(feeder: Feeder, log: Path, state: Path) -> subprocess.Popen[str]:
    token = next(feeder.server.home.parent.glob("follower-*.token"))
    command = [*COMMAND, "ingest", "json", str(log), "--follow", "--name", "shop", "--format", "jsonl"]
    command += ["--server", f"unix:{feeder.server.home}/run/glasshatch.sock", "--token-file", str(token)]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_line_comes_once_through_kills_and_rotations(feeder: Feeder, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "app.log")
    writer.write(10)
    kills, killed = 0, range(1, 1 + rounds(1, 4))
    process = follow(feeder, writer.path, tmp_path / "state")
    try:
        for turn in range(6):
            for _ in range(5):
                writer.write(LINES // 30)
                time.sleep(0.02)
            if turn in killed:
                process.kill()
                kills += process.wait() == -signal.SIGKILL
                writer.write(20)
            if turn in (1, 2, 4):
                writer.rotate()
                writer.write(5)
            if turn == 2:
                feeder.server.kill_part("front")
            if turn in killed:
                process = follow(feeder, writer.path, tmp_path / "state")
        wait_until(lambda: found_by(feeder) >= writer.written, 240)
    except BaseException:
        process.kill()  # a test that fails leaves nobody behind
        raise
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["file"] == str(writer.path)
    found = run(
        "search", "attrs.mark:followed", "--limit", "10000", "--format", "jsonl",
        "--server", f"unix:{feeder.server.home}/run/glasshatch.sock",
        "--token-file", str(feeder.server.home.parent / "auditor.token"),
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    numbers = Counter(json.loads(line)["event"]["attrs"]["n"] for line in found.stdout.splitlines())
    assert set(numbers) == set(range(writer.written))
    assert set(numbers.values()) == {1}
    tell(f"kill -9 of a follower {kills}x, of the front, 3 rotations: {writer.written} lines, each once")


@pytest.mark.slow
def test_an_interrupted_ingest_goes_on_where_it_was(tmp_path: Path) -> None:
    """Not from the beginning: what was acknowledged is not delivered again."""
    file, data = tmp_path / "app.log", tmp_path / "data"
    file.write_text("".join(f'{{"action":"order.paid","n":{n}}}\n' for n in range(40_000)))
    assert run("init", str(data), "--token-out", str(tmp_path / "t")).returncode == 0
    command = ("ingest", "json", str(file), "--data", str(data), "--format", "jsonl")
    process = subprocess.Popen([*COMMAND, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    positions = data / "derived" / "positions"
    wait_until(lambda: any(positions.glob("*")) or process.poll() is not None, 120)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    last = run(*command)
    assert last.returncode == 0, last.stderr
    assert "goes on at line" in last.stderr
    result = json.loads(last.stdout)["result"]
    assert result["accepted"] + result["duplicates"] == 40_000
    # At most the batch whose acknowledgement was not noted came twice.
    assert result["duplicates"] <= 1_000
    assert not any(positions.glob("*"))
    count = run("search", "action:order.paid", "--count", "--data", str(data))
    assert count.stdout.strip() == "40000"


def found_by(feeder: Feeder) -> int:
    """How many are found; none while the front starts again."""
    try:
        return feeder.count("attrs.mark:followed")
    except Unavailable:
        return 0


def wait_until(condition: Callable[[], object], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
