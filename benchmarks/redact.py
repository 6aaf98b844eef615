"""Redaction of batches of events: from bytes to bytes in the compiled kernel, and the long way in Python.

Both ways in turns, processor time, the least of the turns, in µs an event with the encoding. The events are
those of `intake.py` (JSON and OTLP), JSON whose texts never come again, and real logs in `tests/assets`. What
is measured was not met before by either way: of each kind the first half makes warm, the second is measured.

Usage: python benchmarks/redact.py [--turns 5]
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

from glasshatch.events import Event, encode_whole
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.sources import SOURCES, Arrival, Parsed
from intake import OtlpBodies, make_body

ASSETS = Path(__file__).resolve().parents[1] / "tests/assets"
WORKFORCE = frozenset(kind.name for kind in SOURCES.values() if kind.workforce)
LOGS = {
    "kubernetes": "k8s-real/audit.log.gz", "cloudtrail": "cloudtrail/*.json.gz",
    "pgaudit": "postgres-real/postgresql.csv.gz", "syslog": "syslog-real/*.log",
}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=5)
    turns = arguments.parse_args().turns
    engine = Engine.load()
    for name, events in kinds().items():
        kind = name.partition("_")[0]
        half = events[len(events) // 2 :][:1_000]
        costs: list[tuple[float, float]] = []
        for _ in range(turns):
            # What is remembered of texts is the redactor's own, so each turn has a new one.
            redactor = Redactor(engine, Tokens({1: b"k" * 32}, 1, "default"), WORKFORCE)
            redactor.events(events[: len(events) // 2], f"{kind}/x")
            redactor.encoded(events[: len(events) // 2], f"{kind}/x")
            costs.append(
                (cost(long_way, redactor, half, f"{kind}/x"), cost(short_way, redactor, half, f"{kind}/x"))
            )
        before, now = (min(turn[way] for turn in costs) for way in (0, 1))
        left = sum(one is None for one in redactor.encoded(half, f"{kind}/x"))
        figures = {"events": len(half), "long_us": round(before, 1), "us": round(now, 1)}
        print(json.dumps({"kind": name, **figures, "ratio": round(now / before, 2), "long_way": left}))


def cost(
    way: Callable[[Redactor, list[Event], str], object], redactor: Redactor, events: list[Event], feed: str
) -> float:
    start_s = time.process_time()
    way(redactor, events, feed)
    return (time.process_time() - start_s) * 1e6 / len(events)


def long_way(redactor: Redactor, events: list[Event], feed: str) -> object:
    return [encode_whole(event) for event in redactor.events(events, feed)]


def short_way(redactor: Redactor, events: list[Event], feed: str) -> object:
    """As the recorder goes it: what the kernel gives back goes the long way."""
    made = redactor.encoded(events, feed)
    rest = [event for event, one in zip(events, made, strict=True) if one is None]
    return made, long_way(redactor, rest, feed)


def kinds() -> dict[str, list[Event]]:
    dice = random.Random(9)
    otlp = OtlpBodies(dice)
    found = {
        "json": parsed("json", [make_body(dice), make_body(dice)]),
        "json_new_texts": parsed("json", [new_texts(dice), new_texts(dice)]),
        "otlp": parsed("otlp", [otlp.make(dice), otlp.make(dice)]),
    }
    for kind, pattern in LOGS.items():
        files = [(file, file.read_bytes()) for file in sorted(ASSETS.glob(pattern))]
        found[kind] = parsed(
            kind, [gzip.decompress(data) if file.suffix == ".gz" else data for file, data in files]
        )
    return found


def new_texts(dice: random.Random) -> bytes:
    """As `make_body`, but no message and no label comes twice."""
    lines = []
    for line in make_body(dice).splitlines():
        event = json.loads(line)
        event["message"] += f" by carrier {dice.getrandbits(40):x}, as order {dice.getrandbits(30)} asks"
        event["labels"]["pod"] = f"shop-{dice.getrandbits(60):x}"
        lines.append(json.dumps(event))
    return "\n".join(lines).encode()


def parsed(kind: str, bodies: list[bytes]) -> list[Event]:
    source, ids = SOURCES[kind], itertools.count()
    arrival = Arrival(time.time_ns(), "x", "default", lambda: f"new{next(ids)}")
    form = source.form({})
    items = [form.read(piece) for body in bodies for piece in form.split(body, 1)]
    found = [source.parse(item.value, item.data, arrival) for item in items if not item.problem]
    return [one.event for one in found if isinstance(one, Parsed)]


if __name__ == "__main__":
    main()
