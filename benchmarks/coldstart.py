"""How long `glasshatch serve` takes to its first accepted connection, and what it weighs.

Prints one JSON object on its last line. Each figure is the median of several starts on one data
directory; the ratios compare with a bare Python interpreter started in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from glasshatch.app.ports import free_port


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three starts instead of nine")
    starts = 3 if parser.parse_args().quick else 9
    with tempfile.TemporaryDirectory(prefix="glasshatch-bench-") as folder:
        home, port = _make_home(Path(folder))
        first = _start(home, port)  # compiles the detectors: a first start ever
        runs = [_start(home, port) for _ in range(starts)]
    bare_ms = statistics.median(_bare_ms() for _ in range(starts))
    warm_ms = statistics.median(run["accepts_ms"] for run in runs)
    print(
        json.dumps(
            {
                "benchmark": "coldstart",
                "starts": starts,
                "first_start_ms": round(first["accepts_ms"], 1),
                "start_ms": round(warm_ms, 1),
                "bare_python_ms": round(bare_ms, 1),
                "ratio_to_bare_python": round(warm_ms / bare_ms, 1),
                "resident_mb": round(statistics.median(run["resident_mb"] for run in runs), 1),
            }
        )
    )


def _make_home(folder: Path) -> tuple[Path, int]:
    home = folder / "home"
    subprocess.run(
        [sys.executable, "-m", "glasshatch", "init", str(home), "--token-out", str(folder / "admin.token")],
        check=True,
        capture_output=True,
    )
    port = free_port()
    config = home / "glasshatch.toml"
    config.write_text(config.read_text().replace("127.0.0.1:6432", f"127.0.0.1:{port}"))
    return home, port


def _start(home: Path, port: int) -> dict[str, float]:
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "glasshatch", "serve", "--config", str(home / "glasshatch.toml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _accepts(port):
            if server.poll() is not None or time.perf_counter() - started > 60:
                raise SystemExit("the server did not start")
            time.sleep(0.002)
        accepted = time.perf_counter()
        return {"accepts_ms": (accepted - started) * 1000, "resident_mb": _resident_mb(server.pid)}
    finally:
        server.terminate()
        server.wait(30)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _bare_ms() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
