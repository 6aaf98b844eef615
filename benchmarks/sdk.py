"""What `record()` costs the thread that calls it; prints one JSON object.

Each call is timed by itself, by the clock and by the processor time of the calling thread, while the sender
delivers to an HTTP server in another process. `burst` calls as fast as it can, so the sender competes for
the interpreter; `paced` calls 1,000 times a second, so that the processor's caches are cold each time.
`least` is the mean of the quietest 40 calls in a row. For comparison: one line that `logging` writes to a
file. The unit is `hashlib.sha256` over 64 KiB in the same process, so that machines and moments can be
compared.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glasshatch.sdk import AsyncRecorder, Recorder, acting_as, start_trace

SINK = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "14")
        self.end_headers()
        self.wfile.write(b'{"accepted":1}')
    def log_message(self, *_): ...
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

CAPTURE: dict[str, Any] = {
    "window": "1s",
    "rule": [
        {"actions": ["coalesced.*"], "coalesce": "1s"},
        {"actions": ["counted.*"], "level": "counts"},
        {"actions": ["sampled.*"], "level": "sample", "rate": 0.0},
        {"actions": ["off.*"], "level": "off"},
    ],
}


class Taken:
    """Times of single calls."""

    def __init__(self) -> None:
        self.wall_ns: list[int] = []
        self.own_ns: list[int] = []

    def call(self, work: Callable[[], object]) -> None:
        own, wall = time.thread_time_ns(), time.perf_counter_ns()
        work()
        self.wall_ns.append(time.perf_counter_ns() - wall)
        self.own_ns.append(time.thread_time_ns() - own)

    def report(self) -> dict[str, float]:
        batches = [self.wall_ns[at : at + 40] for at in range(0, len(self.wall_ns) - 39, 40)]
        found = {"least_us": round(min(map(sum, batches)) / 40_000, 1)}
        for name, taken in (("", sorted(self.wall_ns)), ("processor_", sorted(self.own_ns))):
            found[f"{name}p50_us"] = round(taken[len(taken) // 2] / 1_000, 1)
            found[f"{name}p99_us"] = round(taken[len(taken) * 99 // 100] / 1_000, 1)
            found[f"{name}mean_us"] = round(sum(taken) / len(taken) / 1_000, 1)
        return found


def measured(work: Callable[[], object], times: int, rate: int = 0) -> dict[str, float]:
    """Each of so many calls, as fast as possible or so many a second."""
    for _ in range(200):
        work()
    taken = Taken()
    start_s = time.perf_counter()
    for number in range(times):
        if rate and (wait_s := start_s + number / rate - time.perf_counter()) > 0:
            time.sleep(wait_s)
        taken.call(work)
    return taken.report()


def events(recorder: Recorder, action: str) -> Callable[[], object]:
    """A call as an application makes it: a user, a thing, an outcome, two facts."""
    return lambda: recorder.record(
        action, actor="u4711", resource="order/7", outcome="success", amount_cents=4990, currency="EUR"
    )


def line(folder: Path) -> Callable[[], object]:
    """One log line with the same facts, written to a file as programs do."""
    log = logging.Logger("bench")
    log.addHandler(logging.FileHandler(folder / "log"))
    log.handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return lambda: log.info("order/7 done by u4711: success amount_cents=%d currency=%s", 4990, "EUR")


def cases(folder: Path, server: str, times: int) -> dict[str, Any]:
    settings: dict[str, Any] = {"server": server, "token": lambda: "t", "limit_bytes": 1 << 30}
    found: dict[str, Any] = {
        "logging_to_a_file_burst": measured(line(folder), times),
        "logging_to_a_file_paced": measured(line(folder), min(times, 3_000), 1_000),
    }
    with Recorder("bench", spool=folder / "a", durable=False, capture=CAPTURE, **settings) as recorder:
        for name in ("whole", "coalesced", "counted", "sampled", "off"):
            found[f"{name}_burst"] = measured(events(recorder, f"{name}.done"), times)
            recorder.flush(60)
        with start_trace(), acting_as("u4711", session_id="s1", request_id="r1", client="192.0.2.7"):
            found["whole_in_a_request_burst"] = measured(events(recorder, "whole.done"), times)
        recorder.flush(60)
        for name in ("whole", "coalesced"):
            found[f"{name}_paced"] = measured(events(recorder, f"{name}.done"), min(times, 3_000), 1_000)
    with Recorder("bench", spool=folder / "b", durable=False, **settings) as recorder:
        found["whole_without_policy_burst"] = measured(events(recorder, "whole.done"), times)
    with Recorder("bench", spool=folder / "c", durable=True, **settings) as recorder:
        found["durable_burst"] = measured(events(recorder, "whole.done"), min(times, 2_000))
    found["async_burst"] = asyncio.run(asynchronous(folder / "d", settings, times, durable=False))
    found["async_durable_burst"] = asyncio.run(
        asynchronous(folder / "e", settings, min(times, 1_000), durable=True)
    )
    return found


async def asynchronous(
    folder: Path, settings: dict[str, Any], times: int, *, durable: bool
) -> dict[str, float]:
    """From call to return, by the clock; by the processor only what the loop's own thread spends."""
    async with AsyncRecorder("bench", spool=folder, durable=durable, **settings) as recorder:
        taken = Taken()
        for _ in range(times):
            own, wall = time.thread_time_ns(), time.perf_counter_ns()
            await recorder.record("whole.done", actor="u4711", resource="order/7", outcome="success", n=1)
            taken.wall_ns.append(time.perf_counter_ns() - wall)
            taken.own_ns.append(time.thread_time_ns() - own)
    return taken.report()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=20_000)
    options.add_argument("--folder", type=Path, help="where the spools lie; default the temporary folder")
    given = options.parse_args()
    block = bytes(65_536)
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    try:
        server = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            found = cases(Path(folder), server, given.times)
    finally:
        sink.kill()
        sink.wait()
    print(json.dumps({
        "machine": platform.processor() or platform.machine(), "python": platform.python_version(),
        "load": os.getloadavg()[0], "times": given.times,
        "unit_sha256_64k": measured(lambda: hashlib.sha256(block).digest(), 2_000),
        "unit_sha256_64k_paced": measured(lambda: hashlib.sha256(block).digest(), 1_000, 1_000),
        "goal_us": 20, **found,
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
