"""The disk of an application takes no more: it is told so, and what it was answered before is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fixtures.recording import kept

FILLING = """
import json, resource, sys
from glasshatch.errors import Unavailable
from glasshatch.sdk import Recorder
recorder = Recorder("checkout", server="http://127.0.0.1:9", token=lambda: "t", spool=sys.argv[1],
                    problem=lambda text: None, durable=sys.argv[2] == "durable",
                    capture={"rule": [{"actions": ["cart.*"], "coalesce": "1h"}]})
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))  # not even the head of a file
for _ in range(3):
    try:
        recorder.record("order.paid")
        raise SystemExit("it was answered")
    except Unavailable:
        pass
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
answered, refused = [], []
for action in ["order.paid"] * 200 + ["cart.changed"] * 3:
    try:
        answered.append(recorder.record(action, note="x" * 300))
    except Unavailable as error:
        refused.append(action)
        assert "look at its disk" in str(error), error
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
answered += [recorder.record("order.paid") for _ in range(3)]
answered += [recorder.record("cart.changed") for _ in range(3)]
recorder.close(0)
print(json.dumps([answered, refused]))
"""


def test_a_full_disk_refuses_and_tears_nothing(tmp_path: Path) -> None:
    for mode in ("quick", "durable"):
        folder = tmp_path / mode
        done = subprocess.run(
            [sys.executable, "-c", FILLING, str(folder / "spool"), mode],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answered, refused = json.loads(done.stdout)
        events = {event["id"]: event for event in kept(folder)}
        assert set(answered) == {i for i, event in events.items() if event["action"] != "capture.loaded"}
        # A file that has no more room is left for another one, so orders go on; what is counted has one file.
        assert refused.count("cart.changed") == 3
        assert not [path for path in (folder / "spool").glob("*.spool") if path.stat().st_size <= 8]
        assert "order.paid" in refused
        (counted,) = (event for event in events.values() if event["action"] == "cart.changed")
        assert counted["attrs"]["coalesced"]["count"] == 3
