"""Exports a folder's entries until it is killed.

python exporting_worker.py FOLDER PORT: one export to a webhook on PORT, one into files in FOLDER/out; what
the record is told is appended to FOLDER/told. The ledger is a file of lines, FOLDER/entries, that may grow.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fixtures.exporting import SECRET
from glasshatch.clock import SystemClock
from glasshatch.detect import Webhook
from glasshatch.events import Actor
from glasshatch.exports import (
    FORMS,
    CursorFile,
    Exporter,
    Folder,
    Gate,
    Objects,
    Pace,
    Telling,
    WebhookDestination,
)

LINES = Pace(rows=20, linger_s=0.01, first_s=0.02, longest_s=0.1, note_s=0.05)
FILES = Pace(rows=70, linger_s=0.02, first_s=0.02, longest_s=0.1, note_s=0.05)


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    clock = SystemClock()
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(action: str, **members: Any) -> None:
        attrs = members["attrs"]
        os.write(told, f"{attrs['export']} {attrs['first']} {attrs['stop']}\n".encode())

    hook = Webhook("hook", f"http://127.0.0.1:{port}/", lambda: SECRET, clock, section="exports")
    destinations = {
        "hook": (WebhookDestination("hook", hook.send, FORMS["ocsf"]), "ocsf", LINES),
        "files": (Objects(Folder(folder / "out"), FORMS["jsonl"]), "jsonl", FILES),
    }
    exporters = []
    for name, (destination, form, pace) in destinations.items():
        exporters.append(
            Exporter(
                name, FORMS[form], destination, CursorFile(folder / "cursors", name),
                lambda: Gate(lambda event, ledger: event.action == "order.created"),
                Telling(name, name, form, Actor(id=name), note), clock, random.random, pace=pace,
            )
        )  # fmt: skip
        exporters[-1].start()
    print("up", flush=True)
    for exporter in exporters:
        threading.Thread(target=follow, args=(exporter, folder / "entries"), daemon=True).start()
    threading.Event().wait()


def follow(exporter: Exporter, file: Path) -> None:
    """Hand over the lines from the watermark on, some at a time, as they come."""
    while True:
        start = exporter.watermarks().get("default", 0)
        lines = file.read_bytes().splitlines()[start : start + 50]
        if lines:
            exporter.apply([("default", start + number, line) for number, line in enumerate(lines)])
        else:
            time.sleep(0.005)


if __name__ == "__main__":
    main()
