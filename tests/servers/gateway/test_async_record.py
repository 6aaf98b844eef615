"""`record = "async"`: a statement does not wait for its record, unless recording is in doubt."""

from __future__ import annotations

import time

import psycopg
import pytest

from glasshatch.events import Receipt
from glasshatch.gateway import Limits


def test_statements_run_ahead_of_their_records_and_say_so(start) -> None:
    gateway = start(record="async", limits=Limits(behind=5, record_ns=60_000_000_000))
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        assert session.execute("select 1").fetchone() == (1,)
        gateway.sink.mode = "stall"
        for number in range(5):
            assert session.execute(f"select {number}").fetchone() == (number,)
        gateway.wait_for(lambda: len(gateway.sink.held) == 5, "five records under way")
        gateway.sink.mode = "ok"
        for done in gateway.sink.held:
            done(Receipt(1, b"\0" * 32))
        assert session.execute("select 6").fetchone() == (6,)
    runs = gateway.sink.of("statement.run")
    assert len(runs) == 7
    assert {event.attrs["recording"] for event in runs} == {"async"}
    # By this the next start knows that after a crash decisions may be missing.
    assert gateway.sink.of("session.opened")[-1].attrs["recording"] == "async"


def test_a_ledger_that_stands_still_stops_statements(start) -> None:
    gateway = start(record="async", limits=Limits(behind=3, record_ns=700_000_000))
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        session.execute("select 1")
        gateway.sink.mode = "stall"
        for _ in range(3):
            session.execute("select 1")
        with pytest.raises(psycopg.errors.OperationalError, match="recording is unavailable"):
            session.execute("insert into notes (body) values ('unrecorded')")
        gateway.sink.mode = "ok"
        assert session.execute("select count(*) from notes where body = 'unrecorded'").fetchone() == (0,)


def test_a_record_that_failed_makes_the_next_statement_wait_for_its_own(start) -> None:
    gateway = start(record="async")
    with psycopg.connect(gateway.dsn(), autocommit=True) as session:
        session.execute("select 1")
        gateway.sink.mode = "fail"
        session.execute("select 2")
        time.sleep(0.1)
        for _ in range(2):
            with pytest.raises(psycopg.errors.OperationalError, match="recording is unavailable"):
                session.execute("insert into notes (body) values ('unrecorded')")
        gateway.sink.mode = "ok"
        assert session.execute("select count(*) from notes where body = 'unrecorded'").fetchone() == (0,)
        assert session.execute("select 3").fetchone() == (3,)


def test_without_the_choice_no_event_speaks_of_it(gateway) -> None:
    assert gateway.ask("select 1") == "1"
    assert "recording" not in gateway.sink.of("statement.run")[-1].attrs
    assert "recording" not in gateway.sink.of("session.opened")[-1].attrs
