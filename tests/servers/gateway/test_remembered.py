"""What the gateway remembers of a text never outlives what it rests on."""

from __future__ import annotations

import psycopg
import pytest

from glasshatch.masking import Tokens
from glasshatch.policy import PolicySet

CITY = "select c from place where id = 1"


@pytest.mark.parametrize("prepare", [False, True], ids=["text", "prepared"])
def test_another_table_under_the_same_text_is_masked(permissive, prepare: bool) -> None:
    with psycopg.connect(
        permissive.dsn(), autocommit=True, prepare_threshold=0 if prepare else None
    ) as session:
        session.execute("create view place as select id, city as c from customers")
        for _ in range(3):
            assert session.execute(CITY).fetchone() == ("Berlin",)
        session.execute("drop view place")
        # Past the gateway, which lets nobody make this view; that something has changed it knows by the DROP.
        permissive.database.sql("create view place as select id, email as c from customers")
        with psycopg.connect(permissive.dsn(), autocommit=True) as other:
            for who in (other, other):
                shown = who.execute(CITY).fetchone()
                assert shown is not None
                assert shown[0].startswith(("<EMAIL:", "<MASKED:"))
    assert permissive.sink.of("statement.run")[-1].attrs["masked"]


def test_another_policy_decides_the_same_text_at_its_next_run(gateway, tmp_path) -> None:
    closed = tmp_path / "closed.cedar"
    closed.write_text(
        '@id("open")\n@reason("in")\npermit(principal, action == Action::"session.open", resource);\n'
    )
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        for _ in range(2):
            assert session.execute("select city from customers where id = 1").fetchone() == ("Berlin",)
        before, gateway.law.policy = gateway.law.policy, PolicySet.load(closed)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("select city from customers where id = 1")
        gateway.law.policy = before
        assert session.execute("select city from customers where id = 1").fetchone() == ("Berlin",)
    hashes = {event.decision.policy_hash for event in gateway.sink.of("statement.denied")}
    assert hashes == {PolicySet.load(closed).hash}


def test_another_token_key_redacts_the_same_text_anew(gateway) -> None:
    text = "select id from customers where city = 'Berlin'"
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        session.execute(text)
        session.execute(text)
        gateway.redactor.renew(Tokens({1: b"k" * 32, 2: b"n" * 32}, 2, "default"))
        session.execute(text)
    first, second, third = (event.statement.text for event in gateway.sink.of("statement.run")[-3:])
    assert first == second != third
    assert "Berlin" not in first + third


def test_another_actor_gets_events_of_their_own(gateway) -> None:
    for user in ("alice", "dba", "alice"):
        assert gateway.ask("select city from customers where id = 2", user) == "Hamburg"
    runs = gateway.sink.of("statement.run")
    assert [event.actor.name for event in runs] == ["alice", "dba", "alice"]
    assert len({(event.id, event.session_id, event.request_id) for event in runs}) == 3


def test_constants_are_told_apart_where_the_code_is_the_same(gateway) -> None:
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        for number in (1, 2, 1):
            text = f"select city from customers where id = {number}"
            assert session.execute(text).fetchone() == ({1: "Berlin", 2: "Hamburg"}[number],)
        session.execute("select id from customers where city = 'Berlin' or phone = '+4915112345678'")
        session.execute("select id from customers where city = 'Bremen' or phone = '+4915112345679'")
    texts = [event.statement.text for event in gateway.sink.of("statement.run")]
    assert texts[:3] == [f"select city from customers where id = {number}" for number in (1, 2, 1)]
    assert texts[3] != texts[4]
    assert "4915112345678" not in gateway.sink.everything()
