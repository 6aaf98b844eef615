"""What a ledger costs beside others: memory, disk and processor while idle, and the rate while all are busy.

    python benchmarks/several_ledgers.py [COUNT ...]

Each count runs in a process of its own: so many ledgers, open as in a server's front, followed over the link
by two consumers as the index and detection follow.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from glasshatch.app.serve.link import Follower, LinkServer
from glasshatch.clock import SystemClock
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import Ledger

IDLE_S, BUSY_S, ENTRY, GROUP = 10.0, 5.0, os.urandom(300).hex().encode(), 100


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        measure(int(sys.argv[2]))
        return
    for count in map(int, sys.argv[1:] or ("1", "4", "16")):
        subprocess.run([sys.executable, __file__, "--one", str(count)], check=True)


def measure(count: int) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        place = Path(folder)
        ring, master = place / "ring.json", create_master_key_file(place / "master.key")
        keyring = Keyring.create(ring, "t", "bench/default", master)
        names = ["default", *(f"l{number}" for number in range(1, count))]
        for name in names[1:]:
            keyring = Keyring.add_ledger(ring, master, name, f"bench/{name}")
        before, threads = resident_kib(), threading.active_count()
        started = time.monotonic()
        ledgers = {name: Ledger.create(place / name, keyring.ledger(name), SystemClock()) for name in names}
        made_s = time.monotonic() - started
        time.sleep(1)
        memory_kib, threads = resident_kib() - before, threading.active_count() - threads
        link = LinkServer(place / "link.sock", lambda: list(ledgers.items()), None)  # type: ignore[arg-type]
        link.start()
        seen: list[dict[str, int]] = [{}, {}]
        followers = [follow(place / "link.sock", marks) for marks in seen]
        idle = processor_s(lambda: time.sleep(IDLE_S)) / IDLE_S
        one = rate(list(ledgers.values()), 1)
        many = rate(list(ledgers.values()), GROUP)
        disk = sum(file.stat().st_blocks * 512 for file in place.rglob("*") if file.is_file())
        for follower in followers:
            follower.stop()
        link.stop()
        print(f"{count} ledgers, made in {made_s / count * 1e3:.0f} ms each")
        print(f"  each {memory_kib / count / 1024:.1f} MiB of memory, {threads // count} threads,"
              f" {disk / count / 2**20:.0f} MiB of disk at the end")  # fmt: skip
        print(f"  idle, with two followers: {idle * 100:.2f} % of a processor for all")
        print(f"  busy, over all: one by one {one:,.0f}/s, in groups of {GROUP} {many:,.0f}/s", flush=True)
        for ledger in ledgers.values():
            ledger.close()


def follow(path: Path, marks: dict[str, int]) -> Follower:
    def apply(entries: object) -> None:
        for name, index, _ in entries:  # type: ignore[attr-defined]
            marks[name] = index + 1

    follower = Follower(path, lambda: marks, apply, print)
    follower.start()
    return follower


def rate(ledgers: list[Ledger], group: int) -> float:
    """Entries a second that become durable, with one writer for each ledger that waits for each group."""
    stop, counts = time.monotonic() + BUSY_S, [0] * len(ledgers)

    def write(number: int, ledger: Ledger) -> None:
        while time.monotonic() < stop:
            durable = threading.Event()
            ledger.submit_all([(ENTRY, None)] * (group - 1) + [(ENTRY, lambda _, done=durable: done.set())])
            durable.wait()
            counts[number] += group

    writers = [threading.Thread(target=write, args=(number, one)) for number, one in enumerate(ledgers)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(counts) / BUSY_S


def processor_s(work: object) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()  # type: ignore[operator]
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


if __name__ == "__main__":
    main()
