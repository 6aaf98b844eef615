"""COPY to the client: its columns are masked as those of any answer, in every format and by every client."""

from __future__ import annotations

import asyncio
import csv
import io

import asyncpg
import psycopg
import pytest

from fixtures.gateway import TOKENS, RunningGateway

from .clients import leaks

pytestmark = pytest.mark.needs("postgres-tls")


def test_psql_copies_what_may_be_seen(permissive: RunningGateway) -> None:
    done = permissive.psql(
        "\\copy (select id, name, city, visits from customers order by id) to stdout csv header"
    )
    assert not done.stderr
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["id", "name", "city", "visits"]
    assert [[row[0], *row[2:]] for row in rows[1:]] == [["1", "Berlin", "3"], ["2", "Hamburg", "5"]]
    assert all(row[1].startswith("<NAME:") for row in rows[1:])
    assert not leaks(done.stdout)


def test_a_whole_table_is_copied_column_by_column(permissive: RunningGateway) -> None:
    done = permissive.psql("copy customers to stdout;")
    assert not leaks(done.stdout + done.stderr)
    first = done.stdout.splitlines()[0].split("\t")
    assert (first[0], first[4], first[5]) == ("1", "Berlin", "3")
    assert first[1].startswith("<EMAIL:")
    vault = permissive.psql(
        "copy (select id, list, secret_day, secret_list, moods from vault) to stdout;"
    ).stdout
    assert not leaks(vault)
    cells = vault.rstrip("\n").split("\t")
    assert (cells[0], cells[2], cells[4]) == ("1", "\\N", "{glad,sad}")
    assert cells[1].startswith("{plain,<EMAIL:")
    assert cells[3].startswith("{<NAME:")


def test_psycopg_reads_rows_of_both_formats(permissive: RunningGateway) -> None:
    asked = "copy (select id, name, city from customers order by id) to stdout"
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(asked) as copy:
            copy.set_types(["int4", "text", "text"])
            text = list(copy.rows())
        with cursor.copy(
            "copy (select id, name, city from customers order by id) to stdout (format binary)"
        ) as copy:
            copy.set_types(["int4", "text", "text"])
            binary = list(copy.rows())
    assert text == binary
    assert [(row[0], row[2]) for row in text] == [(1, "Berlin"), (2, "Hamburg")]
    assert all(row[1].startswith("<NAME:") for row in text)


def test_asyncpg_copies_a_table(permissive: RunningGateway) -> None:
    async def run() -> bytes:
        connection = await asyncpg.connect(
            host=permissive.host,
            port=permissive.port,
            user="alice",
            password=TOKENS["alice"],
            database="shop",
        )
        out = io.BytesIO()
        try:
            await connection.copy_from_table("customers", output=out, columns=["id", "email"], format="csv")
        finally:
            await connection.close(timeout=5)
        return out.getvalue()

    said = asyncio.run(run()).decode()
    assert not leaks(said)
    assert [line.split(",")[0] for line in said.splitlines()] == ["1", "2"]


def test_what_it_exposed_is_recorded(permissive: RunningGateway) -> None:
    before = len(permissive.sink.of("statement.finished"))
    permissive.psql("copy (select email, city from customers) to stdout;")
    (event,) = permissive.sink.of("statement.finished")[before:]
    assert (event.data.rows, event.data.masked, event.data.classes) == (2, 2, ("EMAIL",))
    assert len(event.data.subjects) == 2


def test_a_copy_that_is_not_understood_is_refused(permissive: RunningGateway) -> None:
    done = permissive.psql("copy customers to stdout (format csv, escape '\\');")
    assert "this COPY would hand out masked columns unmasked" in done.stderr
    assert not done.stdout


def test_the_production_set_refuses_it_all(production: RunningGateway) -> None:
    done = production.psql("copy (select email from customers where id = 1) to stdout;")
    assert "COPY carries masked columns past the mask" in done.stderr
