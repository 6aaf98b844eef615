"""What changes under a session's feet must not open a way around the mask.

Every shape of a query that could is in tests/conformance/masking. `permissive` forbids nothing here.
"""

from __future__ import annotations

import time

import psycopg
import pytest

from glasshatch.gateway import Limits

SECRETS = ("canary", "Canary", "nairanac", "yranac", "4111111111111111", "5555555555554444", "15112345678")
HEX = b"alice.canary".hex()


def leaks(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, HEX) if secret in text]


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
