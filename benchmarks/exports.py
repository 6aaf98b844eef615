"""Exports: how many events a second, and a second of one processor, in each form and to each destination.

The forms are measured alone, over events as a server stores them (half of them with a statement, a client and
a decision). Then whole exports run in this process, with cursor, matching and a receiver, which is in this
process too: a webhook that reads and answers, a syslog receiver over TCP, a folder, and SeaweedFS, in one of
its own, if it is installed. What reads the ledger is not part of it: entries are handed over as they are.

Usage: python benchmarks/exports.py [--quick] [--directory /var/tmp]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fixtures.exporting import SECRET, HttpReceiver, S3Server, SyslogReceiver
from glasshatch.clock import SystemClock
from glasshatch.detect import Webhook
from glasshatch.events import (
    Actor,
    Client,
    DecisionMade,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
    decode,
    encode,
)
from glasshatch.exports import (
    FORMS,
    CursorFile,
    Destination,
    Exporter,
    Folder,
    Gate,
    Item,
    Objects,
    Pace,
    S3Store,
    Syslog,
    SyslogTarget,
    Telling,
    WebhookDestination,
)

LINES = Pace(rows=500)
FILES = Pace(rows=20_000, bytes=24 << 20, held_bytes=64 << 20, linger_s=5)
TURNS = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="20,000 events instead of 200,000")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"))
    asked = arguments.parse_args()
    count = 20_000 if asked.quick else 200_000
    entries = [stored(number) for number in range(count)]
    found: dict[str, Any] = {
        "benchmark": "exports", "events": count, "bytes": sum(map(len, entries)) // count,
        "python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0],
        "forms": forms(entries[:20_000]),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=asked.directory) as folder:
        found["exports"] = exports(Path(folder), entries)
    print(json.dumps(found))


def stored(number: int) -> bytes:
    """An entry as a gateway's session or a feed leaves it."""
    event = Event(
        id=f"0197aa00-0000-7000-8000-{number:012d}", time=str(1_700_000_000_000_000_000 + number * 10**6),
        action="statement.run" if number % 2 else "order.created", source=Source(kind="gateway", name="main"),
        observed_time=str(1_700_000_000_000_100_000 + number * 10**6), outcome=Outcome(status="success"),
        actor=Actor(id=f"u{number % 50}", type="human", name=f"person{number % 50}", roles=("engineer",)),
        session_id=f"s{number % 400}", attrs={"seq": number, "duration_us": 812},
    )  # fmt: skip
    if number % 2:
        event = Event(**{name: getattr(event, name) for name in event.__struct_fields__} | {
            "client": Client(ip="192.0.2.7", port=50_000),
            "decision": DecisionMade(effect="allow", rule="p.read"),
            "resource": Resource(type="postgres", id="postgres/orders", name="orders", env="production"),
            "statement": StatementText(text="SELECT total FROM orders WHERE id = $1", shape="s", hash="h"),
        })  # fmt: skip
    return encode(event)


def forms(entries: list[bytes]) -> dict[str, int]:
    """Events a processor second of each form alone, the best of some turns."""
    items = tuple(Item("default", number, data, decode(data)) for number, data in enumerate(entries))
    return {name: rate(len(items), lambda form=form: form.file(items)) for name, form in FORMS.items()}  # type: ignore[misc]


def rate(count: int, work: Callable[[], object]) -> int:
    best = min(timed(work) for _ in range(TURNS))
    return int(count / best)


def timed(work: Callable[[], object]) -> float:
    """Processor seconds, which a busy machine does not lengthen much."""
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def exports(folder: Path, entries: list[bytes]) -> dict[str, Any]:
    """Events a second of whole exports, one after the other."""
    http, tcp = HttpReceiver(), SyslogReceiver()
    hook = Webhook("hook", f"http://127.0.0.1:{http.port}/", lambda: SECRET, SystemClock(), section="exports")
    ways: dict[str, tuple[str, Destination, Pace]] = {
        "webhook, ocsf": ("ocsf", WebhookDestination("hook", hook.send, FORMS["ocsf"]), LINES),
        "webhook, jsonl": ("jsonl", WebhookDestination("hook", hook.send, FORMS["jsonl"]), LINES),
        "syslog over tcp, cef": (
            "cef", Syslog(SyslogTarget("tcp", "127.0.0.1", tcp.port, "here"), FORMS["cef"]), LINES
        ),
        "folder, jsonl": ("jsonl", Objects(Folder(folder / "jsonl"), FORMS["jsonl"]), FILES),
        "folder, parquet": ("parquet", Objects(Folder(folder / "parquet"), FORMS["parquet"]), FILES),
    }  # fmt: skip
    s3 = S3Server(folder) if (Path(sys.executable).parent / "weed").exists() else None
    if s3 is not None:
        store = S3Store(s3.BUCKET, "x", lambda: (s3.ACCESS, s3.SECRET), endpoint=s3.endpoint)
        ways["s3, parquet"] = ("parquet", Objects(store, FORMS["parquet"]), FILES)
        ways["s3, ocsf with gzip"] = ("ocsf", Objects(store, FORMS["ocsf"], compress=True), FILES)
    try:
        return {name: exported(folder, name, way, entries) for name, way in ways.items()}
    finally:
        http.close()
        tcp.close()
        if s3 is not None:
            s3.close()


def exported(
    folder: Path, name: str, way: tuple[str, Destination, Pace], entries: list[bytes]
) -> dict[str, int]:
    form, destination, pace = way
    told = Telling(name, "", form, Actor(id="x"), lambda action, **members: None)
    exporter = Exporter(
        name, FORMS[form], destination, CursorFile(folder / "cursors", name.replace(" ", "-")),
        lambda: Gate(lambda event, ledger: True), told, SystemClock(), lambda: 0.5, pace=pace,
    )  # fmt: skip
    exporter.start()
    begun_s, begun_processor_s = time.perf_counter(), time.process_time()
    feeding = threading.Thread(target=feed, args=(exporter, entries))
    feeding.start()
    while exporter.standing().sent < len(entries):
        time.sleep(0.01)
    spent_s, processor_s = time.perf_counter() - begun_s, time.process_time() - begun_processor_s
    feeding.join()
    exporter.stop()
    return {"second": int(len(entries) / spent_s), "processor second": int(len(entries) / processor_s)}


def feed(exporter: Exporter, entries: list[bytes]) -> None:
    for start in range(0, len(entries), 2_000):
        exporter.apply(
            [("default", start + n, data) for n, data in enumerate(entries[start : start + 2_000])]
        )


if __name__ == "__main__":
    main()
