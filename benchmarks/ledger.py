"""How fast the ledger is, against what the machine can do at all; the last line is one JSON object.

Usage: python benchmarks/ledger.py [--quick] [--entries N] [--directory DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

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
    encode,
    uuid7,
)
from glasshatch.keys import Keyring, create_master_key_file, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions, verify_directory, verify_proof
from glasshatch.ledger.log import Edge, leaf_hashes


def make_events(count: int) -> list[bytes]:
    """Canonical events of about 600 bytes that differ as real ones do."""
    dice = random.Random(1)
    entries = []
    for number in range(count):
        now = 1_700_000_000_000_000_000 + number * 1_000_003
        event = Event(
            id=uuid7(now, dice.randbytes(10)),
            time=str(now),
            action="statement.run",
            source=Source(kind="gateway", name="postgres", instance="gw-1"),
            outcome=Outcome(status="success", code="00000"),
            actor=Actor(id=f"user-{dice.randrange(50)}", type="human", roles=("oncall",)),
            session_id=uuid7(now, dice.randbytes(10)),
            client=Client(ip=f"10.0.{dice.randrange(256)}.{dice.randrange(256)}", port=dice.randrange(65536)),
            resource=Resource(type="postgres", id="postgres/orders/public.payments", env="production"),
            data=Data(rows=dice.randrange(500), columns=("public.payments.id", "public.payments.amount")),
            statement=StatementText(
                shape="select id, amount from payments where customer_id = $1", hash=dice.randbytes(8).hex()
            ),
        )
        entries.append(encode(event))
    return entries


def hashing(entries: list[bytes], seconds: float) -> dict[str, float]:
    """Leaf and tree hashing against one SHA-256 over the same bytes, interleaved."""
    joined = b"".join(entries)
    ours = raw = 0.0
    rounds = 0
    edge = Edge()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or rounds < 3:
        start = time.perf_counter()
        edge.extend(b"".join(leaf_hashes(entries)))
        middle = time.perf_counter()
        hashlib.sha256(joined).digest()
        raw += time.perf_counter() - middle
        ours += middle - start
        rounds += 1
    return {
        "leaf_tree_per_s": round(rounds * len(entries) / ours),
        "raw_sha256_mb_per_s": round(rounds * len(joined) / raw / 1e6),
        "leaf_tree_to_raw_sha256": round(raw / ours, 4),
    }


def raw_syncs(directory: Path, size: int, count: int) -> list[float]:
    """Seconds of each write + fdatasync into a preallocated, zeroed file."""
    path = directory / "raw"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(descriptor, bytes(size * count), 0)
    os.fsync(descriptor)
    data = os.urandom(size)
    times = []
    for number in range(count):
        start = time.perf_counter()
        os.pwrite(descriptor, data, number * size)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - start)
    os.close(descriptor)
    path.unlink()
    return times


def one_by_one(ledger: Ledger, directory: Path, entries: list[bytes], rounds: int) -> dict[str, float]:
    """One waiting producer against the bare disk, in alternating slices."""
    ours: list[float] = []
    raw: list[float] = []
    for _ in range(rounds):
        raw += raw_syncs(directory, 700, len(entries) // rounds)
        for entry in entries[: len(entries) // rounds]:
            start = time.perf_counter()
            ledger.append(entry)
            ours.append(time.perf_counter() - start)
    return {
        "single_commits_per_s": round(len(ours) / sum(ours)),
        "raw_fdatasync_per_s": round(len(raw) / sum(raw)),
        "single_to_raw_fdatasync": round(sum(raw) / sum(ours) * len(ours) / len(raw), 3),
        "single_ack_p50_ms": round(statistics.median(ours) * 1e3, 3),
        "single_ack_p99_ms": round(sorted(ours)[int(len(ours) * 0.99)] * 1e3, 3),
    }


def batches(
    ledger: Ledger, entries: list[bytes], size: int, seconds: float
) -> tuple[int, float, list[float]]:
    """Submit batches, each after the one before was acknowledged; returns entries, seconds, batch times."""
    times: list[float] = []
    acknowledged = threading.Event()
    at = 0

    def answered(_: object) -> None:
        acknowledged.set()

    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        batch = entries[at : at + size]
        at = (at + size) % (len(entries) - size)
        acknowledged.clear()
        start = time.perf_counter()
        ledger.submit_all([*((entry, None) for entry in batch[:-1]), (batch[-1], answered)])
        acknowledged.wait()
        times.append(time.perf_counter() - start)
    return len(times) * size, time.perf_counter() - begin, times


def proofs(ledger: Ledger, count: int) -> dict[str, float]:
    """Random proofs: entry, path and checkpoint; verification of some of them."""
    ledger.checkpoint(fresh=True)
    dice = random.Random(2)
    hashes_only, whole = [], []
    for number in range(count):
        index = dice.randrange(ledger.size)
        start = time.perf_counter()
        proof = ledger.prove(index)
        whole.append(time.perf_counter() - start)
        start = time.perf_counter()
        ledger.prove(index)
        hashes_only.append(time.perf_counter() - start)
        if number % 50 == 0:
            verify_proof(proof.encode(), ledger.key)
    return {
        "proof_cold_p50_ms": round(statistics.median(whole) * 1e3, 3),
        "proof_cold_p99_ms": round(sorted(whole)[int(count * 0.99)] * 1e3, 3),
        "proof_p50_ms": round(statistics.median(hashes_only) * 1e3, 3),
        "proof_p99_ms": round(sorted(hashes_only)[int(count * 0.99)] * 1e3, 3),
    }


def verification(directory: Path, keyring: Keyring) -> dict[str, float]:
    start = time.perf_counter()
    public = verify_directory(directory).require()
    middle = time.perf_counter()
    verify_directory(directory, data_key=keyring.envelope).require()
    end = time.perf_counter()
    return {
        "entries": public.durable,
        "verify_public_per_s": round(public.durable / (middle - start)),
        "verify_with_data_key_per_s": round(public.durable / (end - middle)),
    }


def scale(home: Path, keyring: Keyring, count: int) -> dict[str, float]:
    """Many entries, written by a process that is killed: memory, the start after it, proofs, the verifier."""
    directory = home / "large"
    writer = [sys.executable, __file__, "--write", str(count), "--directory", str(home)]
    start = time.perf_counter()
    written = subprocess.run(writer, stdout=subprocess.PIPE, check=False, text=True)
    if written.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the writer ended with {written.returncode}")
    result: dict[str, float] = {
        "scale_entries": count,
        "scale_written_per_s": round(count / (time.perf_counter() - start)),
        "scale_writer_peak_mib": int(written.stdout) >> 10,
    }
    start = time.perf_counter()
    with Ledger.open(directory, keyring, SystemClock()) as ledger:
        result["scale_open_after_kill_seconds"] = round(time.perf_counter() - start, 3)
        ledger.append(b"the first after the crash")
        result["scale_first_append_seconds"] = round(time.perf_counter() - start, 3)
        result |= {f"scale_{name}": value for name, value in proofs(ledger, 3000).items()}
    verifier = [sys.executable, __file__, "--verify", "--directory", str(home)]
    seconds, peak = subprocess.run(verifier, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    result["scale_verify_public_per_s"] = round(count / float(seconds))
    result["scale_verify_peak_mib"] = int(peak) >> 10
    shutil.rmtree(directory)
    return result


def peak_kib() -> int:
    """This program's own peak of memory; that of `getrusage` has the starting process's in it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def write_and_die(home: Path, count: int) -> None:
    """Fill a ledger in batches of 1,000, say how much memory that took (KiB), and be killed."""
    keyring = Keyring.open(home / "k", open_master_key(f"file:{home / 'm'}"))
    ledger = Ledger.create(home / "large", keyring, SystemClock())
    entries = make_events(20_000)
    acknowledged = threading.Event()
    for done in range(0, count, 1000):
        batch = entries[done % 19_000 :][:1000]
        acknowledged.clear()
        ledger.submit_all(
            [*((entry, None) for entry in batch[:-1]), (batch[-1], lambda _: acknowledged.set())]
        )
        acknowledged.wait()
    print(peak_kib(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def verify_alone(home: Path) -> None:
    """Verify with the public key: seconds, and memory in KiB."""
    start = time.perf_counter()
    verify_directory(home / "large").require()
    print(time.perf_counter() - start, peak_kib())


def disk(directory: Path, size: int) -> dict[str, float]:
    packs = [path.stat().st_size for path in (directory / "entries").iterdir()]
    hashes = sum(path.stat().st_size for path in (directory / "hashes").iterdir())
    return (
        {"disk_bytes_per_packed_event": round(sum(packs) / (len(packs) * 65_536) + hashes / size, 1)}
        if packs
        else {}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about 10 s instead of about 60 s")
    parser.add_argument(
        "--directory", type=Path, help="measure on this disk (default: the temporary directory's)"
    )
    parser.add_argument(
        "--entries", type=int, help="size of the large ledger (default: 1,000,000; quick: 100,000)"
    )
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--verify", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    quick: bool = arguments.quick
    entries: int = arguments.entries or (100_000 if quick else 1_000_000)
    # As the server does: else a thread that waited for the disk waits 5 ms more for the interpreter.
    sys.setswitchinterval(0.0001)
    if arguments.write:
        return write_and_die(arguments.directory, arguments.write)
    if arguments.verify:
        return verify_alone(arguments.directory)
    home = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=arguments.directory))
    try:
        print(json.dumps(run(home, quick, entries)))
    finally:
        shutil.rmtree(home)


def run(home: Path, quick: bool, large: int) -> dict[str, object]:
    entries = make_events(8_000 if quick else 30_000)
    size = sum(map(len, entries)) / len(entries)
    print(f"{len(entries)} different events of {size:.0f} bytes, in {home}")
    result: dict[str, object] = {
        "event_bytes": round(size),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }
    result |= hashing(entries[:1000], 1 if quick else 4)
    print("hashing", result)
    keyring = Keyring.create(home / "k", "default", "example.com/bench", create_master_key_file(home / "m"))
    directory = home / "ledger"
    ledger = Ledger.create(directory, keyring, SystemClock(), LedgerOptions(segment_bytes=16 << 20))
    singles = one_by_one(ledger, home, entries[: 1000 if quick else 4000], 4)
    print("one by one", singles)
    count, _, times = batches(ledger, entries, 256, 1 if quick else 5)
    result |= singles | {
        "batch256_events_per_s": round(count / sum(times)),
        "batch256_ack_p50_ms": round(statistics.median(times) * 1e3, 3),
        "batch256_ack_p99_ms": round(sorted(times)[int(len(times) * 0.99)] * 1e3, 3),
    }
    start, cpu = time.perf_counter(), time.process_time()
    count, elapsed, _ = batches(ledger, entries, 1000, 1.5 if quick else 8)
    ledger.checkpoint(fresh=True)
    settled, cpu = time.perf_counter() - start, time.process_time() - cpu
    result |= {
        "batch1000_durable_events_per_s": round(count / elapsed),
        "batch1000_with_tree_and_checkpoint_events_per_s": round(count / settled),
        "batch1000_cpu_us_per_event": round(cpu / count * 1e6, 2),
    }
    print("batches", result)
    result |= proofs(ledger, 500 if quick else 3000)
    ledger.close()
    result |= verification(directory, keyring) | disk(directory, count)
    start = time.perf_counter()
    with Ledger.open(directory, keyring, SystemClock()) as again:
        result |= {"open_seconds": round(time.perf_counter() - start, 3)}
        result |= disk(directory, again.size)
    return result | scale(home, keyring, large)


if __name__ == "__main__":
    main()
