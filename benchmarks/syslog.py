"""Syslog over loopback: how many lines a second a server records, and what UDP loses beyond that.

`glasshatch serve` runs in processes of its own, with index and detection behind the ledger. Over TCP one
sender writes as fast as it may; the time ends when the last line is durable. Over UDP one sender keeps to
each of several rates; recorded and lost must make what was sent, to the last datagram. The lines differ and
are of RFC 5424 with structured data.

Usage: python benchmarks/syslog.py [--quick] [--lines 100000] [--seconds 20] [--rates 2000,4000,8000,16000]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glasshatch.api.client import Client
from glasshatch.api.feed_values import SourceView
from glasshatch.app.create import create_home
from glasshatch.app.ports import free_port
from glasshatch.errors import Unavailable

_WARM_LINES = 2_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="20,000 lines and 5 seconds a rate")
    arguments.add_argument("--lines", type=int, default=0)
    arguments.add_argument("--seconds", type=int, default=0)
    arguments.add_argument("--rates", default="2000,4000,8000,16000")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"))
    options = arguments.parse_args()
    count = options.lines or (20_000 if options.quick else 100_000)
    seconds = options.seconds or (5 if options.quick else 20)
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    try:
        with running(root) as server:
            found = {
                "benchmark": "syslog", "python": platform.python_version(), "cpus": os.cpu_count(),
                "load": round(os.getloadavg()[0], 1), "bytes_a_line": len(line(4711)),
                "tcp": over_tcp(server, count),
                "udp": [over_udp(server, int(rate), seconds) for rate in options.rates.split(",")],
            }  # fmt: skip
        print(json.dumps(found))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def line(number: int) -> bytes:
    """A web server's line."""
    return (
        f"<134>1 2026-11-26T12:00:{number % 60:02}.{number % 1_000_000:06}Z web{number % 8}.example.com shop"
        f' {number % 30_000} ORDER [req@32473 id="{number:x}" ms="{number % 900}"] GET /orders/{number}'
        f" answered with 200 after {number % 900} ms"
    ).encode()


class Server:
    """A running server with a receiver for each protocol."""

    def __init__(self, client: Client, ports: dict[str, int], front: int) -> None:
        self._client = client
        self._front = front
        self.ports = ports

    def feed(self, name: str) -> SourceView:
        """How a feed is doing."""
        while True:
            with contextlib.suppress(Unavailable):  # an idle connection is closed after a while
                return next(one for one in self._client.list_sources() if one.name == name)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait, without taking much of the machine."""
        while not condition():
            time.sleep(0.1)

    def cpu_s(self) -> float:
        """Processor time of the front so far."""
        fields = Path(f"/proc/{self._front}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_tcp(server: Server, count: int) -> dict[str, Any]:
    lines = b"".join(line(number) + b"\n" for number in range(count))
    with socket.create_connection(("127.0.0.1", server.ports["tcp"])) as out:
        out.sendall(b"".join(line(number) + b"\n" for number in range(_WARM_LINES)))
        server.until(lambda: server.feed("tcp").events == _WARM_LINES)
        begun_s, spent_s = time.monotonic(), server.cpu_s()
        out.sendall(lines)
        sent_s = time.monotonic() - begun_s
        server.until(lambda: server.feed("tcp").events == _WARM_LINES + count)
    took_s = time.monotonic() - begun_s
    return {
        "lines": count, "lines_per_s": round(count / took_s), "sender_waited_s": round(sent_s, 1),
        "front_cpu_us_per_line": round((server.cpu_s() - spent_s) / count * 1e6, 1),
        "lost": server.feed("tcp").receivers[0].lost,
    }  # fmt: skip


def over_udp(server: Server, rate: int, seconds: int) -> dict[str, Any]:
    before, count = server.feed("udp"), rate * seconds
    begun_s = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", server.ports["udp"]))
        for number in range(count):
            out.send(line(number))
            if number % 20 == 0 and (early_s := begun_s + number / rate - time.monotonic()) > 0:
                time.sleep(early_s)
    sent_s = time.monotonic() - begun_s

    def told() -> tuple[int, int]:
        now = server.feed("udp")
        return now.events - before.events, now.receivers[0].lost - before.receivers[0].lost

    server.until(lambda: sum(told()) >= count)
    recorded, lost = told()
    return {
        "sent_per_s": round(count / sent_s), "seconds": round(sent_s, 1), "sent": count,
        "recorded": recorded, "lost": lost, "all_recorded_after_s": round(time.monotonic() - begun_s, 1),
    }  # fmt: skip


@contextlib.contextmanager
def running(root: Path) -> Iterator[Server]:
    token = create_home(root / "home").admin_token
    ports = {"udp": free_port(), "tcp": free_port()}
    with (root / "home" / "glasshatch.toml").open("a") as config:
        for way, port in ports.items():
            config.write(
                f'\n[[receivers]]\nsource = "syslog/{way}"\nprotocol = "{way}"\nlisten = "127.0.0.1:{port}"\n'
            )
    config_file, log = root / "home" / "glasshatch.toml", root / "log"
    text = config_file.read_text().replace("127.0.0.1:6432", f"127.0.0.1:{free_port()}")
    config_file.write_text(text.replace("127.0.0.1:7443", f"127.0.0.1:{free_port()}"))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "glasshatch", "serve", "--config", str(config_file)],
            stdout=out,
            stderr=out,
        )
    try:
        while b"ready:" not in log.read_bytes():
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        client = Client(f"unix:{root / 'home' / 'run' / 'glasshatch.sock'}", token)
        yield Server(client, ports, _front_of(config_file))
    finally:
        process.terminate()
        process.wait(120)


def _front_of(config: Path) -> int:
    found = subprocess.run(
        ["pgrep", "-f", f"serve --config {config} --part front"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


if __name__ == "__main__":
    main()
