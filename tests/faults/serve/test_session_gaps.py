"""What a crash or a stalled disk leaves of sessions: nothing passes unrecorded, and what is missing is told.

A real server, a real psql and a real PostgreSQL. The front is killed with -9 in the middle of a statement;
the ledger's disk is stopped by holding the front's own fdatasync calls.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.gate import Person, server_before, until
from fixtures.glasshatch import RunningServer, run
from fixtures.servers import Database
from glasshatch.app.config import load_config
from glasshatch.app.house import House
from glasshatch.app.serve.gapwatch import open_gaps
from glasshatch.clock import SystemClock

pytestmark = pytest.mark.slow
ROUNDS = rounds(1, 15)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, module_database: Database) -> Iterator[RunningServer]:
    module_database.sql("CREATE TABLE notes (id serial PRIMARY KEY, body text)")
    more = "record_timeout_seconds = 2\nheartbeat_seconds = 1\n"
    server = server_before(module_database, tmp_path_factory.mktemp("gaps"), more)
    server.start()
    server.invite("carol", "auditor")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def alice(server: RunningServer) -> Person:
    return Person(server, "alice")


def events(server: RunningServer, action: str) -> list[Any]:
    found = server.jsonl("events", "--action", action, "--limit", "1000", person="carol")
    return [one["event"] for one in found]


def waiting(database: Database) -> int:
    """How many statements wait at the database for a lock."""
    return int(database.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


@contextlib.contextmanager
def locked_notes(database: Database) -> Iterator[None]:
    """Whoever reads the table waits while this lasts."""
    upstream = database.server
    address = f"host={upstream.host} port={upstream.port} user={upstream.user} password={upstream.password}"
    with psycopg.connect(f"{address} dbname={database.name}") as holder:
        holder.execute("LOCK TABLE notes")
        yield


def crash_in_the_middle(server: RunningServer, database: Database, alice: Person, number: int) -> None:
    """One session runs something long, one is idle, one is over; then the front is killed."""
    busy, idle, over = alice.connect(), alice.connect(), alice.connect()
    idle.execute(f"SELECT {number} AS idle")
    over.execute("SELECT 1")
    over.close()
    heartbeats = len(events(server, "session.alive"))
    until(lambda: len(events(server, "session.alive")) > heartbeats, "a sign of life")
    with locked_notes(database):
        busy.pgconn.send_query(b"SELECT id FROM notes LIMIT 3")
        until(lambda: waiting(database) == 1, "the statement")
        server.kill_part("front")
        server.wait_for("back again:", times=number + 1, timeout_s=120)
    for connection in (busy, idle):
        connection.close()


@contextlib.contextmanager
def stopped_disk(process: int) -> Iterator[None]:
    """No fdatasync of the process comes back while this lasts."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(process), "-o", "/dev/null", "-e", "trace=fdatasync",
         "-e", "inject=fdatasync:delay_enter=30s"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tracer.stderr
    assert "attached" in tracer.stderr.readline()
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)


def test_a_stopped_disk_stops_statements(
    server: RunningServer, module_database: Database, alice: Person
) -> None:
    connection = alice.connect()
    connection.execute("INSERT INTO notes (body) VALUES ('recorded')")
    with stopped_disk(server.part("front")):
        for number in range(3):
            begun_s = time.monotonic()
            with pytest.raises(psycopg.errors.CannotConnectNow, match="recording is unavailable"):
                connection.execute(f"INSERT INTO notes (body) VALUES ('unrecorded {number}')")
            assert time.monotonic() - begun_s > 1.5
        with pytest.raises(psycopg.OperationalError, match="recording is unavailable"):
            alice.connect()
        assert module_database.sql("SELECT string_agg(body, ',') FROM notes") == "recorded"
    # The disk is back: so is the session, and what was refused has not run behind anybody's back.
    until(lambda: _works(connection), "an answer")
    connection.close()
    assert module_database.sql("SELECT string_agg(body, ',') FROM notes") == "recorded"
    finished = {event["request_id"]: event for event in events(server, "statement.finished")}
    reasons = [event["outcome"]["reason"] for event in finished.values() if "reason" in event["outcome"]]
    assert reasons == ["not sent: recording is unavailable"] * 3
    assert set(finished) == {event["request_id"] for event in events(server, "statement.run")}
    assert not events(server, "recording.gap")


def _works(connection: psycopg.Connection[Any]) -> bool:
    try:
        return connection.execute("SELECT 7").fetchone() == (7,)
    except psycopg.errors.CannotConnectNow:
        return False


def test_a_crash_in_the_middle_of_a_statement_shows(
    server: RunningServer, module_database: Database, alice: Person
) -> None:
    for number in range(ROUNDS):
        crash_in_the_middle(server, module_database, alice, number)
    ended = [event for event in events(server, "session.aborted") if event["attrs"].get("recovered")]
    gaps = events(server, "recording.gap")
    runs = {event["request_id"]: event for event in events(server, "statement.run")}
    assert len(ended) == 2 * ROUNDS
    assert {event["outcome"]["code"] for event in ended} == {"57P02"}
    assert {event["actor"]["name"] for event in ended} == {"alice"}
    named = [run for event in ended for run in event["attrs"].get("statements", [])]
    assert len(named) == len(gaps) == ROUNDS
    assert all("FROM notes" in runs[request]["statement"]["text"] for request in named)
    assert [run for gap in gaps for run in gap["attrs"]["statements"]] == named
    opened = {event["session_id"] for event in events(server, "session.opened")}
    over = [*events(server, "session.closed"), *events(server, "session.refused"), *ended]
    assert opened <= {event["session_id"] for event in over}
    # Nothing is left to be told by the next start, and the record holds.
    assert server.stop() == 0
    house = House(load_config(server.config), SystemClock())
    try:
        assert open_gaps(house).settle() == 0
    finally:
        house.close()
    assert run("verify", str(server.home)).returncode == 0
    tell(
        f"front killed in the middle of a statement: {ROUNDS} times, {len(ended)} sessions ended, none twice"
    )
