"""Programs with a window through a live gateway, under `production`, with masked columns in the database."""

from __future__ import annotations

import psycopg
import pytest

from fixtures.gui import GuiQuery, gui_queries

# They tell of sessions, transactions and clocks, which are others in another session.
_CHANGING = ("dashboard: ", "sessions: ", "connect: ", "tree: settings", "table: statistics")


def numbers(database) -> dict[str, str]:
    """The OIDs that the statements are about."""
    asked = "SELECT 'public'::regnamespace::oid, 'customers'::regclass::oid, oid, 'shout'::regproc::oid"
    found = database.sql(f"{asked} FROM pg_database WHERE datname = current_database()").split("|")
    return dict(zip(("schema", "table", "database", "function"), found, strict=True))


def answer(connection: psycopg.Connection, text: str) -> list[list[tuple[object, ...]]]:
    """All rows of all answers of a text."""
    cursor = connection.execute(text)
    rows = [cursor.fetchall() if cursor.description else []]
    while cursor.nextset():
        rows.append(cursor.fetchall() if cursor.description else [])
    return rows


def test_every_question_of_a_window_is_answered_as_the_database_would(gateway) -> None:
    server, oids = gateway.server, numbers(gateway.database)
    straight = f"host={server.host} port={server.port} user={server.user} password={server.password}"
    wrong = []
    with (
        psycopg.connect(f"{straight} dbname={gateway.database.name}", autocommit=True) as direct,
        psycopg.connect(gateway.dsn(), autocommit=True) as through,
    ):
        for query in gui_queries():
            if query.moment == "refused":
                continue
            problem = compared(direct, through, query, oids)
            if problem:
                wrong.append(f"{query}: {problem}")
    assert not wrong, "\n".join(wrong)
    assert not gateway.sink.of("statement.denied")
    assert not gateway.sink.of("statement.held")


def compared(
    direct: psycopg.Connection, through: psycopg.Connection, query: GuiQuery, oids: dict[str, str]
) -> str:
    text = query.of(oids)
    wanted = answer(direct, text)
    try:
        got = answer(through, text)
    except psycopg.Error as error:
        return str(error)
    if any(str(query).split(": ", 1)[1].startswith(one) for one in _CHANGING):
        return ""
    if [len(rows) for rows in got] != [len(rows) for rows in wanted]:
        return f"{[len(rows) for rows in got]} rows and not {[len(rows) for rows in wanted]}"
    if query.moment != "data" and got != wanted:
        return "other values: " + str(
            [
                (a, b) for x, y in zip(wanted, got, strict=True)
                for p, q in zip(x, y, strict=True) for a, b in zip(p, q, strict=True) if a != b
            ][:4]
        )  # fmt: skip
    return ""


def test_what_a_window_shows_of_masked_columns_is_masked(gateway) -> None:
    texts = [query.of() for query in gui_queries() if query.moment == "data" and "customers" in query.text]
    with psycopg.connect(gateway.dsn(), autocommit=True) as through:
        shown = str([answer(through, text) for text in texts])
    assert "Berlin" in shown
    for canary in ("canary", "Canary", "4915112345"):
        assert canary not in shown


@pytest.mark.parametrize("query", [query for query in gui_queries() if query.moment == "refused"], ids=str)
def test_what_is_refused_says_so_and_the_session_goes_on(gateway, query: GuiQuery) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as through:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            through.execute(query.of())
        assert through.execute("SELECT 1").fetchone() == (1,)


def test_a_row_of_named_columns_is_judged_by_these_columns(gateway) -> None:
    asked = "SELECT row_to_json(t)::text FROM (SELECT {} FROM customers WHERE id = 1) t"
    with psycopg.connect(gateway.dsn(), autocommit=True) as through:
        assert through.execute(asked.format("id, city")).fetchone() == ('{"id":1,"city":"Berlin"}',)
        for columns in ("id, email", "id, lower(name) AS city", "*", "customers AS c", "(customers).email"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                through.execute(asked.format(columns))


def test_settings_that_change_how_text_is_read_are_refused_among_others_too(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as through:
        through.execute(
            "SET DateStyle=ISO; SET client_encoding='utf-8'; SET standard_conforming_strings = on;"
        )
        for text in (
            "SET client_encoding='utf-8'; SET client_encoding='SJIS'",
            "SET client_encoding = /*;SET client_encoding = utf8;*/ 'SJIS'",
            "SET client_encoding = 'UTF8;SJIS'",
            "SET DateStyle=ISO; SET NAMES 'LATIN1'; SET NAMES 'UTF8'",
            "SET standard_conforming_strings = off; SET client_encoding='UTF8'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                through.execute(text)
        assert through.execute("SHOW client_encoding").fetchone() == ("UTF8",)
