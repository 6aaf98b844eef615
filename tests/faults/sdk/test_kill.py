"""A process of the SDK is killed while it records: what it was answered is in the spool, and counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.recording import offline, recorded
from glasshatch.sdk.spool import Spool

RECORDING = """
import sys
from glasshatch.sdk import Recorder
recorder = Recorder("checkout", server="http://127.0.0.1:9", token=lambda: "t", spool=sys.argv[1],
                    problem=lambda text: None, durable=False)
while True:
    sys.stdout.write(recorder.record("order.paid", actor="u1", amount=12.5) + "\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_every_answered_event_survives(tmp_path: Path) -> None:
    answered: list[str] = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", RECORDING, str(tmp_path / "spool")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        answered += [process.stdout.readline().strip() for _ in range(100)]
        time.sleep(0.05)
        process.kill()
        answered += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
    spool = Spool(tmp_path / "spool", limit_bytes=1 << 30, durable=False)
    kept = {json.loads(event)["id"] for event in spool.read(1_000_000, 1 << 30).events}
    tell(f"kill -9 of an application that records: 3 kills, {len(answered)} events answered, 0 lost")
    assert len(answered) > 300
    assert not set(answered) - kept


COUNTING = """
import sys
from glasshatch.sdk import Recorder
recorder = Recorder("checkout", server="http://127.0.0.1:9", token=lambda: "t", spool=sys.argv[1],
                    problem=lambda text: None, durable=False, capture={
                        "window": "20ms",
                        "rule": [{"actions": ["cart.*"], "coalesce": "20ms"},
                                 {"actions": ["cache.*"], "level": "counts"},
                                 {"actions": ["health.*"], "level": "off"}]})
number = 0
while True:
    for action in ("cart.changed", "cache.read", "health.checked"):
        recorder.record(action, actor=f"u{number % 7}")
    number += 1
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def told(folder: Path) -> dict[str, int]:
    """How many of each action a spool tells of, when what was held is taken over by another process."""
    counts: dict[str, int] = {}
    # An event that was told when the kill came and not yet marked so is there twice, under one id.
    for event in {event["id"]: event for event in recorded(folder, offline(folder))}.values():
        attrs = event.get("attrs", {})
        action = attrs.get("action", event["action"])
        counts[action] = counts.get(action, 0) + attrs.get("coalesced", {"count": 1})["count"]
    return counts


@pytest.mark.slow
def test_what_is_held_back_to_be_counted_survives_and_is_told_once(tmp_path: Path) -> None:
    answered = 0
    kills = rounds(3, 60)
    for kill in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(tmp_path / "spool")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(200)]
        time.sleep(0.01 * (kill % 5))
        process.kill()
        lines += [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        answered += int(lines[-1])
    counts = told(tmp_path)
    tell(f"kill -9 of an application that counts: {kills} kills, {3 * answered} events answered, 0 lost")
    counts.pop("capture.loaded", None)
    assert counts.keys() == {"cart.changed", "cache.read", "health.checked"}
    # One that was written when the kill came may have been answered or not.
    assert all(answered <= count <= answered + kills for count in counts.values()), (answered, counts)
