"""Every known way around name-based masking, with real clients: masked or refused, never shown.

`permissive` forbids nothing, so that masking alone must hold; `gateway` runs the production set.
"""

from __future__ import annotations

import asyncio
import time

import asyncpg
import psycopg
import pytest

from glasshatch.gateway import Limits

SECRETS = ("canary", "Canary", "nairanac", "yranac", "4111111111111111", "5555555555554444", "15112345678")
HEX = b"alice.canary".hex()

READS = [
    "select email as e from customers",
    "select email e, id from customers c",
    "select substr(email, 1, 99) from customers",
    "select email || '' from customers",
    "select encode(email::bytea, 'hex') from customers",
    "select reverse(email) from customers",
    "select upper(name) from customers",
    "select substr(name, 1, 8) as city from customers",
    "select left(card, 12) from payments",
    "select c from customers c",
    "select row_to_json(c) from customers c",
    "select to_jsonb(c) from customers c",
    "select json_agg(c) from customers c",
    "select json_agg(name) from customers",
    "select j.value from customers c, lateral json_each_text(row_to_json(c)) j",
    "select query_to_xml('select name from customers', true, true, '')",
    "select table_to_xml('customers', true, true, '')",
    "select array_agg(name) from customers",
    "select string_agg(name, ',') from customers",
    "select array[name, email] from customers",
    "select row(name, email) from customers",
    "select (c).name from customers c",
    "select name, * from customers",
    "select city, name, c.*, id from customers c",
    "select x from (select name as x from customers) s",
    "select x from (select name || '' as x from customers) s",
    "with t as (select name n from customers) select n from t",
    "with t as (select name || ' ' n from customers) select * from t",
    "select e from contact",
    "select * from contact",
    "select e || '' from contact",
    "select 'x' union all select name from customers",
    "select city from customers union select name from customers",
    "select * from all_customers()",
    "select name from all_customers()",
    "select all_customers()",
    "select shout(name) from customers",
    "update customers set visits = visits + 1 returning name",
    "update customers set visits = visits + 1 returning name || ''",
    "insert into customers (id, name) values (77, 'x') returning (select name from customers where id = 1)",
    "begin; declare c cursor for select name || '' from customers; fetch all from c; commit",
    "prepare p as select name || '' from customers; execute p; deallocate p",
    "explain analyze select name from customers where name = 'x'",
    "select coalesce(null, name) from customers",
    "select case when true then name end from customers",
    "select max(name) from customers",
    "select first_value(name) over () from customers",
    "select format('%s', name) from customers",
    "select (select name from customers where id = 1)",
    "select name::varchar from customers",
    "select name::bytea from customers",
    "select convert_to(name, 'UTF8') from customers",
    "select regexp_split_to_table(name, '') from customers",
    "select jsonb_build_object('a', name) from customers",
    "select to_tsvector('simple', name) from customers",
    "values ((select name from customers where id = 1))",
    "table customers",
    "select most_common_vals from pg_stats where tablename = 'customers'",
    "select histogram_bounds::text from pg_stats where tablename = 'customers'",
    "select stavalues1 from pg_statistic",
    "copy customers to stdout",
    "copy (select name from customers) to stdout",
    "copy (select name from customers) to stdout with (format csv)",
    "copy (select e from contact) to stdout with (format binary)",
    "create temp table stolen as select name as harmless from customers; select harmless from stolen",
    "select name as harmless into temp stolen from customers; select harmless from stolen",
    "create temp view stolen as select name as harmless from customers; select harmless from stolen",
    "select name::int from customers",
    "select cast(name as date) from customers where id = 1",
    "select tell()",
    "select 1/length(name) - 1/0 from customers",
]


def leaks(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, HEX) if secret in text]


@pytest.mark.parametrize("text", READS)
def test_masking_alone_holds(permissive, text: str) -> None:
    permissive.database.sql("ANALYZE customers")
    for one in ([text], text.split("; ")):
        done = permissive.psql(";\n".join(one) + ";")
        assert not leaks(done.stdout + done.stderr), done.stdout + done.stderr


@pytest.mark.parametrize("text", READS)
def test_production_holds_in_prepared_and_binary_form(gateway, text: str) -> None:
    if ";" in text or text.startswith("copy"):
        text = text.split("; ", maxsplit=1)[0]
    seen: list[str] = []
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            try:
                cursor.execute(text, prepare=True)
                if cursor.description:
                    seen.append(str([cell for row in cursor.fetchall() for cell in row]))
                    seen.append(
                        str([bytes(cell) for row in cursor for cell in row if isinstance(cell, bytes)])
                    )
            except psycopg.Error as error:
                seen.append(str(error))
    assert not leaks("".join(seen)), seen


def test_other_columns_stay_readable(permissive) -> None:
    assert permissive.ask("select id, city, visits from customers where id = 1") == "1|Berlin|3"
    assert permissive.ask("select city from cities order by id") == "Berlin\nHamburg"
    assert permissive.ask("select count(*) from customers") == "2"
    assert permissive.ask("select shout(city) from customers where id = 1") == "BERLIN"
    assert permissive.ask("select upper(city) || id from customers where id = 1") == "BERLIN1"
    assert permissive.ask("select id, city from contact where id = 1") == "1|Berlin"


def test_a_masked_number_stays_a_number_or_null_for_binary_clients(permissive) -> None:
    async def run() -> list[object]:
        connection = await asyncpg.connect(
            host=permissive.host,
            port=permissive.port,
            user="alice",
            password="gh_alice_secret",
            database="shop",
        )
        try:
            row = await connection.fetchrow(
                "select avg(length(email)) as email, visits from customers group by visits"
            )
            return list(row)
        finally:
            await connection.close()

    email, visits = asyncio.run(run())
    assert email is None or not isinstance(email, str)
    assert visits in (3, 5)


def test_describe_once_statements_interleaved_keep_their_plans(permissive) -> None:
    async def run() -> tuple[list[object], ...]:
        connection = await asyncpg.connect(
            host=permissive.host,
            port=permissive.port,
            user="alice",
            password="gh_alice_secret",
            database="shop",
        )
        try:
            secret = await connection.prepare("select name, id from customers where id = $1")
            plain = await connection.prepare("select city, id from customers where id = $1")
            derived = await connection.prepare("select name || '' as city from customers where id = $1")
            found = []
            for number in (1, 2, 1):
                found.append(list(await secret.fetchrow(number)))
                found.append(list(await plain.fetchrow(number)))
                found.append(list(await derived.fetchrow(number)))
            return tuple(found)
        finally:
            await connection.close()

    found = asyncio.run(run())
    assert not leaks(str(found))
    assert [row[0] for row in found[1::3]] == ["Berlin", "Hamburg", "Berlin"]
    assert found[0] == found[6]


def test_a_table_made_meanwhile_is_not_trusted(permissive) -> None:
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        permissive.database.sql("CREATE TABLE fresh AS SELECT name AS harmless FROM customers")
        row = connection.execute("select harmless from fresh").fetchone()
        assert not leaks(str(row))


def test_a_view_replaced_meanwhile_is_traced_again(start, tmp_path) -> None:
    """Replaced past the gateway, the view keeps its OID: what is known of it must not outlive its time."""
    policy = tmp_path / "everything.cedar"
    policy.write_text('@id("all")\n@reason("anything")\npermit(principal, action, resource);\n')
    gateway = start(policy=policy, limits=Limits(catalogue_ns=100_000_000))
    gateway.database.sql("CREATE VIEW v AS SELECT id, city FROM customers")
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        assert connection.execute("select city from v where id = 1").fetchone() == ("Berlin",)
        gateway.database.sql("CREATE OR REPLACE VIEW v AS SELECT id, name AS city FROM customers")
        time.sleep(0.2)
        assert not leaks(str(connection.execute("select city from v").fetchall()))


def test_a_column_renamed_through_the_gateway_is_known_at_once(permissive) -> None:
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection:
        assert connection.execute("select count(*) from cities").fetchone() == (2,)
        connection.execute("ALTER TABLE cities RENAME COLUMN city TO town")
        assert connection.execute("select town from cities where id = 1").fetchone() == ("Berlin",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE OR REPLACE VIEW cities AS SELECT id, name AS town FROM customers")


def test_sql_prepare_cannot_hide_behind_a_protocol_name(permissive) -> None:
    """A name prepared harmlessly by protocol, then again in SQL: the old understanding must not serve it."""
    with psycopg.connect(permissive.dsn(), autocommit=True) as connection:
        pg = connection.pgconn
        assert pg.prepare(b"innocent", b"select city || '' as x from customers where id = 1").status == 1
        assert pg.exec_(b"DEALLOCATE innocent").status == 1
        assert pg.exec_(b"PREPARE innocent AS select name || '' as x from customers where id = 1").status == 1
        result = pg.exec_prepared(b"innocent", [])
        assert result.ntuples == 0 or not leaks(str(result.get_value(0, 0)))
        assert b"not known" in (result.error_message or b"not known")
        result = pg.exec_(b"EXECUTE innocent")
        assert not leaks(str(result.get_value(0, 0)))
