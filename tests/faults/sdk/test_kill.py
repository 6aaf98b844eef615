"""A process of the SDK is killed while it records: every id it was given is in the spool."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.counts import tell
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
