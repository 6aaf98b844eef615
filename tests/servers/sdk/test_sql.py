"""SQLAlchemy's hooks with real drivers and a real PostgreSQL, sync and async."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Engine, bindparam, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from fixtures.recording import offline, recorded
from fixtures.servers import Database
from glasshatch.errors import ConfigError
from glasshatch.sdk import start_trace
from glasshatch.sdk.sql import watch

MAIL = "ada@example.com"


def address(database: Database, driver: str) -> str:
    server = database.server
    return (
        f"postgresql+{driver}://{server.user}:{server.password}@{server.host}:{server.port}/{database.name}"
    )


@pytest.fixture
def engine(fresh_database: Database) -> Engine:
    return create_engine(address(fresh_database, "psycopg"))


def test_statements_are_recorded_by_their_shape(tmp_path: Path, engine: Engine) -> None:
    sdk = offline(tmp_path)
    unwatch = watch(engine, sdk)
    with start_trace() as trace, engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (id int PRIMARY KEY, mail text)"))
        rows = [{"id": n, "mail": MAIL} for n in range(3)]
        connection.execute(text("INSERT INTO people VALUES (:id, :mail)"), rows)
        found = connection.execute(text("SELECT * FROM people WHERE mail = :mail"), {"mail": MAIL}).all()
        literal = text("SELECT count(*) FROM people WHERE mail = 'ada@example.com' OR id IN :ids")
        connection.execute(literal.bindparams(bindparam("ids", expanding=True)), {"ids": [1, 2]})
        (query,) = connection.execute(
            text("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        ).one()
    assert len(found) == 3
    assert query.endswith(trace.sql_comment())
    unwatch()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    events = recorded(tmp_path, sdk)
    assert {event["action"] for event in events} == {"query.run"}
    assert [event["statement"]["shape"] for event in events] == [
        "CREATE TABLE people (id int PRIMARY KEY, mail text)", "INSERT INTO people VALUES (?)",
        "SELECT * FROM people WHERE mail = ?", "SELECT count(*) FROM people WHERE mail = ? OR id IN (?)",
        "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()",
    ]  # fmt: skip
    assert [event["data"].get("rows", 0) for event in events[1:]] == [3, 3, 1, 1]
    assert events[1]["attrs"]["executions"] == 3
    assert {event["trace_id"] for event in events} == {trace.trace_id}
    assert {event["resource"]["type"] for event in events} == {"postgresql"}
    assert all(
        event["attrs"]["duration_us"] >= 0 and event["outcome"] == {"status": "success"} for event in events
    )
    assert MAIL not in str(events)


def test_a_failure_has_its_code_and_no_text(tmp_path: Path, engine: Engine) -> None:
    sdk = offline(tmp_path)
    watch(engine, sdk, resource="orders", comment=False)
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT CAST(:mail AS int)"), {"mail": MAIL})
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT * FROM nobody WHERE mail = 'ada@example.com'"))
    events = recorded(tmp_path, sdk)
    assert [event["outcome"]["code"] for event in events] == ["22P02", "42P01"]
    assert events[1]["outcome"]["reason"] == "UndefinedTable"
    assert events[1]["severity"] == 3
    assert events[1]["resource"]["id"] == "orders"
    assert MAIL not in str(events)


def test_values_are_recorded_where_that_is_asked_for(tmp_path: Path, engine: Engine) -> None:
    sdk = offline(tmp_path)
    watch(engine, sdk, values=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT CAST(:n AS int)"), {"n": 7})
        assert "traceparent" not in str(connection.execute(text("SELECT current_query()")).scalar())
    first, _ = recorded(tmp_path, sdk)
    assert first["attrs"]["bind"] == {"n": 7}


def test_an_async_engine_is_recorded_too(tmp_path: Path, fresh_database: Database) -> None:
    sdk = offline(tmp_path)

    async def play() -> str:
        engine = create_async_engine(address(fresh_database, "asyncpg"))
        watch(engine, sdk)
        with start_trace() as trace:
            async with engine.connect() as connection:
                assert (await connection.execute(text("SELECT 7 WHERE 1 = :one"), {"one": 1})).scalar() == 7
                said = await connection.execute(text("SELECT current_query()"))
                assert str(trace.trace_id) in str(said.scalar())
        await engine.dispose()
        return trace.trace_id

    trace_id = asyncio.run(play())
    events = [event for event in recorded(tmp_path, sdk) if "WHERE" in event["statement"]["shape"]]
    assert [(event["trace_id"], event["statement"]["shape"]) for event in events] == [
        (trace_id, "SELECT ? WHERE ? = ?")
    ]


def test_what_is_no_engine_is_refused() -> None:
    with pytest.raises(ConfigError, match="no engine"):
        watch(object())
