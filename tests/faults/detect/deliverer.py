"""Delivers what a folder's outbox holds, until it is killed.

python deliverer.py FOLDER PORT RECORD: appends every recorded event to the file RECORD.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from glasshatch.clock import SystemClock
from glasshatch.detect import Delivery, Detector, Route, Webhook, load_rules
from glasshatch.events import Event, encode

SECRET = b"a secret of the two of us"


def open_detector(folder: Path) -> Detector:
    """The detector as every process of this test opens it."""
    return Detector.open(folder, load_rules(), SystemClock(), "acme", routes=[Route("hook")])


def main() -> None:
    folder, port, record = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    clock = SystemClock()
    detector = open_detector(folder)
    out = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    hook = Webhook("hook", f"http://127.0.0.1:{port}/", lambda: SECRET, clock)

    def append(event: Event) -> None:
        os.write(out, encode(event) + b"\n")

    Delivery(detector.store, append, [hook], clock, random.random).start()
    print("up", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
