"""A million varied events in the index: how fast it fills, what it takes, and how long questions last.

Everything goes the real way: events are appended to a ledger, the index follows it, questions go through
the query language. The ratios are of the same run: a question against the same one asked of the ledger by
plain Python, and against bare SQL without the language. The last line is one JSON object.

Usage: python benchmarks/search.py [--quick] [--events 1000000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.clock import SystemClock
from glasshatch.events import (
    Actor,
    Client,
    Data,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
    decode,
    encode,
    uuid7,
)
from glasshatch.index import Index
from glasshatch.investigate import Investigator, Page, SearchQuery, Visibility, search
from glasshatch.investigate.query import compile_predicate, parse

ALL = Visibility(everything=True)
BATCH = 10_000
VERBS = ("select", "insert", "update", "delete", "get", "list", "watch", "create")
NOUNS = ("customers", "orders", "invoices", "payments", "sessions", "secrets", "pods", "deployments", "carts")
RARE = 997
"""Every so many events hold a rare word of their own hundred."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="100,000 events")
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--directory", default="/var/tmp")
    options = arguments.parse_args()
    count = 100_000 if options.quick else options.events
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    try:
        print(json.dumps(measure(root, count)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, count: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "benchmark": "search", "python": platform.python_version(), "cpus": os.cpu_count(), "events": count,
        "load_before": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    house = House(load_config(create_home(root / "home").config_file), SystemClock())
    index = Index.open(root / "index", "default")
    try:
        fill(house, count)
        result["indexing"] = indexing(house, index, root / "index", count)
        investigator = Investigator(index, lambda text: house.redactor.text(text)[0], SystemClock())
        result["questions"] = questions(investigator, index, count)
        result["ratios"] = ratios(house, investigator, index, result["questions"])
        result["memory_mib"] = {"now": status_mib("VmRSS"), "peak": status_mib("VmHWM")}
    finally:
        index.close()
        house.close()
    result["load_after"] = round(os.getloadavg()[0], 1)
    return result


def made(number: int, chance: random.Random) -> Event:
    """An event unlike its neighbours: actors, objects and statements of uneven frequency over 60 days."""
    verb, noun = chance.choice(VERBS), NOUNS[min(int(chance.expovariate(0.5)), len(NOUNS) - 1)]
    time_ns = 1_790_000_000 * 10**9 + number * (60 * 86_400 * 10**9 // 1_000_000) + chance.randrange(10**9)
    user = f"user{int(chance.paretovariate(1.2)) % 5_000}"
    failed = chance.random() < 0.03
    rare = f" rareword{number // RARE % 100}" if number % RARE == 0 else ""
    return Event(
        id=uuid7(time_ns, chance.randbytes(10)), time=str(time_ns), observed_time=str(time_ns + 10**6),
        action=f"{noun}.{verb}", severity=chance.randrange(5),
        source=Source(kind=("gateway", "app", "kubernetes")[number % 3], name=f"service{number % 40}"),
        outcome=Outcome(status="failure" if failed else "success", code="42501" if failed else ""),
        actor=Actor(id=f"a-{user}", name=user, type="human", roles=("engineer",)),
        session_id=f"{number // 50:016x}", trace_id=f"{number // 7:032x}",
        client=Client(ip=f"10.{chance.randrange(4)}.{chance.randrange(256)}.{chance.randrange(256)}"),
        resource=Resource(type=noun, id=f"shop/{noun}/{chance.randrange(100_000)}", name=noun, env="prod"),
        data=Data(rows=int(chance.paretovariate(0.8)) % 100_000),
        statement=StatementText(
            text=f"{verb} note, total from {noun} where id = {number}"
            f" and city = <TEXT:{chance.randrange(10**9):012x}>"
            + rare
        ),
        attrs={"duration_ms": chance.randrange(5_000), "verbs": [verb], "zone": f"z{chance.randrange(9)}"},
    )  # fmt: skip


def fill(house: House, count: int) -> None:
    chance, done = random.Random(7), threading.Semaphore(0)
    for number in range(count):
        house.ledger.submit(encode(made(number, chance)), lambda _: done.release())
        if number >= 20_000:
            done.acquire()
    for _ in range(min(count, 20_000)):
        done.acquire()


def indexing(house: House, index: Index, directory: Path, count: int) -> dict[str, Any]:
    begun_s, begun_cpu_s, batch = time.perf_counter(), time.process_time(), []
    for entry in house.ledger.scan(0):
        batch.append(entry)
        if len(batch) == BATCH:
            index.apply(batch)
            batch = []
    index.apply(batch)
    seconds, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    print(f"indexed {count} in {seconds:.1f} s", file=sys.stderr)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    return {
        "events_per_s": round(count / seconds), "cpu_us_per_event": round(cpu_s / count * 1e6),
        "disk_bytes_per_event": round(size / count), "memory_mib": status_mib("VmRSS"),
    }  # fmt: skip


def questions(investigator: Investigator, index: Index, count: int) -> dict[str, Any]:
    """Each kind many times, with other values each time, so that no answer is remembered."""
    chance = random.Random(11)
    find = finding(investigator)

    def ids() -> Iterator[str]:
        while True:
            yield f"trace:{chance.randrange(count // 7):032x}"

    traces = ids()
    kinds: dict[str, tuple[int, Callable[[], Any]]] = {
        "newest_page": (40, lambda: find("", 100)),
        "needle": (40, lambda: find(next(traces))),
        "word": (40, lambda: find(f"rareword{chance.randrange(100)}")),
        "phrase": (
            20,
            lambda: find(f'"from secrets where id {chance.randrange(count)}"'),
        ),
        "pattern": (5, lambda: find(f"rarew*{chance.randrange(100)}")),
        "field": (20, lambda: find(f"actor:user{chance.randrange(40)} -status:success")),
        "histogram": (10, lambda: investigator.histogram(f"actor:user{chance.randrange(40)}", ALL)),
        "histogram_all": (10, lambda: investigator.histogram("", ALL)),
        "stages": (10, lambda: find(f"severity:{chance.randrange(5)} | stats count by actor.name, bin(1h)")),
        "top_k": (10, lambda: investigator.stats(f"severity:{chance.randrange(5)}", ALL, ("actor.name",))),
    }
    return {name: timed(name, times, ask) for name, (times, ask) in kinds.items()}


def finding(investigator: Investigator) -> Callable[..., Page]:
    """A page of so many matches of a query, a hundred if nothing else is said."""
    return lambda text, limit=100: search(investigator, SearchQuery(text=text, limit=limit), ALL)


def timed(name: str, times: int, ask: Callable[[], Any]) -> dict[str, float]:
    ask()
    taken = []
    for _ in range(times):
        begun_s = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun_s) * 1e3)
    found = {"p50_ms": round(statistics.median(taken), 1), "max_ms": round(max(taken), 1)}
    print(name, found, file=sys.stderr)
    return found


def ratios(house: House, investigator: Investigator, index: Index, asked: dict[str, Any]) -> dict[str, float]:
    """How many times as long the same question takes without the index, and how long next to bare SQL."""
    wanted = compile_predicate(parse("rareword42"), 0)
    begun_s = time.perf_counter()
    found = [number for number, data in house.ledger.scan(0) if wanted(decode(data))]
    scan_ms = (time.perf_counter() - begun_s) * 1e3
    page = finding(investigator)("rareword42", 1_000)
    assert sorted(hit.index for hit in page.events) == found, "index and ledger differ"
    bare = timed(
        "bare_sql", 20, lambda: index.select("SELECT count() FROM events WHERE hasToken(body, 'rareword7')")
    )
    return {
        "ledger_scan_ms": round(scan_ms), "scan_to_word": round(scan_ms / asked["word"]["p50_ms"]),
        "word_to_bare_sql": round(asked["word"]["p50_ms"] / bare["p50_ms"], 1),
    }  # fmt: skip


def status_mib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024


if __name__ == "__main__":
    main()
