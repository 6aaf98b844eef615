"""Real drivers: psycopg (pipeline, cursors, COPY, binary), asyncpg, pgbench."""

from __future__ import annotations

import asyncio
import subprocess

import asyncpg
import psycopg
import pytest
from psycopg import sql


def pipelined(connection: psycopg.Connection, *texts: str) -> None:
    with connection.pipeline():
        for text in texts:
            connection.execute(text)


def test_psycopg_parameters_and_prepared(gateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        for number in range(1, 12):
            row = connection.execute("select n, label from numbers where n = %s", (number,)).fetchone()
            assert row == (number, f"row {number}")
        connection.commit()
    runs = gateway.sink.of("statement.run")
    bound = [event for event in runs if "bind" in event.attrs]
    assert len(bound) == 11
    assert bound[0].attrs["bind"]


def test_bind_values_are_recorded_redacted(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        connection.execute(
            "select id from customers where email = %s", ("alice.canary@example.com",)
        ).fetchall()
    run = next(event for event in gateway.sink.of("statement.run") if "bind" in event.attrs)
    assert run.attrs["bind"][0].startswith("<EMAIL:")
    assert "canary" not in gateway.sink.everything()


def test_psycopg_pipeline(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection, connection.pipeline():
        cursors = [
            connection.execute("select label from numbers where n = %s", (number,))
            for number in range(1, 101)
        ]
        assert [cursor.fetchone()[0] for cursor in cursors] == [f"row {number}" for number in range(1, 101)]


def test_an_error_in_a_pipeline_skips_to_sync_and_recovers(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            pipelined(connection, "select 1/0", "insert into notes (body) values ('skipped')")
        assert connection.execute("select count(*) from notes where body = 'skipped'").fetchone() == (0,)
    gateway.wait_for(lambda: gateway.sink.of("session.closed"))
    runs = {event.request_id for event in gateway.sink.of("statement.run")}
    assert runs == {event.request_id for event in gateway.sink.of("statement.finished")}


def test_a_denial_in_a_pipeline_rolls_the_batch_back(gateway) -> None:
    """The database's own rule: an error undoes everything since the last Sync. A denial must too."""
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            pipelined(
                connection,
                "insert into notes (body) values ('undone')",
                "drop table notes",
                "insert into notes (body) values ('never')",
            )
        assert connection.execute(
            "select count(*) from notes where body in ('undone', 'never')"
        ).fetchone() == (0,)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_denial_in_a_transaction_with_prepared_statements(gateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        connection.execute("insert into notes (body) values (%s)", ("undone",))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from notes where id > %s", (0,))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select count(*) from notes where body = 'undone'").fetchone() == (0,)


def test_server_cursor(gateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection, connection.cursor(name="scroll") as cursor:
        cursor.itersize = 100
        cursor.execute("select n from numbers where n > 0 order by n limit 450")
        assert [row[0] for row in cursor] == list(range(1, 451))


def test_copy_both_ways(permissive) -> None:
    with psycopg.connect(permissive.dsn("dba"), autocommit=True) as connection:
        cursor = connection.cursor()
        with cursor.copy("COPY (select n, label from numbers where n <= 100) TO STDOUT") as copy:
            assert len(list(copy.rows())) == 100
    permissive.database.sql("CREATE TABLE inbox (a int, b text)")
    with psycopg.connect(permissive.dsn("dba"), autocommit=True) as connection:
        cursor = connection.cursor()
        with cursor.copy("COPY inbox FROM STDIN") as copy:
            for number in range(20_000):
                copy.write_row((number, "x" * 20))
        assert connection.execute("select count(*) from inbox").fetchone() == (20_000,)
        with (
            pytest.raises(psycopg.errors.InvalidTextRepresentation),
            cursor.copy("COPY inbox FROM STDIN") as copy,
        ):
            copy.write(b"not a number\ttext\n" * 5000)
        assert connection.execute("select count(*) from inbox").fetchone() == (20_000,)


def test_fifty_megabytes_in_one_value(permissive) -> None:
    permissive.database.sql("CREATE TABLE blobs (id int, data bytea)")
    size = 50 << 20
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection:
        connection.execute("insert into blobs values (1, %b)", (b"\x01" * size,))
        row = connection.execute("select length(data) from blobs").fetchone()
        assert row == (size,)


def test_a_long_statement_that_is_run_again_is_told_whole_once(gateway) -> None:
    wanted = ", ".join(str(number) for number in range(100_000, 106_000))
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection, connection.cursor() as cursor:
        for number in (1, 2, 3):
            cursor.execute(
                f"select n from numbers where n = %s and n not in ({wanted})", (number,), prepare=True
            )
            assert cursor.fetchone() == (number,)
    events = [event for event in gateway.sink.of("statement.run") if "not in (100000" in event.statement.text]
    first, *later = events
    assert wanted in first.statement.text
    assert first.links == ()
    assert len(later) == 2
    for event in later:
        assert event.statement.text == first.statement.text[:16_384] + " [shortened]"
        assert [(link.rel, link.id) for link in event.links] == [("statement", first.id)]
        assert event.statement.hash == first.statement.hash


def test_binary_results(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        row = connection.execute(
            "select 7::int2, 1.5::float8, 2.25::numeric, true, '2024-05-06'::date, array[1,2,3], 'x'::text",
            binary=True,
        ).fetchone()
        assert row[0] == 7
        assert row[5] == [1, 2, 3]
        assert row[6] == "x"


def test_asyncpg(gateway) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user="alice", password="gh_alice_secret", database="shop"
        )
        assert await connection.fetchval("select label from numbers where n = $1", 7) == "row 7"
        async with connection.transaction():
            found = [
                row["n"]
                async for row in connection.cursor("select n from numbers where n <= 120", prefetch=50)
            ]
        assert len(found) == 120
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("drop table notes")
        await connection.executemany(
            "insert into notes (body) values ($1)", [(f"many {i}",) for i in range(50)]
        )
        assert await connection.fetchval("select count(*) from notes where body like 'many %'") == 50
        await connection.reset()
        await asyncio.wait_for(connection.close(), 5)

    asyncio.run(run())
    gateway.wait_for(lambda: gateway.sink.of("session.closed"))
    many = [event for event in gateway.sink.of("statement.run") if "insert" in event.attrs["verbs"]]
    assert len(many) == 50


def test_asyncpg_pool(gateway) -> None:
    async def run() -> None:
        pool = await asyncpg.create_pool(
            host=gateway.host,
            port=gateway.port,
            user="alice",
            password="gh_alice_secret",
            database="shop",
            min_size=4,
            max_size=8,
        )
        values = await asyncio.gather(*(pool.fetchval("select $1::int + 1", i) for i in range(60)))
        assert values == list(range(1, 61))
        await pool.close()

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(start, mode: str) -> None:
    gateway = start()
    environment = {
        "PATH": "/usr/bin:/bin",
        "PGHOST": gateway.server.host,
        "PGPORT": str(gateway.server.port),
        "PGUSER": gateway.server.user,
        "PGPASSWORD": gateway.server.password,
        "PGDATABASE": gateway.database.name,
    }
    subprocess.run(
        [gateway.server.pgbench, "-i", "-q", "-s", "1"], env=environment, check=True, capture_output=True
    )
    through = environment | {
        "PGHOST": gateway.host,
        "PGPORT": str(gateway.port),
        "PGUSER": "alice",
        "PGPASSWORD": "gh_alice_secret",
        "PGDATABASE": "shop",
    }
    done = subprocess.run(
        [gateway.server.pgbench, "-n", "-S", "-M", mode, "-c", "4", "-t", "50"],
        env=through,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 200/200" in done.stdout
    runs = [
        event for event in gateway.sink.of("statement.run") if "pgbench_accounts" in event.statement.shape
    ]
    assert len(runs) == 200


def test_sql_composition_with_odd_names(gateway) -> None:
    gateway.database.sql('CREATE TABLE "Odd ""Name" (id int); INSERT INTO "Odd ""Name" VALUES (5)')
    with psycopg.connect(gateway.dsn()) as connection:
        query = sql.SQL("select id from {} where id = 5").format(sql.Identifier('Odd "Name'))
        assert connection.execute(query).fetchone() == (5,)
