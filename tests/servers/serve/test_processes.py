"""Two processes and their supervisor: either may be killed at any moment, and nothing outlives the server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.glasshatch import RunningServer, run

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path).start()
    yield server
    server.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def gone(*pids: int, within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_killed_part_comes_back_and_the_other_goes_on(server: RunningServer) -> None:
    before = len(server.jsonl("events"))
    front = server.part("front")
    server.kill_part("back")
    server.wait_for("back again:")
    assert server.part("front") == front
    assert len(server.jsonl("events")) >= before
    back = server.part("back")
    server.kill_part("front")
    server.wait_for("back again:", times=2)
    assert server.part("back") == back
    events = [line["event"] for line in server.jsonl("events")]
    restarts = [event["attrs"] for event in events if event["action"] == "process.restarted"]
    assert {"part": "front", "ended": "signal 9"} in restarts
    assert len({event["id"] for event in events}) == len(events)
    assert server.stop() == 0
    assert run("verify", str(server.home)).returncode == 0


def test_nothing_outlives_a_killed_supervisor(server: RunningServer) -> None:
    parts = server.part("front"), server.part("back")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert gone(*parts)
    again = server.start(ready=False)
    again.wait_for("ready:", times=2)
    assert len(again.jsonl("events")) > 3


def test_a_stop_ends_every_process(server: RunningServer) -> None:
    parts = server.part("front"), server.part("back")
    assert server.stop() == 0
    assert gone(*parts, within_s=0.5)
    last = run("events", "--data", str(server.home), "--format", "jsonl", "--limit", "1").stdout
    assert '"server.stopped"' in last


def test_an_interrupt_of_the_whole_group_stops_in_good_order(server: RunningServer) -> None:
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(120) == 0
    last = run("events", "--data", str(server.home), "--format", "jsonl", "--limit", "1").stdout
    assert '"server.stopped"' in last


@pytest.mark.parametrize("taken", ["gateway", "api"])
def test_a_taken_port_ends_the_server_and_says_so(tmp_path: Path, taken: str) -> None:
    import socket

    server = RunningServer(tmp_path)
    port = server.gateway_port if taken == "gateway" else server.api_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        server.start(ready=False)
        assert server.process is not None
        assert server.process.wait(60) == 2
    assert str(port) in server.log.read_text()
    assert run("verify", str(server.home)).returncode == 0
