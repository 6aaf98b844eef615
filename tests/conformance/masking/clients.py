"""Real clients, each of which asks a text and gives back everything that it was told, as one text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import psycopg

from fixtures.gateway import TOKENS, RunningGateway

from .shop import SECRETS

Client = Callable[[RunningGateway, str], str]


def parts(text: str) -> list[str]:
    """The statements of a case, which are written with ` ;; ` between them."""
    return [part.strip() for part in text.split(";;")]


def leaks(said: str) -> list[str]:
    """The secrets that stand in what a client was told."""
    return [secret for secret in SECRETS if secret in said]


def readable(value: Any) -> str:
    """Any value as a text in which a secret would be seen."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return data.decode("utf-8", "replace") + data.decode("latin-1")
    return str(value)


def by_psql(gateway: RunningGateway, text: str) -> str:
    """One simple query for each statement, text format, COPY as psql does it."""
    done = gateway.psql(";\n".join(parts(text)) + ";")
    return done.stdout + done.stderr


_open: dict[tuple[str, bool], psycopg.Connection] = {}


def over_dsn(dsn: str, text: str, binary: bool, commit: bool = True) -> str:
    """psycopg, extended protocol where it is one statement; answers as raw bytes of the chosen format.

    Connections stay for the next case: making them would be most of the suite's time.
    """
    connection = _open.get((dsn, commit))
    if connection is None or connection.broken:
        connection = _open[dsn, commit] = psycopg.connect(dsn, autocommit=commit)
    said: list[str] = []

    def noticed(one: psycopg.errors.Diagnostic) -> None:
        said.append(f"{one.message_primary} {one.message_detail}")

    def notified(one: psycopg.Notify) -> None:
        said.append(one.payload)

    connection.add_notice_handler(noticed)
    connection.add_notify_handler(notified)
    for statement in parts(text):
        said += _one(connection, statement, binary)
    if "listen" in text:
        connection.execute("select 1")  # psycopg hands notifications over when it reads by itself
    if not commit:
        connection.rollback()
    connection.remove_notice_handler(noticed)
    connection.remove_notify_handler(notified)
    return " ".join(said)


def close_all() -> None:
    """Let the servers stop."""
    for connection in _open.values():
        connection.close()
    _open.clear()


def _one(connection: psycopg.Connection, statement: str, binary: bool) -> list[str]:
    try:
        if statement.startswith("copy"):
            with connection.cursor().copy(statement) as copy:
                return [readable(b"".join(bytes(part) for part in copy))]
        result = connection.pgconn.exec_params(statement.encode(), [], result_format=int(binary))
        cells = [
            result.get_value(row, column) for row in range(result.ntuples) for column in range(result.nfields)
        ]
        if result.error_message:
            connection.pgconn.exec_(b"rollback")
        return [readable(result.error_message), *map(readable, cells)]
    except psycopg.Error as error:
        return [str(error), str(error.diag.message_detail), str(error.diag.context)]


def by_psycopg_text(gateway: RunningGateway, text: str) -> str:
    return over_dsn(gateway.dsn(), text, binary=False)


def by_psycopg_binary(gateway: RunningGateway, text: str) -> str:
    return over_dsn(gateway.dsn(), text, binary=True)


def by_asyncpg(gateway: RunningGateway, text: str) -> str:
    """Prepared once, run twice, binary, decoded by the client: a value of a broken type would be an error."""
    return asyncio.run(_by_asyncpg(gateway, text))


async def _by_asyncpg(gateway: RunningGateway, text: str) -> str:
    connection = await asyncpg.connect(
        host=gateway.host, port=gateway.port, user="alice", password=TOKENS["alice"], database="shop"
    )
    said: list[str] = []
    connection.add_log_listener(lambda _, message: said.append(str(message.as_dict())))
    try:
        for statement in parts(text):
            prepared = await connection.prepare(statement)
            for _ in range(2):
                said += [readable(cell) for row in await prepared.fetch() for cell in row.values()]
    except asyncpg.PostgresError as error:
        said.append(str(error.as_dict()))
    except asyncpg.InternalClientError as error:
        # It reads a type that it does not know (anyarray) from tables that are masked; directly it fails too.
        said.append(str(error))
    finally:
        await connection.close(timeout=5)
    return " ".join(said)


CLIENTS: dict[str, Client] = {
    "psql": by_psql,
    "psycopg-text": by_psycopg_text,
    "psycopg-binary": by_psycopg_binary,
    "asyncpg": by_asyncpg,
}
