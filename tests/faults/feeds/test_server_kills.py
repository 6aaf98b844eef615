"""Killed in the middle of deliveries: what was acknowledged is there once, and retries double nothing."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import random
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canary.birds import Canary
from canary.looking import Looker
from fixtures.audit import event as audit_event
from fixtures.counts import tell
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import COMMAND, RunningServer, run
from fixtures.logs_of_others import CLUSTER
from glasshatch.app.local import open_plaintext

CLIENTS = 4
PER_DELIVERY = 50
CLUSTER_PATH = "/v1/sources/kubernetes/prod"
COUNTS = ("accepted", "duplicates", "quarantined")


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
@pytest.mark.timeout(900)
def test_a_real_cluster_told_twice_with_retries_and_a_kill_is_recorded_once(tmp_path: Path) -> None:
    """Every post of a real API server's webhook as it came, refused and repeated ones too; then its log."""
    posts = [json.loads(line) for line in read_asset("webhook-posts.jsonl.gz").splitlines()]
    log = read_asset("audit.log.gz")
    items = [item for post in posts for item in json.loads(post["body"])["items"]]
    facts = {(item["auditID"], item["stage"]) for item in items}
    assert len(items) > len(facts) == 2_031
    server = RunningServer(tmp_path, '[feeds."kubernetes/prod"]\nwebhook_within = "1s"\n').start()
    try:
        server.invite("auditor", "auditor")
        feeder = Feeder(server, invite_feeder(server, "ingest:kubernetes/prod"))
        total = Counter[str]()
        for number, post in enumerate(posts):
            if number == len(posts) // 2:
                server.kill_part("front")
                server.wait_for("ended", timeout_s=60)
            total.update(dict(zip(COUNTS, eventually(feeder, post["body"]), strict=True)))
            if number % 10 == 0:
                assert feeder.post(post["body"], CLUSTER_PATH).counts[0] == 0, "nothing in it is new"
        lines = feeder.post(log, f"{CLUSTER_PATH}?file=audit.log&line=1")
        assert lines.counts == (0, 2_031, 0)
        # What the log has and the webhook had not is missed, and comes late.
        late = json.dumps(audit_event(number=1, requestReceivedTimestamp=now_text()))
        assert feeder.post(late, f"{CLUSTER_PATH}?file=audit.log&line=9000").counts == (1, 0, 0)
        wait_until(lambda: feeder.count("action:source.missing") == 1, 60)
    finally:
        server.stop()
    assert (total["accepted"], total["quarantined"]) == (2_031, 0)
    stored = stored_facts(server.home)
    assert set(stored) == facts | {(audit_event(number=1)["auditID"], "ResponseComplete")}
    assert set(stored.values()) == {1}
    looker = Looker([Canary("cluster", "secret", "raw", word, word) for word in secrets_of(items)])
    assert len(looker) > 50
    _, found = looker.in_directory(server.home)
    assert not found
    assert not looker.in_parts(open_plaintext(server.home))


def read_asset(name: str) -> bytes:
    return gzip.decompress((CLUSTER / name).read_bytes())


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def secrets_of(items: list[dict[str, Any]]) -> set[str]:
    """What the recording holds of Secrets and tokens, and what the commands behind it put there."""
    found = {"S3cr3t-shared-Passw0rd!", "fake-docker-pw-1", "fake-smtp-pass-77"}
    for item in items:
        for name in ("requestObject", "responseObject"):
            found |= set(_secret_values(item.get(name)))
    return {word for word in found if len(word) >= 12}


def _secret_values(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _secret_values(item)
    if not isinstance(value, dict):
        return
    if value.get("kind") == "TokenRequest":
        yield value.get("status", {}).get("token", "")
    for name, item in value.items():
        if name in ("data", "stringData") and isinstance(item, dict) and "rules" not in value:
            # In which namespace a token is, its Secret repeats; names are kept.
            for text in (one for key, one in item.items() if key != "namespace" and isinstance(one, str)):
                yield text
                with contextlib.suppress(ValueError):
                    yield base64.b64decode(text, validate=True).decode()
        else:
            yield from _secret_values(item)


def eventually(feeder: Feeder, body: str) -> tuple[int, int, int]:
    """The answer once there is one: while the front starts again it is 503."""
    deadline = time.monotonic() + 60
    while True:
        answer = feeder.post(body, CLUSTER_PATH)
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
