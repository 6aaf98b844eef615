"""What an idle session costs, and what a reader that stalls holds; the last line is one JSON object.

`glasshatch serve` in front of pgbouncer (so that thousands of sessions need no thousands of backends) in
front of a real PostgreSQL. Sessions are opened by real logins and then left alone; memory is the front's
resident set. A process has a bound of open files and a session needs two, so it may be fewer than asked for.

Usage: python benchmarks/sessions.py [--sessions 10000] [--tls 1000] [--readers 32] [--megabytes 1024]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import resource
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from gateway import DATABASE, await_port, free_port, glasshatch
from glasshatch.app.postgres import LocalPostgres

_SPARE_FILES = 300
_AT_ONCE = 8
_SSL_REQUEST = struct.pack(">II", 8, 80877103)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sessions", type=int, default=10_000)
    arguments.add_argument("--tls", type=int, default=1_000, help="how many sessions with TLS")
    arguments.add_argument("--readers", type=int, default=32)
    arguments.add_argument("--megabytes", type=int, default=1024, help="what each reader asks for")
    arguments.add_argument("--directory", default="/var/tmp", help="where the ledger and PostgreSQL lie")
    options = arguments.parse_args()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    count = min(options.sessions, (files - _SPARE_FILES) // 2)
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    root.chmod(0o711)
    try:
        print(json.dumps(measure(root, count, min(count, options.tls), options.readers, options.megabytes)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, count: int, tls: int, readers: int, megabytes: int) -> dict[str, object]:
    """Idle sessions without and with TLS, then readers that stall; each with a server of its own."""
    result: dict[str, object] = {
        "benchmark": "sessions", "python": platform.python_version(), "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(LocalPostgres(root / "postgres", os.urandom))
        subprocess.run(
            [server.psql_path, "-qc", f"create database {DATABASE}"], check=True,
            env={"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": server.user,
                 "PGPASSWORD": server.password, "PGDATABASE": "postgres"},
        )  # fmt: skip
        pool = stack.enter_context(pgbouncer(root / "pgbouncer", server, count + 100))
        for name, sessions in (("idle", count), ("idle_tls", tls)):
            with served(root / name, server, pool, sessions) as (port, token, front):
                result[name] = uvloop.run(idle(port, token, front, sessions, tls=name == "idle_tls"))
                print(name, result[name], file=sys.stderr)
        with served(root / "stalled", server, server.port, count) as (port, token, front):
            result["stalled"] = uvloop.run(stalled(port, token, front, readers, megabytes))
    return result


@contextlib.contextmanager
def pgbouncer(directory: Path, server: LocalPostgres, clients: int) -> Iterator[int]:
    """The system's pgbouncer in transaction pooling: a few backends for any number of idle clients."""
    directory.mkdir(mode=0o755)
    port = free_port()
    (directory / "users").write_text(f'"{server.user}" "{server.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = scram-sha-256\nauth_file = {directory}/users\n"
        f"pool_mode = transaction\nmax_client_conn = {clients}\ndefault_pool_size = 8\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\nlog_connections = 0\nlog_disconnections = 0\n"
        "listen_backlog = 1024\n"
    )
    account = "nobody" if os.geteuid() == 0 else None
    process = subprocess.Popen(
        ["pgbouncer", "-q", directory / "pgbouncer.ini"],
        user=account, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def served(
    directory: Path, server: LocalPostgres, upstream: int, sessions: int
) -> Iterator[tuple[int, str, int]]:
    """A Glasshatch in front of a port; yields its port, a token and the process id of its front."""

    def adapt(config: Path) -> None:
        text = config.read_text()
        text = text.replace(f"\nport = {server.port}\n", f"\nport = {upstream}\n")
        text = re.sub(r"(?m)^(postgres = .*)$", rf"\1\nsessions = {sessions + 10}", text, count=1)
        config.write_text(text)

    with glasshatch(directory, server, adapt) as (port, token, process):
        yield port, token, part_of(process, "front")


def part_of(process: int, part: str) -> int:
    """The process id of a part of a server."""
    found = subprocess.run(
        ["pgrep", "-P", str(process), "-f", f"part {part}"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


def resident_bytes(process: int) -> int:
    """The resident set of a process (proc(5), statm)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


async def idle(port: int, token: str, front: int, count: int, *, tls: bool) -> dict[str, object]:
    """Open sessions and leave them alone; a few first, so that what is made once is not counted."""
    first = [await login(port, token, tls=tls) for _ in range(20)]
    before = resident_bytes(front)
    begun_s = time.monotonic()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with gate:
            return await login(port, token, tls=tls)

    opened = await asyncio.gather(*(one() for _ in range(count - len(first))))
    opening_s = time.monotonic() - begun_s
    await asyncio.sleep(2)
    each = (resident_bytes(front) - before) / len(opened)
    begun_s = time.monotonic()
    await ask(*opened[0])
    answer_ms = (time.monotonic() - begun_s) * 1e3
    front_mib = resident_bytes(front) >> 20
    for _, writer in (*first, *opened):
        writer.transport.abort()
    begun_s = time.monotonic()
    while len(os.listdir(f"/proc/{front}/fd")) > _SPARE_FILES and time.monotonic() - begun_s < 300:
        await asyncio.sleep(0.2)
    closing_s = time.monotonic() - begun_s
    return {
        "sessions": count, "kib_each": round(each / 1024, 1), "front_mib": front_mib,
        "logins_s": round(len(opened) / opening_s), "answer_ms": round(answer_ms, 1),
        "closing_s": round(closing_s, 1),
    }  # fmt: skip


async def stalled(port: int, token: str, front: int, readers: int, megabytes: int) -> dict[str, object]:
    """Readers ask for a large answer and read nothing for a while; then one reads it all."""
    opened = [await login(port, token) for _ in range(readers)]
    before, most = resident_bytes(front), 0
    text = f"select repeat('x', 1000000), n from generate_series(1, {megabytes}) n"
    for _, writer in opened:
        # StreamReader reads ahead on its own; a stalled program does not.
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(message(b"Q", text.encode() + b"\0"))
    for _ in range(40):
        await asyncio.sleep(0.25)
        most = max(most, resident_bytes(front))
    reader, writer = opened[0]
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    begun_s, read = time.monotonic(), 0
    while read < megabytes * 1_000_000:
        read += len(await reader.read(1 << 20))
        most = max(most, resident_bytes(front))
    seconds = time.monotonic() - begun_s
    for _, writer in opened:
        writer.transport.abort()
    return {
        "readers": readers, "megabytes_each": megabytes, "front_mib": most >> 20,
        "added_mib": (most - before) >> 20, "one_reads_mb_s": round(megabytes / seconds),
    }  # fmt: skip


async def login(
    port: int, token: str, *, tls: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A session that is ready for its first statement (protocol 3.0, cleartext password)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 12)
    if tls:
        writer.write(_SSL_REQUEST)
        if await reader.readexactly(1) != b"S":
            raise SystemExit("the gateway offers no TLS")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await writer.start_tls(context)
    settings = b"user\0bench\0database\0" + DATABASE.encode() + b"\0\0"
    writer.write(struct.pack(">II", 8 + len(settings), 196608) + settings)
    await until(reader, b"R")
    writer.write(message(b"p", token.encode() + b"\0"))
    await until(reader, b"Z")
    return reader, writer


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(message(b"Q", b"select 1\0"))
    await until(reader, b"Z")


async def until(reader: asyncio.StreamReader, wanted: bytes) -> None:
    while True:
        tag, length = struct.unpack(">cI", await reader.readexactly(5))
        body = await reader.readexactly(length - 4)
        if tag == b"E":
            raise SystemExit(body.replace(b"\0", b" ").decode("utf-8", "replace"))
        if tag == wanted:
            return


def message(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack(">I", len(body) + 4) + body


if __name__ == "__main__":
    main()
