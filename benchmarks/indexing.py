"""How fast the index is made: each step of an event alone, and a rebuild of a whole ledger.

Steps are measured in processor time, the compiled rows and those in Python in turns, the best of several. The
rebuild is measured by the clock, from the empty index until everything can be searched, at rest and without a
server; what is merged afterwards in the background is told apart. The last line is one JSON object.

Usage: python benchmarks/indexing.py [--quick] [--events 200000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.app.localuse import _LocalIndex
from glasshatch.app.serve.merging import Merge
from glasshatch.clock import SystemClock
from glasshatch.index import Index
from glasshatch.index.compiled import kernel
from glasshatch.index.rows import Entry, rows, rows_in_python
from glasshatch.index.schema import TABLE
from search import fill, made_entries, settle

STEP_EVENTS = 5_000
ROUNDS = 5


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a ledger of 50,000 events")
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--directory", default="/var/tmp")
    options = arguments.parse_args()
    count = 50_000 if options.quick else options.events
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    try:
        print(json.dumps(measure(root, count)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, count: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "benchmark": "indexing", "python": platform.python_version(), "cpus": os.cpu_count(), "events": count,
        "kernel": "compiled" if kernel() else "python", "load_before": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    with ExitStack() as stack:
        house = House(load_config(create_home(root / "home").config_file), SystemClock())
        stack.callback(house.close)
        fill(house, count)
        index = Index.open(house.home.derived / "index", house.tenant)
        stack.callback(index.close)
        result["cpu_us_per_event"] = steps(house, index)
        result["rebuild"] = rebuilt(house, index)
    result["load_after"] = round(os.getloadavg()[0], 1)
    return result


def steps(house: House, index: Index) -> dict[str, float]:
    """What each step takes alone, in processor time of the whole process."""
    entries: list[Entry] = [("default", *entry) for entry in made_entries(STEP_EVENTS)]
    found: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun_s = time.process_time()
        done = work()
        found.setdefault(name, []).append((time.process_time() - begun_s) / STEP_EVENTS * 1e6)
        return done

    index.apply_all([])
    for turn in range(ROUNDS):
        timed("read", lambda: Merge({}).take(house.ledgers.items(), house.ledgers.sizes(), STEP_EVENTS))
        timed("rows_in_python", lambda: rows_in_python("default", entries))
        table = timed("rows", lambda: rows("default", entries))
        timed("token", lambda: index._token(entries))
        timed("insert", lambda: index._ready().insert(TABLE, table, f"turn{turn}"))  # noqa: B023
    index.clear()
    best = {name: round(min(taken), 1) for name, taken in found.items()}
    print("us of processor time an event:", best, file=sys.stderr)
    return best


def rest(index: Index) -> None:
    """Wait until nothing works in the background any more: no merge, and no packs of the ledger."""
    settle(index)
    for _ in range(120):
        begun_s = time.process_time()
        time.sleep(1)
        if time.process_time() - begun_s < 0.02:
            return


def rebuilt(house: House, index: Index) -> dict[str, Any]:
    behind = _LocalIndex(house, index)
    rest(index)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    size = behind.begin_again()
    while behind.caught_up().indexed < size:
        pass
    seconds, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    behind.close()
    print(f"{size} events in {seconds:.1f} s", file=sys.stderr)
    rest(index)
    ((whole, parts),) = index.select(
        f"SELECT sum(bytes_on_disk), count() FROM system.parts WHERE table = '{TABLE}' AND active"
    )
    return {
        "seconds": round(seconds, 1), "events_per_s": round(size / seconds),
        "cpu_us_per_event": round(cpu_s / size * 1e6, 1), "parts": parts,
        "cpu_us_per_event_merging_afterwards": round(
            (time.process_time() - begun_cpu_s - cpu_s) / size * 1e6, 1
        ),
        "bytes_per_event": round(whole / size, 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
