"""The gateway's latency with the back idle and with it indexing and serving searches at full speed.

pgbench runs one-row lookups through Glasshatch, in turns: idle, busy, idle, busy … In the busy turns the
index is made anew from a prefilled ledger, again and again, and clients search without a pause. The last
line is one JSON object; the ratio is of the p99 in the same run.

Usage: python benchmarks/isolation.py [--quick] [--events 200000] [--turns 4] [--seconds 10] [--clients 4]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from gateway import DATABASE, address, glasshatch, issue_token, prepare, run
from glasshatch.api.client import Client
from glasshatch.api.values import SearchForm
from glasshatch.app.config import load_config
from glasshatch.app.house import House
from glasshatch.app.postgres import LocalPostgres
from glasshatch.clock import SystemClock
from glasshatch.errors import GlasshatchError
from glasshatch.events import Actor, Event, Source, StatementText, encode, uuid7

SEARCHES = ("action:statement.finished", "customers", "attrs.n>1000 actor.name:service7", "")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--turns", type=int, default=4)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--quick", action="store_true", help="60,000 events and two short turns")
    arguments.add_argument("--clients", type=int, default=4)
    options = arguments.parse_args()
    if options.quick:
        options.events, options.turns, options.seconds = 60_000, 2, 5
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir="/var/tmp"))
    root.chmod(0o711)
    try:
        print(json.dumps(measure(root, options)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, options: argparse.Namespace) -> dict[str, object]:
    """Alternating turns, so that both share the machine's mood."""
    latencies: dict[str, list[float]] = {"idle": [], "busy": []}
    turns: list[float] = []
    work: dict[str, int] = {"searches": 0, "indexed": 0}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(LocalPostgres(root / "postgres", os.urandom))
        prepare(server)
        port, token, _ = stack.enter_context(
            glasshatch(root / "home", server, prepare=filled(options.events))
        )
        auditor = (root / "home" / "auditor.token").read_text()
        environment = address(port, "bench", token, DATABASE)
        await_indexed(root / "home", auditor)
        for turn in range(options.turns):
            p99: dict[str, float] = {}
            for mood in ("idle", "busy"):
                with busy(root / "home", auditor, work) if mood == "busy" else contextlib.nullcontext():
                    found = lookups(server, environment, options, root / f"{turn}-{mood}")
                latencies[mood] += found
                p99[mood] = figures(found)["p99_ms"]
                print(f"{mood}: {figures(found)}", file=sys.stderr)
                if mood == "busy":
                    await_indexed(root / "home", auditor)
            turns.append(p99["busy"] / p99["idle"])
    idle, loaded = figures(latencies["idle"]), figures(latencies["busy"])
    return {
        "benchmark": "isolation", "python": platform.python_version(), "cpus": os.cpu_count(),
        "events": options.events, "clients": options.clients, "idle": idle, "busy": loaded,
        "p99_ratio": round(loaded["p99_ms"] / idle["p99_ms"], 2),
        # Of neighbouring turns: what else goes on with the machine touches both.
        "p99_ratio_of_turns": {
            "median": round(statistics.median(turns), 2), "least": round(min(turns), 2),
            "most": round(max(turns), 2),
        },
        "p50_ratio": round(loaded["p50_ms"] / idle["p50_ms"], 2),
        "load_after": round(os.getloadavg()[0], 1),
        "searches_while_busy": work["searches"], "events_indexed_while_busy": work["indexed"],
    }  # fmt: skip


def filled(count: int):  # type: ignore[no-untyped-def]
    """Fills the ledger of a fresh directory with events, and makes an auditor."""

    def fill(config_file: Path) -> None:
        house = House(load_config(config_file), SystemClock())
        try:
            done = threading.Semaphore(0)
            begun_ns = time.time_ns() - count * 10**9
            for number in range(count):
                now_ns = begun_ns + number * 10**9
                event = Event(
                    id=uuid7(now_ns, os.urandom(10)), time=str(now_ns), action="statement.finished",
                    source=Source(kind="app", name=f"service{number % 20}"),
                    actor=Actor(id=f"a{number % 200}", name=f"service{number % 20}"),
                    statement=StatementText(text=f"select note from customers where id = {number}"),
                    attrs={"n": number},
                )  # fmt: skip
                house.ledger.submit(encode(event), lambda _: done.release())
            for _ in range(count):
                done.acquire()
        finally:
            house.close()
        token = issue_token(config_file, "auditor", ("auditor", "admin"))
        (config_file.parent / "auditor.token").write_text(token)

    return fill


@contextlib.contextmanager
def busy(home: Path, token: str, work: dict[str, int]) -> Iterator[None]:
    """The index is being made anew, and two clients search, until the block ends."""
    stop = threading.Event()

    def search() -> None:
        client = Client(f"unix:{home}/run/glasshatch.sock", token)
        while not stop.is_set():
            for query in SEARCHES:
                with contextlib.suppress(GlasshatchError):
                    client.search(SearchForm(query=query, limit=100))
                    work["searches"] += 1

    def rebuild() -> None:
        client = Client(f"unix:{home}/run/glasshatch.sock", token)
        while not stop.is_set():
            with contextlib.suppress(GlasshatchError):
                size, indexed = client.rebuild_index(), 0
                while not stop.is_set() and indexed < size:
                    time.sleep(0.2)
                    indexed = client.index_state().indexed
                work["indexed"] += indexed

    threads = [threading.Thread(target=work_) for work_ in (search, search, rebuild)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def await_indexed(home: Path, token: str) -> None:
    client = Client(f"unix:{home}/run/glasshatch.sock", token)
    while True:
        with contextlib.suppress(GlasshatchError):
            state = client.index_state()
            if state.indexed >= state.ledger_size:
                return
        time.sleep(0.2)


def lookups(
    server: LocalPostgres, environment: dict[str, str], options: argparse.Namespace, prefix: Path
) -> list[float]:
    """The latency of every transaction in milliseconds (pgbench -l, third column, microseconds)."""
    command = [
        server.pgbench_path, "-n", "-S", "-M", "simple", "-c", options.clients, "-j", 1,
        "-T", options.seconds, "-l", "--log-prefix", prefix,
    ]  # fmt: skip
    run(command, environment)
    return [
        int(line.split()[2]) / 1000
        for log in prefix.parent.glob(f"{prefix.name}*")
        for line in log.read_text().splitlines()
    ]


def figures(latencies: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(latencies, n=1000)
    return {
        "transactions": len(latencies), "p50_ms": round(cuts[499], 3), "p95_ms": round(cuts[949], 3),
        "p99_ms": round(cuts[989], 3), "p999_ms": round(cuts[998], 3),
    }  # fmt: skip


if __name__ == "__main__":
    main()
