"""Limits as real clients meet them: PostgreSQL's own codes, recorded, and both sides agree afterwards."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from glasshatch.policy import Limit, Usage

S = 10**9
EVERYTHING = '@id("all")\n@reason("anything")\npermit(principal, action, resource);\n'
IDLE = psycopg.pq.TransactionStatus.IDLE
IN_ERROR = psycopg.pq.TransactionStatus.INERROR


@pytest.fixture
def limited(start, tmp_path):
    def begin(*limits: Limit):
        policy = tmp_path / "everything.cedar"
        policy.write_text(EVERYTHING)
        return start(policy=policy, usage=Usage(limits))

    return begin


def numbers(rows) -> list[int]:
    return [row[0] for row in rows]


def shown(gateway) -> list[int]:
    return [event.data.rows for event in gateway.sink.of("statement.finished") if event.data]


def pipelined(connection: psycopg.Connection, *texts: str) -> None:
    with connection.pipeline():
        for text in texts:
            connection.execute(text)


def read_all(connection: psycopg.Connection, text: str) -> None:
    with connection.transaction(), connection.cursor(name="c") as cursor:
        cursor.itersize = 50
        cursor.execute(text)
        for _ in cursor:
            pass


def test_sessions_of_an_actor(limited) -> None:
    gateway = limited(Limit(actor="alice", sessions=2))
    first, second = psycopg.connect(gateway.dsn()), psycopg.connect(gateway.dsn())
    with pytest.raises(psycopg.OperationalError, match="too many sessions: the limit of alice") as refused:
        psycopg.connect(gateway.dsn())
    assert "FATAL" in str(refused.value)
    with psycopg.connect(gateway.dsn("dba")) as other:
        assert other.execute("select 1").fetchone() == (1,)
    (event,) = gateway.sink.of("session.refused")
    assert (event.outcome.code, event.decision.rule) == ("53300", "limits/sessions")
    first.close()
    gateway.wait_for(lambda: gateway.gateway.sessions == 1, "the end of the first session")
    psycopg.connect(gateway.dsn()).close()
    second.close()


def test_statements_in_a_minute(limited) -> None:
    gateway = limited(Limit(statements_per_minute=5))
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        for number in range(5):
            assert connection.execute("select %s::int", (number,)).fetchone() == (number,)
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="try again in"):
            connection.execute("insert into notes (body) values ('one too many')")
    (denied,) = gateway.sink.of("statement.denied")
    assert (denied.outcome.code, denied.decision.rule) == ("53400", "limits/statements-per-minute")
    assert gateway.database.sql("select count(*) from notes where body = 'one too many'") == "0"


@pytest.mark.parametrize("prepare", [None, True], ids=["once", "prepared"])
def test_rows_of_a_statement(limited, prepare) -> None:
    gateway = limited(Limit(rows_per_statement=120))
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        rows = connection.execute("select n from numbers order by n limit 120", prepare=prepare).fetchall()
        assert numbers(rows) == list(range(1, 121))
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="is 120 rows per statement"):
            connection.execute("select n, label from numbers", prepare=prepare)
        assert connection.info.transaction_status == IDLE
        assert connection.execute("select 7").fetchone() == (7,)
    failed = [event for event in gateway.sink.of("statement.finished") if event.outcome.code == "54000"]
    assert [event.data.rows for event in failed] == [120]


def test_rows_of_the_simple_protocol_and_of_a_large_result(limited) -> None:
    gateway = limited(Limit(rows_per_statement=1000))
    done = gateway.psql(
        "select n from numbers; \nselect n from numbers, generate_series(1, 20000);\nselect 'still here';"
    )
    lines = done.stdout.split("\n")
    assert "54000" in gateway.psql("\\set VERBOSITY verbose\nselect n from numbers;").stderr
    assert lines.count("still here") == 1
    assert done.stderr.count("1000 rows per statement") == 2
    # The long one was cancelled at the database, and not read to its end.
    assert shown(gateway)[:2] == [1000, 1000]


def test_in_a_transaction_the_database_fails_it_too(limited) -> None:
    gateway = limited(Limit(rows_per_statement=100))
    with psycopg.connect(gateway.dsn()) as connection:
        connection.execute("insert into notes (body) values ('undone')")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            connection.execute("select n from numbers")
        assert connection.info.transaction_status == IN_ERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select count(*) from notes where body = 'undone'").fetchone() == (0,)


def test_a_batch_whose_later_statements_have_run_ends_the_session(limited) -> None:
    gateway = limited(Limit(rows_per_statement=100))
    server = gateway.server
    straight = f"host={server.host} port={server.port} user={server.user} password={server.password}"
    with (
        psycopg.connect(f"{straight} dbname={gateway.database.name}", autocommit=True) as holder,
        psycopg.connect(gateway.dsn(), autocommit=True) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        # The first answer comes only when the others are on their way: else they would rightly be dropped.
        holder.execute("select pg_advisory_lock(7)")
        first = "select n from numbers, (select pg_advisory_xact_lock(7) offset 0) held"
        sent = pool.submit(pipelined, connection, first, "select 1", "select 2")
        gateway.wait_for(lambda: len(gateway.sink.of("statement.run")) == 3, "the third statement")
        time.sleep(0.2)
        holder.execute("select pg_advisory_unlock(7)")
        with pytest.raises(psycopg.Error):
            sent.result()
        gateway.wait_for(lambda: gateway.sink.of("session.aborted"))
    assert gateway.sink.of("session.aborted")[0].outcome.code == "54000"
    assert gateway.ask("select 1") == "1"


def test_rows_of_a_copy_a_cursor_and_a_session(limited) -> None:
    gateway = limited(Limit(rows_per_statement=200), Limit(rows_per_session=450))
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        got = []
        with (
            pytest.raises(psycopg.errors.ProgramLimitExceeded),
            connection.cursor().copy("COPY (select n from numbers order by n) TO STDOUT") as copy,
        ):
            got.extend(copy.rows())
        assert len(got) <= 200
        assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="450 rows per session"):
            read_all(connection, "select n from numbers")
        assert connection.info.transaction_status == IDLE
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="refused"):
            connection.execute("select 1")
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_an_answer_is_cut_exactly_where_masked_rows_are_rewritten(limited) -> None:
    gateway = limited(Limit(rows_per_statement=1))
    got: list[str] = []
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="kept back"):
            got.extend(row[0] for row in cursor.stream("select email from customers order by id"))
        assert connection.execute("select 1").fetchone() == (1,)
    assert len(got) == 1
    assert got[0].startswith("<EMAIL:")
    assert shown(gateway)[0] == 1


def test_an_idle_session_ends_and_a_busy_one_does_not(limited) -> None:
    gateway = limited(Limit(idle_ns=S))
    idle, held = psycopg.connect(gateway.dsn(), autocommit=True), psycopg.connect(gateway.dsn())
    held.execute("select 1")
    with psycopg.connect(gateway.dsn(), autocommit=True) as busy:
        busy.execute("select pg_sleep(2.5)")
    gateway.wait_for(lambda: len(gateway.sink.of("session.aborted")) == 2)
    with pytest.raises(psycopg.errors.IdleSessionTimeout):
        idle.execute("select 1")
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        held.execute("select 1")
    codes = {event.outcome.code for event in gateway.sink.of("session.aborted")}
    assert codes == {"57P05", "25P03"}


def test_a_session_ends_after_its_time_whatever_it_does(limited) -> None:
    gateway = limited(Limit(session_ns=S))
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        begun = time.monotonic()
        with pytest.raises(psycopg.errors.AdminShutdown, match="as long as its limit allows"):
            connection.execute("select pg_sleep(60)")
        assert time.monotonic() - begun < 20
    busy = (
        "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"
        " and pid <> pg_backend_pid()"
    )
    gateway.wait_for(lambda: gateway.database.sql(busy) == "0", "the end of the statement at the database")
    assert gateway.sink.of("statement.finished")[0].outcome.status == "unknown"
