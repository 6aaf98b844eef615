"""pgbench direct, through pgbouncer and through Glasshatch; the last line is one JSON object.

Glasshatch runs as `glasshatch serve` in a process of its own: production policy, masking, and every
decision durable in the real ledger before the statement leaves; `async` is a second resource of the same
server with `record = "async"`. TLS is that of the clients; nobody speaks TLS with the database, which here
has none, so `direct` is without TLS in both halves. All ratios are of the same run.

Usage: python benchmarks/gateway.py [--quick] [--clients 1,8,32] [--tls off,on]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.app.ports import free_port
from glasshatch.app.postgres import LocalPostgres
from glasshatch.clock import SystemClock

DATABASE, ASYNC = "bench", "benchasync"
ROWS, QUICK_ROWS = 1_000_000, 200_000
HOUR_NS = 3_600 * 10**9
MASKED_SCRIPT = r"""\set a random(1, 100000)
select id, email, city from people where id between :a and :a + 20;
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="2 s per measurement instead of 5")
    arguments.add_argument("--clients", default="1,8,32")
    arguments.add_argument("--tls", default="off,on", help="which halves to measure")
    arguments.add_argument("--directory", default="/var/tmp", help="where the ledger and PostgreSQL lie")
    options = arguments.parse_args()
    seconds = 2 if options.quick else 5
    clients = [int(count) for count in options.clients.split(",")]
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    root.chmod(0o711)
    try:
        print(json.dumps(measure(root, seconds, clients, options.tls.split(","))))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, seconds: int, clients: list[int], tls: list[str]) -> dict[str, object]:
    """All targets, one after another for each setting, so that they share the machine's mood."""
    result: dict[str, object] = {
        "benchmark": "gateway",
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "seconds": seconds,
        "load_before": round(os.getloadavg()[0], 1),
        "fdatasync_us": fdatasync_us(root),
    }
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            LocalPostgres(root / "postgres", os.urandom, binaries=with_ssl() if "on" in tls else None)
        )
        rows = QUICK_ROWS if seconds < 5 else ROWS
        prepare(server, rows)
        port, token, process = stack.enter_context(glasshatch(root / "home", server))
        targets = {"direct": address(server.port, server.user, server.password, DATABASE)}
        if shutil.which("pgbouncer"):
            bouncer = stack.enter_context(pgbouncer(root / "pgbouncer", server, root / "home/tls"))
            targets["pgbouncer"] = address(bouncer, server.user, server.password, DATABASE)
        targets["glasshatch"] = address(port, "bench", token, DATABASE)
        targets["async"] = address(port, "bench", token, ASYNC)
        front = front_of(process)
        result["pgbench"] = [
            row
            for how in tls
            for row in lookups(server, with_tls(targets, how), clients, seconds, front, root, how)
        ]
        result["masked_21_rows"] = [
            masked_reads(server, with_tls(targets, how), seconds, root, how) for how in tls
        ]
        del targets["async"]
        result["scan"] = {how: scans(server, with_tls(targets, how), rows) for how in tls}
        result["goals"] = judged(result)
    return result


def with_ssl() -> Path:
    """A PostgreSQL whose clients speak TLS, which the shipped one's do not: the system's newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    if not found:
        raise SystemExit("no pgbench with TLS in /usr/lib/postgresql: install postgresql, or take --tls off")
    return found[-1].parent


def with_tls(targets: dict[str, dict[str, str]], how: str) -> dict[str, dict[str, str]]:
    """The targets with TLS between client and target; the database itself has none."""
    return {
        name: environment | {"PGSSLMODE": "require" if how == "on" and name != "direct" else "disable"}
        for name, environment in targets.items()
    }


def judged(result: dict[str, Any]) -> list[dict[str, object]]:
    """Every goal of the gateway beside what this run reached."""
    found: list[dict[str, object]] = []

    def goal(what: str, measured: float, wanted: float, *, most: bool = False) -> None:
        met = measured <= wanted if most else measured >= wanted
        found.append({"goal": what, "measured": measured, "wanted": wanted, "met": met})

    for row in result["pgbench"]:
        name = f"{row['mode']}, {row['clients']} clients, tls {row['tls']}"
        if row["clients"] == 1:
            floor = row["direct_p50_us"]
            goal(f"added p50 in us, async, {name}", row["async_p50_us"] - floor, 100, most=True)
            durable = row["glasshatch_p50_us"] - floor - result["fdatasync_us"]
            goal(f"added p50 in us less fdatasync, durable, {name}", durable, 150, most=True)
        elif "to_pgbouncer" in row:
            goal(f"share of pgbouncer, {name}", row["to_pgbouncer"], 0.5)
    for row in result["masked_21_rows"]:
        if "to_pgbouncer" in row:
            goal(f"masked 21 rows, share of pgbouncer, tls {row['tls']}", row["to_pgbouncer"], 0.75)
    for how, scan in result["scan"].items():
        goal(f"scan in clear, share of direct, tls {how}", scan["clear"]["to_direct"], 0.9)
        goal(f"masked scan, share of direct, tls {how}", scan["masked"]["to_direct"], 0.8)
    return found


def fdatasync_us(directory: Path, rounds: int = 100) -> int:
    """The median cost of making 600 bytes durable here: the floor under every recorded statement."""
    file = directory / "fdatasync"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(descriptor, bytes(1 << 20))
    os.fdatasync(descriptor)
    taken = []
    for number in range(rounds):
        begun = time.perf_counter()
        os.pwrite(descriptor, b"x" * 600, number * 600)
        os.fdatasync(descriptor)
        taken.append(time.perf_counter() - begun)
    os.close(descriptor)
    file.unlink()
    return round(sorted(taken)[rounds // 2] * 1e6)


def prepare(server: LocalPostgres, rows: int) -> None:
    """pgbench's own tables, and people with something to mask."""
    environment = address(server.port, server.user, server.password, "postgres")
    run([server.psql_path, "-c", f"create database {DATABASE}"], environment)
    environment["PGDATABASE"] = DATABASE
    run([server.pgbench_path, "-i", "-q", "-s", "5"], environment)
    people = (
        "create table people as select i as id, 'person' || i || '@example.com' as email,"
        " 'City ' || i % 50 as city, i * 7 as number, i % 2 = 0 as flag"
        f" from generate_series(1, {rows}) i; alter table people add primary key (id); analyze people"
    )
    run([server.psql_path, "-c", people], environment)


def lookups(
    server: LocalPostgres,
    targets: dict[str, dict[str, str]],
    clients: list[int],
    seconds: int,
    front: int,
    root: Path,
    tls: str,
) -> list[dict[str, object]]:
    """pgbench -S: one row by key. The front's own processor time per statement shows a busy machine too."""
    rows: list[dict[str, object]] = []
    for mode in ("simple", "prepared"):
        for count in clients:
            row: dict[str, object] = {"tls": tls, "mode": mode, "clients": count}
            for name, environment in targets.items():
                command = [server.pgbench_path, "-n", "-S", "-M", mode, "-c", count, "-j", 1, "-T", seconds]
                before = processor_seconds(front)
                tps, latency_us = pgbench(command, environment, root)
                if name in ("glasshatch", "async"):
                    used = processor_seconds(front) - before
                    row[f"{name}_cpu_us"] = round(used / max(tps * seconds, 1) * 1e6)
                row[f"{name}_tps"], row[f"{name}_p50_us"] = round(tps), round(latency_us)
            rows.append(with_ratios(row, "tps"))
            print(row, file=sys.stderr)
    return rows


def front_of(supervisor: int) -> int:
    """The process of the gateway: the supervisor's child that serves the part `front`."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == supervisor and b"front" in (entry / "cmdline").read_bytes().split(b"\0"):
                return int(entry.name)
    raise SystemExit("the server has no front")


def processor_seconds(process: int) -> float:
    """User and system time of all threads of a process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def masked_reads(
    server: LocalPostgres, targets: dict[str, dict[str, str]], seconds: int, root: Path, tls: str
) -> dict[str, object]:
    """21 rows with one masked column, 8 clients."""
    script = root / "masked.sql"
    script.write_text(MASKED_SCRIPT)
    row: dict[str, object] = {"tls": tls, "clients": 8}
    for name, environment in targets.items():
        command = [server.pgbench_path, "-n", "-f", script, "-c", 8, "-j", 1, "-T", seconds]
        row[f"{name}_tps"] = round(pgbench(command, environment, root)[0])
    print(row, file=sys.stderr)
    return with_ratios(row, "tps")


def scans(server: LocalPostgres, targets: dict[str, dict[str, str]], rows: int) -> dict[str, object]:
    """All people in one answer, rows per second: nothing to mask; a masked column; a text to be scanned.

    Every mail address is another one, so that each costs its token. `masked_of_clear` is how many times
    longer five columns take with a masked one than with nothing to mask, both through the gateway.
    """
    found: dict[str, object] = {}
    chosen = {
        "clear": "id, number, flag, id + 1, number - 1",
        "masked": "id, email, number, flag, id + 1",
        "masked_again": "id, email, number, flag, id + 1",
        "scanned": "id, city, number, flag, id + 1",
    }
    # A condition that every row meets at sight, as id > 0, is none for the policy, which then refuses.
    queries = {
        kind: f"select {columns} from people where id between 1 and {rows}"
        for kind, columns in chosen.items()
    }
    for kind, query in queries.items():
        row: dict[str, object] = {"rows": rows}
        for name, environment in targets.items():
            begun = time.perf_counter()
            run([server.psql_path, "-XAtq", "-o", "/dev/null", "-c", query], environment)
            row[f"{name}_rows_s"] = round(rows / (time.perf_counter() - begun))
        found[kind] = with_ratios(row, "rows_s")
        print(kind, row, file=sys.stderr)
    clear, masked = (found[kind]["glasshatch_rows_s"] for kind in ("clear", "masked"))  # type: ignore[index]
    found["masked_of_clear"] = round(clear / masked, 2)
    return found


def with_ratios(row: dict[str, object], unit: str) -> dict[str, object]:
    """Add the share of what the others reached: Glasshatch's, and as `async_to_...` without waiting."""
    for ours, prefix in (("glasshatch", ""), ("async", "async_")):
        for other in ("direct", "pgbouncer"):
            if f"{other}_{unit}" in row and f"{ours}_{unit}" in row:
                reached, theirs = (float(str(row[f"{name}_{unit}"])) for name in (ours, other))
                row[f"{prefix}to_{other}"] = round(reached / max(theirs, 1.0), 3)
    return row


def pgbench(command: list[object], environment: dict[str, str], root: Path) -> tuple[float, float]:
    """Transactions a second, and the median latency of one in microseconds."""
    logs = root / "latencies"
    logs.mkdir(exist_ok=True)
    output = run([*command, "-l", f"--log-prefix={logs}/log"], environment)
    tps = re.search(r"tps = ([\d.]+) \(without", output)
    taken = sorted(
        int(line.split(b" ")[2]) for file in logs.iterdir() for line in file.read_bytes().splitlines()
    )
    shutil.rmtree(logs)
    if not tps or not taken or "number of failed transactions: 0" not in output:
        raise SystemExit(f"pgbench gave no clean figures:\n{output}")
    return float(tps[1]), float(taken[len(taken) // 2])


def run(command: list[object], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def address(port: int, user: str, password: str, database: str) -> dict[str, str]:
    """libpq's environment for a target."""
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": user,
        "PGPASSWORD": password,
        "PGDATABASE": database,
    }


@contextlib.contextmanager
def pgbouncer(directory: Path, server: LocalPostgres, tls: Path) -> Iterator[int]:
    """The system's pgbouncer, session pooling; clients may use TLS, with the gateway's own certificate."""
    directory.mkdir(mode=0o755)
    account = "nobody" if os.geteuid() == 0 else None
    for name in ("gateway.crt", "gateway.key"):
        shutil.copyfile(tls / name, directory / name)
        if account:
            shutil.chown(directory / name, account)
    port = free_port()
    (directory / "users").write_text(f'"{server.user}" "{server.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = scram-sha-256\nauth_file = {directory}/users\n"
        "pool_mode = session\nmax_client_conn = 200\ndefault_pool_size = 64\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\nlog_connections = 0\nlog_disconnections = 0\n"
        f"client_tls_sslmode = allow\nclient_tls_key_file = {directory}/gateway.key\n"
        f"client_tls_cert_file = {directory}/gateway.crt\n"
    )
    process = subprocess.Popen(
        ["pgbouncer", "-q", directory / "pgbouncer.ini"],
        user=account,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def glasshatch(
    directory: Path, server: LocalPostgres, prepare: Callable[[Path], None] = lambda config_file: None
) -> Iterator[tuple[int, str, int]]:
    """`glasshatch serve` over a fresh data directory; yields its port, a token and its process id.

    `prepare` is called with the configuration before the server starts.
    """
    created = create_home(directory)
    port = free_port()
    text = created.config_file.read_text()
    text = re.sub(r"(?m)^#?\s*postgres = .*$", f'postgres = "127.0.0.1:{port}"', text, count=1)
    secret = directory / "upstream-password"
    secret.write_text(server.password)
    secret.chmod(0o600)
    for name, record in ((DATABASE, "durable"), (ASYNC, "async")):
        text += (
            f'\n[resources.{name}]\ntype = "postgres"\nhost = "127.0.0.1"\nport = {server.port}\n'
            f'database = "{DATABASE}"\nuser = "{server.user}"\npassword = "file:{secret}"\ntls = "disable"\n'
            f'record = "{record}"\n'
            'columns = [{ pattern = "*.people.email", type = "EMAIL", operator = "token", subject = true }]\n'
        )
    created.config_file.write_text(text)
    token = issue_token(created.config_file)
    prepare(created.config_file)
    log = (directory.parent / "serve.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "glasshatch", "serve", "--config", created.config_file],
        stdout=log,
        stderr=log,
    )
    try:
        await_port(port, process)
        yield port, token, process.pid
    finally:
        process.terminate()
        process.wait(30)


def issue_token(config_file: Path, name: str = "bench", roles: tuple[str, ...] = ("engineer",)) -> str:
    """An actor and a token, made while no server holds the directory."""
    clock = SystemClock()
    house = House(load_config(config_file), clock)
    try:
        now_ns = clock.now_ns()
        actor = house.control.actors.create(name, roles=roles, now_ns=now_ns, record=lambda _: None)
        text, _ = house.control.tokens.issue(
            actor.id, scopes=("*",), lifetime_ns=HOUR_NS, now_ns=now_ns, record=lambda _: None
        )
        return text
    finally:
        house.close()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}: {process.args}")


if __name__ == "__main__":
    main()
