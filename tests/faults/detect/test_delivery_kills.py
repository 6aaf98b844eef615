"""Killed while it delivers: every alert arrives and is recorded; a repeat carries the same id."""

from __future__ import annotations

import http.server
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from faults.detect.deliverer import open_detector
from fixtures.counts import tell
from fixtures.detecting import numbered, read_of
from glasshatch.detect import DELIVERY_HEADER
from glasshatch.events import Event, decode

DELIVERER = Path(__file__).with_name("deliverer.py")
ALERTS = 400


@pytest.fixture
def deliveries() -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """A receiver's port, and the (delivery id, alert id) of all it was sent."""
    seen: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.headers[DELIVERY_HEADER], body["id"]))
            time.sleep(0.002)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1], seen
    server.shutdown()
    server.server_close()


def recorded(record: Path) -> list[Event]:
    """What the killed processes have recorded so far, repeats and all."""
    return [decode(line) for line in record.read_bytes().splitlines()] if record.exists() else []


@pytest.mark.slow
def test_kill_9_while_delivering(tmp_path: Path, deliveries: tuple[int, list[tuple[str, str]]]) -> None:
    port, seen = deliveries
    detector = open_detector(tmp_path / "detect")
    alerts = detector.apply(numbered(*(read_of(one, one, 2_000, f"s{one}") for one in range(ALERTS))))
    detector.close()
    wanted = {alert.id for alert in alerts}
    assert len(wanted) == ALERTS
    record = tmp_path / "record"
    kills = 0
    while kills < 60 and len({event.id for event in recorded(record)}) < 2 * ALERTS:
        command = [sys.executable, DELIVERER, tmp_path / "detect", str(port), record]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            time.sleep(random.random() * 0.5)
            process.send_signal(signal.SIGKILL)
        kills += 1
    assert {alert for _, alert in seen} == wanted
    assert len(set(seen)) == ALERTS
    events = recorded(record)
    found = Counter(event.action for event in {event.id: event for event in events}.values())
    repeats = len(events) - 2 * ALERTS, len(seen) - ALERTS
    tell(f"{kills} kills; repeated: {repeats[0]} events, {repeats[1]} deliveries")
    assert found == {"alert.raised": ALERTS, "alert.delivered": ALERTS}
    after = open_detector(tmp_path / "detect")
    assert after.store.count("deliveries") == 0
    after.close()
