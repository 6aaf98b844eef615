"""The ledger against what the server itself recorded, statement by statement, after a varied workload."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import pytest

from fixtures import clients_at_work as clients
from fixtures.auditing import Records, audited
from fixtures.comparing import Comparison, differences, is_own
from fixtures.depth import rounds
from fixtures.pgaudit import Audited, Failed
from fixtures.servers import PostgresServer
from fixtures.workload import PLAIN, TOGETHER
from glasshatch.events import Event, Outcome
from glasshatch.masking import Engine

pytestmark = pytest.mark.needs("postgres-tls")

WORK = (
    clients.psql,
    clients.psycopg_simple,
    clients.psycopg_extended,
    clients.psycopg_pipelines,
    clients.psycopg_cursors_and_copies,
    clients.cancels,
    clients.refused,
    clients.asyncpg_all,
    clients.pgbench,
)


@pytest.fixture(scope="module")
def records(
    postgres_tls: PostgresServer, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Records]:
    """The workload, done once by every client."""
    with audited(postgres_tls, engine, tmp_path_factory.mktemp("pgaudit"), WORK) as found:
        yield found


def test_the_ledger_says_what_the_server_says(records: Records) -> None:
    found = differences(records.ledger, records.server, records.recorded)
    assert not found, "\n".join(found)


def test_the_workload_is_worth_comparing(records: Records) -> None:
    assert len(PLAIN) + len(TOGETHER) >= 40
    runs, ends = records.of("statement.run"), records.of("statement.finished")
    assert len(runs) >= 1_000
    assert {event.attrs["protocol"] for event in runs} == {"simple", "extended"}
    assert sum("bind" in event.attrs for event in runs) > 100
    assert len(records.of("statement.denied")) > 5
    assert len(records.of("statement.cancelled")) == 2
    assert len(ends) > len(runs), "no portal was read in parts"
    codes = {event.outcome.code for event in ends}
    # Syntax, names, values, a key at COMMIT, a failed transaction, a cancelled statement, a raised error.
    assert {"42601", "42P01", "22P02", "22012", "23503", "25P02", "57014", "P0042", ""} <= codes
    entries = [entry for session in records.server.values() for entry in session]
    assert sum(isinstance(entry, Audited) for entry in entries) >= 1_000


def test_what_was_bound_is_there_and_says_nothing(records: Records) -> None:
    shown = [value for event in records.of("statement.run") for value in event.attrs.get("bind", [])]
    assert sum(value.startswith("<EMAIL:") for value in shown) >= 2
    told = msgspec.json.encode(records.ledger)
    # The server's own log has them in clear, so the canary was on its way.
    values = [
        text
        for session in records.server.values()
        for entry in session
        if isinstance(entry, Audited)
        for part in entry.parts
        for text in (part.text, *part.parameters)
    ]
    assert any("nadia.canary@example.com" in value for value in values)
    for canary in (b"nadia.canary", b"4915112345679", b"4111111111111111"):
        assert canary not in told


def renumbered(events: list[Event]) -> list[Event]:
    """The events as if no number were missing: what is left out must show in what the server says."""
    return [
        msgspec.structs.replace(event, attrs={**event.attrs, "seq": number})
        for number, event in enumerate(events)
    ]


def is_silent(events: list[Event], run: Event) -> bool:
    """Whether pgaudit says nothing of a run: it was never sent, was empty, or ended what had failed."""
    ends = [event for event in events if event.request_id == run.request_id and event.outcome]
    commands = [command for end in ends for command in end.attrs.get("commands", [])]
    return not any(end.outcome.code for end in ends) and (
        commands in (["EMPTY"], ["ROLLBACK"]) or ends[-1].outcome.reason.startswith("not")
    )


def test_an_event_that_is_missing_is_seen(records: Records) -> None:
    events, entries = records.longest()
    runs = [event for event in events if event.action == "statement.run" and not is_silent(events, event)]
    assert len(runs) > 150
    for run in runs[:: rounds(7, 1)]:
        left = renumbered([event for event in events if event.request_id != run.request_id])
        assert list(Comparison(left, entries, records.recorded).differences()), run
        left = [event for event in events if event is not run]
        assert list(Comparison(left, entries, records.recorded).differences()), run


def test_an_entry_that_is_missing_is_seen(records: Records) -> None:
    events, entries = records.longest()
    entries = [entry for entry in entries if not is_own(entry)]
    for place in range(0, len(entries), rounds(7, 1)):
        # Whether it began what then failed, the error alone does not tell.
        if isinstance(entries[min(place + 1, len(entries) - 1)], Failed):
            continue
        left = entries[:place] + entries[place + 1 :]
        assert list(Comparison(events, left, records.recorded).differences()), entries[place]


def otherwise(event: Event, failed: set[str]) -> Iterator[Event]:
    """The event with one thing in it that is not so; of what failed the server does not tell the values."""
    if event.action == "statement.run" and event.statement is not None:
        text = event.statement.text + " "
        yield msgspec.structs.replace(event, statement=msgspec.structs.replace(event.statement, text=text))
        bind = event.attrs.get("bind", [])
        for wrong in (
            ([*bind, "1"], [*bind[:-1], "'another'"]) if bind and event.request_id not in failed else ()
        ):
            yield msgspec.structs.replace(event, attrs={**event.attrs, "bind": wrong})
    elif event.outcome is not None and bool(event.outcome.code) == (event.request_id in failed):
        contrary = Outcome(status="failure", code="" if event.outcome.code else "22012")
        yield msgspec.structs.replace(event, outcome=contrary)
        if event.outcome.code:
            yield msgspec.structs.replace(event, outcome=Outcome(status="failure", code="XX000"))


def test_an_event_that_says_otherwise_is_seen(records: Records) -> None:
    events, entries = records.longest()
    silent = {
        event.request_id for event in events if event.action == "statement.run" and is_silent(events, event)
    }
    failed = {event.request_id for event in events if event.outcome and event.outcome.code}
    seen = 0
    for place in range(0, len(events), rounds(5, 1)):
        if not events[place].request_id or events[place].request_id in silent:
            continue
        for wrong in otherwise(events[place], failed):
            told = [*events[:place], wrong, *events[place + 1 :]]
            assert list(Comparison(told, entries, records.recorded).differences()), wrong
            seen += 1
    assert seen > 50


def test_events_in_another_order_are_seen(records: Records) -> None:
    events, entries = records.longest()
    runs = [
        at
        for at, event in enumerate(events)
        if event.action == "statement.run" and not is_silent(events, event)
    ]
    seen = 0
    for first, second in itertools.pairwise(runs[:: rounds(7, 1)]):
        if events[first].statement.text == events[second].statement.text:
            continue
        told = list(events)
        told[first], told[second] = events[second], events[first]
        assert list(Comparison(renumbered(told), entries, records.recorded).differences()), events[first]
        seen += 1
    assert seen > 15
