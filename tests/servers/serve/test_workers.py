"""Several processes on one port: what holds for one session holds for all, and a lost one leaves a record."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any

import psycopg
import pytest

from fixtures.counts import tell
from fixtures.gate import Person, server_before, until
from fixtures.glasshatch import RunningServer, run
from fixtures.servers import Database

pytestmark = pytest.mark.slow
MANY = 12
"""So many connections that all of them in one of two processes would be a wonder."""

CLOSED = """
@id("own.no-notes")
@reason("notes are closed")
forbid(principal, action == Action::"statement.run", resource)
when { context.verbs.contains("select") };
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, module_database: Database) -> Iterator[RunningServer]:
    module_database.sql("CREATE TABLE notes (id serial PRIMARY KEY, body text)")
    more = (
        '[policy]\nset = "policies/own.cedar"\n[[limits]]\nactor = "bob"\nsessions = 3\nrows_per_hour = 40\n'
    )
    folder = tmp_path_factory.mktemp("workers")
    server = server_before(module_database, folder, more, options=("--workers", "2"))
    policy = server.home / "policies" / "own.cedar"
    policy.parent.mkdir(exist_ok=True)
    policy.write_text(resources.files("glasshatch.policy").joinpath("sets/production.cedar").read_text())
    server.start()
    server.invite("carol", "auditor")
    server.invite("dan", "approver")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def alice(server: RunningServer) -> Person:
    return Person(server, "alice")


@pytest.fixture
def sessions(alice: Person) -> Iterator[list[psycopg.Connection[Any]]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(alice.connect()) for _ in range(MANY)]


def cut_off(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def instances(server: RunningServer, action: str) -> set[str]:
    events = server.jsonl("events", "--action", action, "--limit", "10000", person="carol")
    return {line["event"]["source"]["instance"] for line in events}


def test_sessions_are_spread_and_each_is_recorded(
    server: RunningServer, sessions: list[psycopg.Connection[Any]]
) -> None:
    assert [one.execute("SELECT 40 + 2").fetchone() for one in sessions] == [(42,)] * MANY
    workers = {str(server.part(f"worker {number}")) for number in (1, 2)}
    until(lambda: instances(server, "session.opened") == workers)
    until(lambda: instances(server, "statement.finished") == workers)
    log = server.log.read_text()
    assert "served by 2 processes" in log


def test_a_cancel_request_finds_its_session_wherever_it_arrives(
    sessions: list[psycopg.Connection[Any]],
) -> None:
    began, cancelled = time.monotonic(), []

    def sleep(session: psycopg.Connection[Any]) -> None:
        try:
            session.execute("SELECT pg_sleep(60)")
        except psycopg.errors.QueryCanceled:
            cancelled.append(session)

    threads = [threading.Thread(target=sleep, args=(one,)) for one in sessions]
    for thread in threads:
        thread.start()
    time.sleep(1)
    for one in sessions:
        one.cancel()
    for thread in threads:
        thread.join()
    assert len(cancelled) == MANY
    assert time.monotonic() - began < 50


def test_a_grant_opens_and_closes_in_every_process_at_once(
    server: RunningServer, sessions: list[psycopg.Connection[Any]]
) -> None:
    update = "UPDATE notes SET body = 'x' WHERE id = 1"
    for one in sessions:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one.execute(update)
    asked = server.jsonl(
        "request",
        "postgres/shop",
        "--verb",
        "update",
        "--for",
        "1h",
        "--reason",
        "mend a note, SHOP-7",
        person="alice",
    )
    granted = server.jsonl("approve", asked[0]["id"], person="dan")
    for one in sessions:
        one.execute(update)
    assert server.command("revoke", granted[0]["grant_id"], person="dan").returncode == 0
    # The very next statement is refused; and whoever has used the grant is cut off in a moment.
    for one in sessions:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.AdminShutdown)):
            one.execute(update)
    for one in sessions:
        until(lambda one=one: cut_off(one))


def test_a_policy_is_in_force_in_every_process_once_it_is_loaded(
    server: RunningServer, sessions: list[psycopg.Connection[Any]]
) -> None:
    file = server.home / "policies" / "own.cedar"
    text = file.read_text()
    try:
        file.write_text(text + CLOSED)
        assert server.command("policy", "load").returncode == 0
        for one in sessions:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="notes are closed"):
                one.execute("SELECT 1")
    finally:
        file.write_text(text)
        assert server.command("policy", "load").returncode == 0
    for one in sessions:
        one.execute("SELECT 1")


def test_a_disabled_actor_is_stopped_in_every_process_at_once(server: RunningServer) -> None:
    eve = Person(server, "eve")
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(eve.connect()) for _ in range(MANY)]
        for one in sessions:
            one.execute("SELECT 1")
        assert server.command("actors", "disable", "eve").returncode == 0
        for one in sessions:
            # Refused by what all processes share, unless the end of the token has ended the session already.
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.AdminShutdown)):
                one.execute("SELECT 1")


def test_a_table_that_one_process_changes_is_masked_in_all(
    sessions: list[psycopg.Connection[Any]], module_database: Database
) -> None:
    for number, one in enumerate(sessions):
        one.execute("SELECT * FROM notes LIMIT 1").fetchall()
        module_database.sql(f"CREATE TABLE people{number} (id int, email text)")
        module_database.sql(f"INSERT INTO people{number} VALUES (1, 'alice.smith@example.com')")
    for number in range(MANY):
        for one in sessions:
            (row,) = one.execute(f"SELECT * FROM people{number} LIMIT 5").fetchall()
            assert "alice.smith" not in str(row)


def test_limits_count_over_all_processes(server: RunningServer) -> None:
    bob = Person(server, "bob")
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(bob.connect()) for _ in range(3)]
        for _ in range(4):
            with pytest.raises(psycopg.OperationalError, match="too many sessions"):
                bob.connect()
        for one in held[:2]:
            assert len(one.execute("SELECT generate_series(1, 15)").fetchall()) == 15
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            held[2].execute("SELECT generate_series(1, 15)").fetchall()
    # What a closed session held is free again.
    until(lambda: _connects(bob))


def _connects(person: Person) -> bool:
    try:
        person.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def _answers(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_key_that_is_rotated_makes_the_same_new_tokens_in_all(
    server: RunningServer, sessions: list[psycopg.Connection[Any]]
) -> None:
    ask = "SELECT 'alice.smith@example.com' AS email"
    before = {one.execute(ask).fetchone() for one in sessions}
    assert len(before) == 1
    assert server.command("keys", "rotate", "token", "--reason", "yearly rotation").returncode == 0
    for one in sessions:
        one.execute("SELECT 1")
    after = {one.execute(ask).fetchone() for one in sessions}
    assert len(after) == 1
    assert after != before


class Asker(threading.Thread):
    """Asks one thing after another until its session is lost, and remembers what was answered."""

    def __init__(self, session: psycopg.Connection[Any], name: int) -> None:
        super().__init__()
        self._session = session
        self._name = name
        self.answered: list[str] = []

    def run(self) -> None:
        with contextlib.suppress(psycopg.OperationalError):
            for number in range(100_000):
                mark = f"mark_{self._name}_{number}_"
                self._session.execute(f"SELECT 1 AS {mark}")
                self.answered.append(mark)


def asking(sessions: list[psycopg.Connection[Any]], round: int) -> list[Asker]:
    askers = [Asker(one, 100 * round + number) for number, one in enumerate(sessions)]
    for asker in askers:
        asker.start()
    until(lambda: all(len(one.answered) > 5 for one in askers))
    return askers


def all_recorded(server: RunningServer, askers: list[Asker]) -> int:
    """How many statements were answered; each stands in the record, once the index is level with it."""
    answered = [mark for one in askers for mark in one.answered]

    def lost() -> list[str]:
        found = server.jsonl("events", "--action", "statement.run", "--limit", "100000", person="carol")
        text = "\n".join(str(line) for line in found)
        return [mark for mark in answered if mark not in text]

    until(lambda: not lost())
    return len(answered)


def test_a_killed_worker_leaves_the_others_and_a_record(
    server: RunningServer, sessions: list[psycopg.Connection[Any]]
) -> None:
    # The gateway names itself to the database by the id of the session.
    ids = [str(one.execute("SHOW application_name").fetchone()) for one in sessions]
    times = server.log.read_text().count("back again")
    server.kill_part("worker 1")
    dead = [id for id, one in zip(ids, sessions, strict=True) if not _answers(one)]
    assert 0 < len(dead) < MANY
    server.wait_for("back again", times + 1)

    def told() -> bool:
        aborted = server.jsonl("events", "--action", "session.aborted", "--limit", "100", person="carol")
        recovered = [one["event"]["session_id"] for one in aborted if one["event"]["attrs"].get("recovered")]
        return all(any(one in id for one in recovered) for id in dead)

    until(told)
    assert server.part("worker 1")


def test_workers_end_with_the_front_and_come_back_with_it(server: RunningServer, alice: Person) -> None:
    workers = {server.part(f"worker {number}") for number in (1, 2)}
    session = alice.connect()
    session.execute("SELECT 1 AS last_words")
    times = server.log.read_text().count("back again")
    server.kill_part("front")
    until(lambda: not _answers(session))
    server.wait_for("back again", times + 1)
    assert workers.isdisjoint({server.part(f"worker {number}") for number in (1, 2)})
    with alice.connect() as again:
        assert again.execute("SELECT 1").fetchone() == (1,)
    until(lambda: "last_words" in str(server.jsonl("events", "--limit", "10000", person="carol")))


@pytest.mark.parametrize(("round", "part"), [(1, "worker 2"), (2, "front")])
def test_what_was_answered_before_a_kill_is_in_the_record(
    server: RunningServer, sessions: list[psycopg.Connection[Any]], round: int, part: str
) -> None:
    askers = asking(sessions, round)
    times = server.log.read_text().count("back again")
    server.kill_part(part)
    server.wait_for("back again", times + 1)
    for one in sessions:
        one.close()
    for asker in askers:
        asker.join()
    tell(f"kill -9 of {part} under statements: {all_recorded(server, askers)} answered, 0 lost")


def test_it_stops_cleanly_and_the_record_verifies(server: RunningServer, alice: Person) -> None:
    session = alice.connect()
    session.execute("SELECT 1")
    session.close()
    assert server.stop() == 0
    verified = run("verify", str(server.home))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    server.start()
