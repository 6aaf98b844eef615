"""Killed in the middle of deliveries: what was acknowledged is there once, and retries double nothing."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import subprocess
import threading
import time
import uuid
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from fixtures.audit import event as audit_event
from fixtures.counts import tell
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import COMMAND, RunningServer, run

CLIENTS = 4
PER_DELIVERY = 50


class RetryingClient(threading.Thread):
    """Delivers events with ids of its own, each delivery again and again until it is acknowledged."""

    def __init__(self, feeder: Feeder, path: str, stop: threading.Event) -> None:
        super().__init__()
        self.feeder = feeder
        self.path = path
        self.stop = stop
        self.acknowledged: list[str] = []
        self.retried = 0

    def run(self) -> None:
        while not self.stop.is_set():
            ids = [str(uuid.uuid4()) for _ in range(PER_DELIVERY)]
            body = b"\n".join(json.dumps({"id": one, "mark": "kill"}).encode() for one in ids)
            while not self._delivered(body):
                self.retried += 1
                time.sleep(0.1)
            self.acknowledged += ids

    def _delivered(self, body: bytes) -> bool:
        try:
            answer = self.feeder.post(body, self.path)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return answer.status == 200 and sum(answer.counts) == PER_DELIVERY


def ids_in(data: Path) -> Counter[tuple[str, str]]:
    """The ledgers and ids of delivered events in a stopped server, by how often each is there."""
    found = run(
        "events", "--action", "event.recorded", "--limit", "100000", "--format", "jsonl", "--data", str(data)
    )
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    return Counter(
        (line.get("ledger", "default"), line["event"]["id"])
        for line in lines
        if line["event"].get("attrs", {}).get("mark") == "kill"
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_of_either_part_lose_and_double_nothing(tmp_path: Path) -> None:
    # Half of them deliver to a stream with a ledger of its own.
    server = RunningServer(tmp_path, '[ledgers.shop]\nsources = ["json/shop"]\n')
    assert run("ledger", "create", "shop", "--data", str(server.home)).returncode == 0
    paths = {"shop": "/v1/sources/json/shop", "default": "/v1/sources/json/other"}
    stop = threading.Event()
    clients: list[RetryingClient] = []
    try:
        feeder = Feeder(server.start(), invite_feeder(server, "ingest:json/shop", "ingest:json/other"))
        clients += [
            RetryingClient(feeder, path, stop) for path in paths.values() for _ in range(CLIENTS // 2)
        ]
        for client in clients:
            client.start()
        for turn, part in enumerate(("front", "back", "front"), 1):
            enough = PER_DELIVERY * CLIENTS * 3 * turn
            wait_until(lambda: sum(len(one.acknowledged) for one in clients) > enough)  # noqa: B023
            server.kill_part(part)
        before = sum(len(one.acknowledged) for one in clients)
        wait_until(lambda: sum(len(one.acknowledged) for one in clients) > before + PER_DELIVERY * CLIENTS)
    finally:
        stop.set()
        for client in clients:
            client.join()
        server.stop()
    names = {path: ledger for ledger, path in paths.items()}
    acknowledged = [(names[client.path], one) for client in clients for one in client.acknowledged]
    stored = ids_in(server.home)
    assert sum(client.retried for client in clients) > 0, "no delivery was hit"
    assert not set(acknowledged) - set(stored), "acknowledged, and not in the record"
    assert set(stored.values()) == {1}, "in the record twice"
    verified = run("verify", str(server.home))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    tell(f"kill -9 of front, back and front under feeds: {len(acknowledged)} acknowledged, 0 lost, 0 twice")


@pytest.mark.slow
def test_an_ingest_killed_again_and_again_gives_each_fact_once(tmp_path: Path) -> None:
    lines = [json.dumps(audit_event(number=number)) for number in range(1, 6_001)]
    lines += random.Random(1).sample(lines, 500)
    file, data = tmp_path / "audit.log", tmp_path / "data"
    file.write_text("\n".join(lines))
    assert run("init", str(data), "--token-out", str(tmp_path / "t")).returncode == 0
    command = [*COMMAND, "ingest", "kubernetes", str(file), "--data", str(data), "--format", "jsonl"]
    killed = 0
    ledger = next((data / "ledgers").iterdir())
    for attempt in range(1, 4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        begun = written(ledger)
        # As soon as something of it is in the log, and before the end.
        wait_until(lambda: written(ledger) != begun or process.poll() is not None)  # noqa: B023
        time.sleep(0.1 * attempt)
        process.kill()
        killed += process.wait() == -9
    assert killed, "no run was hit"
    last = run(*command[len(COMMAND) :])
    assert last.returncode == 0, last.stderr
    result = json.loads(last.stdout)["result"]
    assert result["accepted"] + result["duplicates"] == len(lines)
    again = json.loads(run(*command[len(COMMAND) :]).stdout)["result"]
    assert (again["accepted"], again["duplicates"]) == (0, len(lines))
    facts = stored_facts(data)
    assert len(facts) == 6_000
    assert set(facts.values()) == {1}


@pytest.mark.slow
def test_real_audit_posts_with_repeats_and_a_restart_give_each_fact_once(tmp_path: Path) -> None:
    """As an API server's webhook does: lists of items, some sent again because the answer was no 200."""
    packed = resources.files("glasshatch.app.demo").joinpath("kubernetes-audit.jsonl.gz").read_bytes()
    items: list[dict[str, Any]] = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    facts = {(item["auditID"], item["stage"]) for item in items}
    server = RunningServer(tmp_path).start()
    try:
        feeder = Feeder(server, invite_feeder(server, "ingest:kubernetes/prod"))
        posts = [items[start : start + 40] for start in range(0, len(items), 30)]  # neighbours overlap
        total = Counter[str]()
        for number, post in enumerate(posts):
            if number == len(posts) // 2:
                server.kill_part("front")
                server.wait_for("ended", timeout_s=60)
            body = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": post})
            answer = eventually(feeder, body)
            total.update(accepted=answer[0], quarantined=answer[2])
            assert feeder.post(body, "/v1/sources/kubernetes/prod").counts == (0, len(post), 0)
    finally:
        server.stop()
    assert total["quarantined"] == 0
    stored = stored_facts(server.home)
    assert set(stored) == facts
    assert set(stored.values()) == {1}


def eventually(feeder: Feeder, body: str) -> tuple[int, int, int]:
    """The answer once there is one: while the front starts again it is 503."""
    deadline = time.monotonic() + 60
    while True:
        answer = feeder.post(body, "/v1/sources/kubernetes/prod")
        if answer.status == 200:
            return answer.counts
        assert answer.status == 503, answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stored_facts(data: Path) -> Counter[tuple[str, str]]:
    found = run("events", "--limit", "100000", "--format", "jsonl", "--data", str(data))
    assert found.returncode == 0, found.stderr
    events = [json.loads(line)["event"] for line in found.stdout.splitlines()]
    return Counter(
        (event["request_id"], event["labels"]["stage"])
        for event in events
        if event["source"]["kind"] == "kubernetes"
    )


def written(ledger: Path) -> int:
    """Changes whenever something is written under the ledger."""
    return sum(path.stat().st_mtime_ns for path in ledger.rglob("*") if path.is_file())


def wait_until(condition: Any, timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
