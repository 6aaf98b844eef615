"""What goes the short way leaves the same record, shows the same and is bound by the same as the long way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from fixtures.gateway import RunningGateway
from glasshatch.events import Event
from glasshatch.gateway.connectors.postgres.lane import Flight, Lane
from glasshatch.policy import Limit, PolicySet, Usage

OPEN = '@id("all")\n@reason("anything")\npermit(principal, action, resource);\n'
OWN = {"id", "time", "session_id", "request_id", "client", "trace_id", "span_id"}
OWN_ATTRS = {"decision_id", "duration_us", "pid"}


@pytest.fixture
def flights(monkeypatch: pytest.MonkeyPatch) -> list[Flight]:
    """The statements that were sent the short way."""
    seen: list[Flight] = []
    send = Lane._send
    monkeypatch.setattr(Lane, "_send", lambda lane, flight: (seen.append(flight), send(lane, flight))[1])
    return seen


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    policy = tmp_path / "everything.cedar"
    policy.write_text(OPEN)
    return policy


def simple_work(session: psycopg.Connection) -> list[Any]:
    shown: list[Any] = []
    for number in range(1, 9):
        for text in (
            f"select id, city from customers where id = {number}",
            f"select email, name, visits from customers where id in ({number}, {number % 3})",
            f"select n, label from numbers where n < {number}",
            f"select body from notes where id = {number}",
            f"select city from customers where city = 'Town {number}'",
            f"select label from numbers where n = {1_000_000 + number}",
            f"select count(*) from customers where visits > {number} and city <> 'Berlin'",
            "begin",
            f"insert into payments values ({100 + number}, 1, '4111111111111111', {number})",
            f"insert into payments values ({200 + number}, 2, null, {number}) returning id, card",
            f"update payments set cents = {number} where id > {number}",
            f"delete from payments where id >= {100 + number}",
            "rollback" if number % 2 else "commit",
            f"select 10 / (id - {number}) from customers where id > 0",
            f"select * from contact where id = {number}",
        ):
            shown.append(attempt(session, text))
    return shown


def prepared_work(session: psycopg.Connection) -> list[Any]:
    shown: list[Any] = []
    for number in range(1, 9):
        for binary in (False, True):
            for text, values in (
                ("select id, city from customers where id = %s", (number,)),
                ("select email, name from customers where id = %s or city = %s", (number, f"Town {number}")),
                ("select label from numbers where n = %s", (number * 300_000,)),
                ("select body, %s::text from notes where id = %s", ("alice.canary@example.com", number)),
                ("update notes set body = body where id = %s", (number,)),
                ("select 10 / (id - %s) from customers where id > 0", (number,)),
                ("select city from customers where city is not distinct from %s::text", (None,)),
            ):
                shown.append(attempt(session, text, values, binary=binary))
        with session.transaction():
            shown.append(attempt(session, "select city from customers where id = %s", (number,)))
    return shown


def attempt(session: psycopg.Connection, text: str, values: Any = None, *, binary: bool = False) -> Any:
    try:
        cursor = session.execute(text, values, binary=binary)
        return cursor.statusmessage, cursor.fetchall() if cursor.description else None
    except psycopg.Error as error:
        return error.sqlstate, str(error)


def said(events: list[Event]) -> list[dict[str, Any]]:
    """The events without what is another one in every session."""
    found = []
    for event in events:
        whole = msgspec.to_builtins(event)
        whole["attrs"] = {name: value for name, value in event.attrs.items() if name not in OWN_ATTRS}
        found.append({name: value for name, value in whole.items() if name not in OWN})
    return found


@pytest.mark.parametrize("record", ["durable", "async"])
@pytest.mark.parametrize("work", [simple_work, prepared_work])
def test_both_ways_say_the_same(
    start, everything, flights, monkeypatch, work: Callable[[psycopg.Connection], list[Any]], record: str
) -> None:
    def run() -> tuple[list[Any], list[dict[str, Any]], int]:
        gateway = start(policy=everything, record=record)
        threshold = None if work is simple_work else 0
        with psycopg.connect(gateway.dsn(), autocommit=True, prepare_threshold=threshold) as session:
            shown = work(session)
        gateway.stop()
        return shown, said(gateway.sink.events), len(gateway.law.asked)

    short = run()
    assert len(flights) > len(short[0]) / 2
    flights.clear()
    monkeypatch.setattr(Lane, "ask", lambda lane, data: False)
    long = run()
    assert not flights
    assert short[0] == long[0]
    assert short[1] == long[1]
    assert short[2] == long[2], "policy is asked for every statement"


def test_another_policy_holds_at_the_next_statement(start, everything, flights) -> None:
    gateway: RunningGateway = start(policy=everything)
    closed = PolicySet.load("production")
    with (
        psycopg.connect(gateway.dsn(), autocommit=True) as simple,
        psycopg.connect(gateway.dsn(), autocommit=True, prepare_threshold=0) as prepared,
    ):
        for _ in range(4):
            simple.execute("delete from notes")
            prepared.execute("delete from notes where true or id = %s", (1,))
        assert len(flights) >= 3
        gateway.law.policy = closed
        flights.clear()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            simple.execute("delete from notes")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            prepared.execute("delete from notes where true or id = %s", (1,))
        assert not flights
        assert simple.execute("select city from customers where id = 1").fetchone() == ("Berlin",)
        assert prepared.execute("select city from customers where id = %s", (1,)).fetchone() == ("Berlin",)
    for event in (*gateway.sink.of("statement.denied"), gateway.sink.of("statement.run")[-1]):
        assert event.decision.policy_hash == closed.hash


def test_roles_that_change_mask_otherwise_at_the_next_statement(start, everything, flights) -> None:
    gateway: RunningGateway = start(policy=everything)
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        for number in range(4):
            session.execute(f"select city from customers where id = {number}")
        sent = len(flights)
        gateway.law.roles["alice"] = ("other",)
        session.execute("select city from customers where id = 1")
        assert len(flights) == sent, "another decision goes the long way"
        assert session.execute("select city from customers where id = 2").fetchone() == ("Hamburg",)


def test_a_limit_of_statements_counts_the_short_way_too(start, everything, flights) -> None:
    gateway: RunningGateway = start(policy=everything, usage=Usage((Limit(statements_per_minute=10),)))
    with (
        psycopg.connect(gateway.dsn(), autocommit=True) as simple,
        psycopg.connect(gateway.dsn(), autocommit=True, prepare_threshold=0) as prepared,
    ):
        for number in range(5):
            simple.execute(f"select city from customers where id = {number}")
            prepared.execute("select city from customers where id = %s", (number,))
        assert len(flights) >= 4
        for _ in range(2):
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                simple.execute("select city from customers where id = 1")
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                prepared.execute("select city from customers where id = %s", (1,))
    assert len(gateway.sink.of("statement.denied")) == 4


def test_nothing_is_sent_while_the_ledger_is_silent_or_failing(start, everything, flights) -> None:
    gateway: RunningGateway = start(policy=everything)
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        for number in range(4):
            session.execute(f"select city from customers where id = {number}")
        sent = len(flights)
        assert sent
        gateway.sink.mode = "fail"
        with pytest.raises(psycopg.Error) as refused:
            session.execute("select city from customers where id = 2")
        assert refused.value.sqlstate == "57P03"
        assert len(flights) == sent
        gateway.sink.mode = "ok"
        assert session.execute("select city from customers where id = 2").fetchone() == ("Hamburg",)


def test_a_cancel_reaches_a_statement_that_went_the_short_way(start, everything, flights) -> None:
    gateway: RunningGateway = start(policy=everything)
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        for number in range(3):
            session.execute(f"select pg_sleep({number} * 0.001)")
        before = len(flights)
        canceller = threading.Timer(0.5, session.cancel_safe)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("select pg_sleep(60000 * 0.001)")
        canceller.join()
        assert len(flights) == before + 1
        assert session.execute("select 1").fetchone() == (1,)
    assert gateway.sink.of("statement.cancelled")
    assert "57014" in {event.outcome.code for event in gateway.sink.of("statement.finished")}
