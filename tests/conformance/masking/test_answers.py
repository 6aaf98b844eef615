"""What is masked keeps its type or is NULL, what is harmless stays, and guessing is refused or counted."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.hstore import register_hstore

from fixtures.gateway import TOKENS, RunningGateway

from .clients import by_psql, leaks
from .shop import COPIES, GUESSES

pytestmark = pytest.mark.needs("postgres-tls")


def with_asyncpg(gateway: RunningGateway, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user="alice", password=TOKENS["alice"], database="shop"
        )
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=5)

    return asyncio.run(run())


def test_the_suite_sees_what_is_not_masked(unmasked: RunningGateway) -> None:
    """With the rules turned to `keep`, the same question shows the value: the suite has power."""
    assert leaks(by_psql(unmasked, "select name from customers"))
    assert leaks(by_psql(unmasked, "select secret_doc, secret_list from vault"))


def test_harmless_columns_stay_readable(permissive: RunningGateway) -> None:
    assert permissive.ask("select id, city, visits from customers where id = 1") == "1|Berlin|3"
    assert permissive.ask("select city from cities order by id") == "Berlin\nHamburg"
    assert permissive.ask("select count(*) from customers") == "2"
    assert permissive.ask("select shout(city) from customers where id = 1") == "BERLIN"
    assert permissive.ask("select upper(city) || id from customers where id = 1") == "BERLIN1"
    assert permissive.ask("select id, city from contact where id = 1") == "1|Berlin"
    assert permissive.ask("select id from roll order by 1") == "1\n2"
    assert permissive.ask("select moods, id from vault") == "{glad,sad}|1"
    assert permissive.ask("select b, c from labelled") == "5|plain"
    assert permissive.ask("select current_setting('server_version_num')::int / 10000") == "15"
    assert permissive.ask("explain (costs off) select city from customers").startswith("Seq Scan")


def test_a_number_named_email_stays_a_number(permissive: RunningGateway) -> None:
    """The false alarm: masking it to text would break a binary client."""

    async def ask(connection: Any) -> list[Any]:
        about = await connection.fetchrow(
            "select avg(length(email)) as email, visits from customers group by 2"
        )
        count = await connection.fetchrow("select count(email) as email, 7 as phone from customers")
        return [*about, *count]

    email, visits, count, phone = with_asyncpg(permissive, ask)
    assert email is None or isinstance(email, Decimal)
    assert visits in (3, 5)
    assert (count, phone) == (2, 7)


def test_describe_once_statements_interleaved_keep_their_plans(permissive: RunningGateway) -> None:
    async def ask(connection: Any) -> list[list[Any]]:
        secret = await connection.prepare("select name, id from customers where id = $1")
        plain = await connection.prepare("select city, id from customers where id = $1")
        derived = await connection.prepare("select name || '' as city from customers where id = $1")
        return [
            list(await prepared.fetchrow(number))
            for number in (1, 2, 1)
            for prepared in (secret, plain, derived)
        ]

    found = with_asyncpg(permissive, ask)
    assert not leaks(str(found))
    assert [row[0] for row in found[1::3]] == ["Berlin", "Hamburg", "Berlin"]
    assert found[0] == found[6]


SECRET_COLUMNS = """secret_list, secret_map, secret_doc, secret_raw, secret_xml, secret_one, secret_many,
  secret_ci, secret_nick, secret_mood, secret_number, secret_day, secret_uuid"""
OPEN_COLUMNS = "list, map, doc, raw, x, one, ci, origin, nic, moods"


def is_token(value: str, type: str) -> bool:
    return value.startswith(f"<{type}:") and value.endswith(">")


def test_every_type_keeps_its_type_for_a_binary_client(permissive: RunningGateway) -> None:
    async def ask(connection: Any) -> list[Any]:
        await connection.set_builtin_type_codec("hstore", codec_name="pg_contrib.hstore")
        return [
            await connection.fetchrow(f"select {SECRET_COLUMNS} from vault"),
            await connection.fetchrow(f"select {OPEN_COLUMNS} from vault"),
        ]

    secret, open_ = with_asyncpg(permissive, ask)
    assert not leaks(str(secret) + str(open_))
    first, second, third = secret["secret_list"]
    assert (is_token(first, "NAME"), is_token(second, "NAME"), third) == (True, True, None)
    assert all(is_token(name, "NAME") for name in secret["secret_map"])
    assert is_token(json.loads(secret["secret_doc"]), "NAME")
    assert is_token(secret["secret_raw"].decode(), "NAME")
    assert secret["secret_xml"].startswith("&lt;NAME:")
    assert (is_token(secret["secret_one"]["title"], "NAME"), secret["secret_one"]["age"]) == (True, None)
    assert is_token(secret["secret_many"][0]["title"], "NAME")
    assert is_token(secret["secret_ci"], "NAME")
    assert is_token(secret["secret_nick"], "NAME")
    assert {secret[name] for name in ("secret_mood", "secret_number", "secret_day", "secret_uuid")} == {None}
    plain, mail = open_["list"]
    assert (plain, is_token(mail, "EMAIL")) == ("plain", True)
    assert is_token(open_["map"]["mail"], "EMAIL")
    assert is_token(json.loads(open_["doc"])["m"], "EMAIL")
    assert open_["raw"].startswith(b"to <EMAIL:")
    assert open_["x"].startswith("<m>&lt;EMAIL:")
    assert (is_token(open_["one"]["title"], "EMAIL"), open_["one"]["age"]) == (True, 7)
    assert is_token(open_["ci"], "EMAIL")
    assert (open_["origin"], open_["nic"], open_["moods"]) == (None, None, ["glad", "sad"])


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_reads_them_in_both_formats(permissive: RunningGateway, binary: bool) -> None:
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection:
        for register, info in (
            (register_composite, CompositeInfo.fetch(connection, "person")),
            (register_hstore, psycopg.types.TypeInfo.fetch(connection, "hstore")),
        ):
            register(info, connection)
        cursor = connection.cursor(binary=binary)
        secret = cursor.execute(
            "select secret_list, secret_map, secret_one, secret_many, secret_day, secret_number from vault"
        ).fetchone()
        open_ = cursor.execute("select list, map, one, doc, raw, moods, id from vault").fetchone()
    assert not leaks(str(secret) + str(open_))
    assert is_token(secret[0][0], "NAME")
    assert is_token(secret[1].popitem()[0], "NAME")
    assert (is_token(secret[2].title, "NAME"), secret[2].age) == (True, None)
    assert is_token(secret[3][0].title, "NAME")
    assert secret[4:] == (None, None)
    assert (open_[0][0], open_[2].age, open_[6]) == ("plain", 7, 1)
    assert is_token(open_[1]["mail"], "EMAIL")
    assert is_token(open_[3]["m"], "EMAIL")
    assert bytes(open_[4]).startswith(b"to <EMAIL:")


def test_dates_stay_dates(permissive: RunningGateway) -> None:
    row = with_asyncpg(permissive, lambda c: c.fetchrow("select current_date as day, now() as at, 1.5 as n"))
    assert isinstance(row["day"], datetime.date)
    assert row["n"] == Decimal("1.5")


@pytest.mark.parametrize("text", GUESSES)
def test_a_guess_is_refused_in_production(production: RunningGateway, text: str) -> None:
    done = production.psql(f"{text};")
    assert not leaks(done.stdout + done.stderr)
    assert "refused by policy" in done.stderr or "<NAME:" in done.stdout or not done.stdout.strip()


@pytest.mark.parametrize("text", GUESSES)
def test_a_guess_that_policy_allows_is_counted(permissive: RunningGateway, text: str) -> None:
    """What masking cannot hide is on the record, with the columns it touches."""
    before = len(permissive.sink.of("statement.run"))
    permissive.psql(f"{text};")
    (event,) = permissive.sink.of("statement.run")[before:]
    assert any(".customers." in name for name in event.attrs["masked"])


@pytest.mark.parametrize("text", COPIES)
def test_a_copy_of_a_masked_value_is_refused_in_production(production: RunningGateway, text: str) -> None:
    done = production.psql(f"begin; {text}; rollback;")
    assert "refused by policy" in done.stderr
