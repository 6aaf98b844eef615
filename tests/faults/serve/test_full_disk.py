"""A disk that fills up under a real server, while a real psql works through it.

Every refused statement says so, nothing runs without its record, the server ends itself with the cure
and a stable exit code, and when there is space again everything acknowledged is there.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.gate import server_before
from fixtures.glasshatch import RunningServer, run
from fixtures.servers import Database, PostgresServer

pytestmark = pytest.mark.slow
DISK_BYTES = 160 << 20
LEFT_BYTES = 64 << 10
FREE_STATEMENTS = 20
UNAVAILABLE = 4


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small enough to be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a file system (root)")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def server(disk: Path, tmp_path: Path, fresh_database: Database) -> Iterator[RunningServer]:
    fresh_database.sql("CREATE TABLE notes (id serial PRIMARY KEY, body text)")
    server = server_before(fresh_database, disk)
    server.log = tmp_path / "server.log"
    server.start()
    yield server
    server.stop()


def psql(server: RunningServer, upstream: PostgresServer, token: str) -> subprocess.Popen[str]:
    """A real client; it reads its script from a pipe, statement by statement, and ends at the first error."""
    environment = {
        "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGHOST": "127.0.0.1",
        "PGPORT": str(server.gateway_port), "PGUSER": "alice", "PGPASSWORD": token,
        "PGDATABASE": "shop", "PGCONNECT_TIMEOUT": "20",
    }  # fmt: skip
    return subprocess.Popen(
        [upstream.psql, "-XAtq", "-v", "ON_ERROR_STOP=1"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def fill(disk: Path, leave: int = LEFT_BYTES) -> Path:
    """Take all space but a little."""
    ballast = disk / "ballast"
    with ballast.open("ab") as out:
        while (free := free_bytes(disk) - leave) > 0:
            out.write(bytes(min(free, 1 << 20)))
            out.flush()
    return ballast


def free_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def work_until_refused(
    server: RunningServer, database: Database, token: str, disk: Path
) -> tuple[int, str, Path]:
    """Insert until it fails, the disk filling up on the way.

    Returns how many the client was told had run, what it said in the end, and the file that takes the space.
    """
    client = psql(server, database.server, token)
    assert client.stdin
    assert client.stdout
    ballast, acknowledged = Path(), 0
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if acknowledged == FREE_STATEMENTS:
            ballast = fill(disk)
        try:
            client.stdin.write(f"INSERT INTO notes (body) VALUES ('note {acknowledged}') RETURNING id;\n")
            client.stdin.flush()
        except BrokenPipeError:
            break
        if not client.stdout.readline().strip().isdigit():
            break
        acknowledged += 1
    client.stdin.close()
    assert client.stderr
    complaint = client.stderr.read()
    client.wait(60)
    return acknowledged, complaint, ballast


def rows(database: Database) -> int:
    return int(database.sql("SELECT count(*) FROM notes"))


def runs(server: RunningServer) -> int:
    """How many statements the record says were allowed to run."""
    wanted = ("--action", "statement.run", "--actor", "alice", "--limit", "10000")
    return len(server.jsonl("events", *wanted, person="carol"))


def test_a_full_disk_stops_the_server_and_loses_nothing(
    server: RunningServer, fresh_database: Database, disk: Path
) -> None:
    token = server.invite("alice", "engineer")
    server.invite("carol", "auditor")
    acknowledged, complaint, ballast = work_until_refused(server, fresh_database, token, disk)
    assert acknowledged >= FREE_STATEMENTS
    assert any(words in complaint for words in ("recording is unavailable", "the gateway is stopping"))

    assert server.process is not None
    assert server.process.wait(60) == UNAVAILABLE
    said = server.log.read_text()
    assert "error (unavailable) the ledger stopped: no space left" in said
    assert "nothing acknowledged is lost; free disk space and start again" in said
    assert "Traceback" not in said
    assert "note 1" not in said
    # One more may have run whose answer was cut off; the record below must have it then.
    ran = rows(fresh_database)
    assert acknowledged <= ran <= acknowledged + 1

    fill(disk, leave=0)
    server.start(ready=False)
    assert server.process.wait(60) == UNAVAILABLE
    assert "free disk space" in server.log.read_text().removeprefix(said)

    ballast.unlink()
    server.start(ready=False)
    server.wait_for("ready:", times=2)
    assert ran <= runs(server) <= acknowledged + 1
    again = psql(server, fresh_database.server, token)
    out, errors = again.communicate("INSERT INTO notes (body) VALUES ('after') RETURNING id;\n", timeout=60)
    assert out.strip().isdigit(), errors
    assert rows(fresh_database) == ran + 1
    # What the index could not take in while there was no space, it takes in now.
    wanted = ("action:statement.run actor.name:alice", "--limit", "10000")
    deadline = time.monotonic() + 60
    server.await_index("carol")
    while len(server.jsonl("search", *wanted, person="carol")) != runs(server):
        assert time.monotonic() < deadline, server.log.read_text()
    assert server.stop() == 0
    checked = run("verify", str(server.home), "--json")
    assert checked.returncode == 0, checked.stdout
    tell(f"{acknowledged} statements acknowledged before the disk was full, none lost, none unrecorded")
