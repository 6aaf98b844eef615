"""Killed at any moment and started again: every alert exactly once, and all memory as if nothing happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faults.detect.applier import open_detector, stream
from fixtures.counts import tell
from glasshatch.detect import Detector

APPLIER = Path(__file__).with_name("applier.py")
COUNT = 12_000


def all_of(detector: Detector) -> dict[str, Any]:
    store = detector.store
    return {
        "alerts": [msgspec.to_builtins(one) for one in store.alerts("", 100_000)],
        "notes": sorted(note.body for note in store.due_notes(2**62, 100_000)),
        "memory": {one.state_key: store.memory(one.state_key) for one in detector._rules},
        "standing": msgspec.to_builtins(detector.standing()),
    }


@pytest.mark.slow
def test_kill_9_at_random_moments_neither_loses_nor_doubles_an_alert(tmp_path: Path) -> None:
    dice = random.Random()
    kills = 0
    reached = 0
    while reached < COUNT:
        process = subprocess.Popen(
            [sys.executable, APPLIER, tmp_path / "killed", str(COUNT)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        # A window that grows: where everything is slow, it gets on too.
        time.sleep(dice.random() * (0.1 + kills / 100))
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert not errors
        start = int(first.split()[1])
        assert start >= reached, "what was said to be kept was lost"
        told = [int(line) for line in rest.split("\n")[:-1]]
        reached = max(start, *told, 0)
        kills += process.returncode == -signal.SIGKILL
    once = open_detector(tmp_path / "once")
    once.apply(stream(COUNT))
    killed = open_detector(tmp_path / "killed")
    assert all_of(killed) == all_of(once)
    alerts = once.store.count("alerts")
    once.close()
    killed.close()
    tell(f"{kills} kills, {alerts} alerts, each once")
    assert kills > 3
    assert alerts > 50
