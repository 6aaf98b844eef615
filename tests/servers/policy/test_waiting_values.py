"""Statements with bound values wait for their review too: each run, with exactly the values of its Bind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import asyncpg
import psycopg
import pytest

from .conftest import PolicyServer, until
from .holding import Asked, connected, waiting

MYSTERY = "SELECT mystery(%s)"


def test_a_judge_sees_the_values_redacted_and_each_run_waits_anew(held: PolicyServer) -> None:
    notices: list[str] = []
    with connected(held, "alice", notices) as alice:
        asked = Asked(alice, "SELECT mystery(%s) WHERE %s::text <> ''", (41, "anna.canary@example.com"))
        request = waiting(held)
        until(lambda: notices, "notice")
        assert f"glasshatch withdraw {request.id[:13]}" in notices[0]
        assert "$1 = 41, $2 = <" in request.statement.text
        assert "anna.canary" not in request.statement.text
        held.client("bob").approve(request.id, "these values")
        assert asked.ended().rows == [(42,)], asked.error
        # Other values are another statement: nobody approved these.
        other = Asked(alice, "SELECT mystery(%s) WHERE %s::text <> ''", (666, "x"))
        second = waiting(held)
        assert "$1 = 666" in second.statement.text
        held.client("bob").deny(second.id, "not these")
        assert isinstance(other.ended().error, psycopg.errors.InsufficientPrivilege)
        assert alice.execute("SELECT %s::int", (1,)).fetchone() == (1,)
    found = lambda: [  # noqa: E731
        one for one in held.events("statement.run") if one.get("access", {}).get("approval_id") == request.id
    ]
    (run,) = until(found, "run on record")
    assert run["attrs"]["bind"][0] == "41"
    assert run["access"]["approvers"] == ["bob"]


def test_what_was_prepared_once_waits_at_every_run(held: PolicyServer) -> None:
    with connected(held, "alice") as alice:
        for value in (1, 2):
            asked = Asked(alice, MYSTERY, (value,), prepare=True)
            held.client("bob").approve(waiting(held).id, "")
            assert asked.ended().rows == [(value + 1,)], asked.error
        plain = Asked(alice, "SELECT mystery(41)", prepare=True)
        held.client("bob").approve(waiting(held).id, "")
        assert plain.ended().rows == [(42,)], plain.error


def test_a_change_with_values_is_measured_for_its_judge(held: PolicyServer) -> None:
    asked_for = held.client("alice").create_request(_updates())
    grant = held.client("bob").approve(asked_for.id, "").grant_id
    with connected(held, "alice") as alice:
        text = "UPDATE orders SET cents = mystery(cents) WHERE id BETWEEN %s AND %s"
        asked = Asked(alice, text, (11, 13))
        request = waiting(held)
        # A function of the database's own is not planned; without one the rows are counted.
        assert request.statement.preview.method in ("counted", "planned", "none")
        held.client("bob").deny(request.id, "")
        asked.ended()
    held.client("bob").revoke(grant)


def test_a_pipeline_keeps_its_order_and_a_denial_undoes_its_part(held: PolicyServer) -> None:
    with connected(held, "alice") as alice:
        said: list[Any] = []

        def work() -> None:
            with alice.pipeline() as pipeline:
                first = alice.execute("SELECT %s::int", (1,))
                second = alice.execute(MYSTERY, (41,))
                third = alice.execute("SELECT %s::int", (3,))
                pipeline.sync()
                said.extend(found.fetchone() for found in (first, second, third))

        thread = threading.Thread(target=work)
        thread.start()
        held.client("bob").approve(waiting(held).id, "")
        thread.join(60)
        assert said == [(1,), (42,), (3,)]

        errors: list[Exception] = []

        def refused() -> None:
            try:
                with alice.pipeline():
                    alice.execute("INSERT INTO orders VALUES (%s, 1)", (777,))
                    alice.execute(MYSTERY, (41,))
            except psycopg.Error as error:
                errors.append(error)

        thread = threading.Thread(target=refused)
        thread.start()
        held.client("bob").deny(waiting(held).id, "no")
        thread.join(60)
        assert isinstance(errors[0], psycopg.errors.InsufficientPrivilege)
        assert alice.execute("SELECT count(*) FROM orders WHERE id = %s", (777,)).fetchone() == (0,)


def test_in_a_transaction_it_waits_and_the_transaction_goes_on(held: PolicyServer) -> None:
    with connected(held, "alice") as alice, alice.transaction():
        alice.execute("SELECT 1")
        asked = Asked(alice, MYSTERY, (5,))
        held.client("bob").approve(waiting(held).id, "")
        assert asked.ended().rows == [(6,)], asked.error
        assert alice.execute("SELECT %s::int", (2,)).fetchone() == (2,)


def test_a_cancel_ends_the_wait_and_withdraws(held: PolicyServer) -> None:
    with connected(held, "alice") as alice:
        asked = Asked(alice, MYSTERY, (41,))
        request = waiting(held)
        alice.cancel_safe()
        assert isinstance(asked.ended().error, psycopg.errors.QueryCanceled)
        until(lambda: held.client("bob").show_request(request.id).state == "withdrawn", "withdrawal")
        assert alice.execute("SELECT %s::int", (2,)).fetchone() == (2,)


def test_asyncpg_waits_with_a_notice_and_its_timeout_withdraws(held: PolicyServer) -> None:
    async def work() -> None:
        notices: list[str] = []
        alice = await _asyncpg(held, "alice")
        alice.add_log_listener(lambda _, said: notices.append(str(said)))
        for value in (41, 42):
            asked = asyncio.create_task(alice.fetch("SELECT mystery($1)", value))
            request = await asyncio.to_thread(waiting, held)
            assert f"$1 = {value}" in request.statement.text
            assert any("waiting for" in said for said in notices)
            await asyncio.to_thread(held.client("bob").approve, request.id, "")
            assert [tuple(row) for row in await asked] == [(value + 1,)]
        slow = asyncio.create_task(alice.fetchval("SELECT mystery($1)", 7, timeout=4))
        request = await asyncio.to_thread(waiting, held)
        with pytest.raises(asyncio.TimeoutError):
            await slow
        await asyncio.to_thread(
            until, lambda: held.client("bob").show_request(request.id).state == "withdrawn", "withdrawal"
        )
        assert await alice.fetchval("SELECT $1::int", 3) == 3
        many = asyncio.create_task(alice.executemany("SELECT mystery($1)", [(1,), (2,)]))
        for _ in range(2):
            request = await asyncio.to_thread(waiting, held)
            await asyncio.to_thread(held.client("bob").approve, request.id, "")
        await many
        await alice.close()

    _run(work())


def test_an_approval_that_is_taken_back_cuts_the_session(held: PolicyServer) -> None:
    with connected(held, "alice") as alice:
        asked = Asked(alice, "SELECT mystery(%s), pg_sleep(60)", (41,))
        request = waiting(held)
        grant = held.client("bob").approve(request.id, "").grant_id
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%mystery%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"  # noqa: E501
        until(lambda: held.database.sql(running) == "1", "statement that runs")
        held.client("bob").revoke(grant)
        begun = time.monotonic()
        asked.ended()
        assert time.monotonic() - begun < 5
        assert "was taken back" in str(asked.error)


def test_what_cannot_even_be_prepared_is_said_at_once_and_recorded(held: PolicyServer) -> None:
    with connected(held, "alice") as alice:
        before = len(held.client("bob").list_requests(""))
        with pytest.raises(psycopg.errors.UndefinedTable):
            alice.execute("SELECT mystery(%s) FROM nowhere_at_all", (1,))
        with pytest.raises(psycopg.errors.UndefinedTable):
            _in_a_pipeline(alice, "SELECT %s::int", "SELECT mystery(%s) FROM nowhere_at_all")
        assert alice.execute("SELECT %s::int", (1,)).fetchone() == (1,)
        assert len(held.client("bob").list_requests("")) == before
    until(
        lambda: [
            one for one in held.events("statement.held") if "nowhere_at_all" in one["statement"]["text"]
        ],
        "attempt on record",
    )


def _in_a_pipeline(connection: psycopg.Connection[Any], *texts: str) -> None:
    with connection.pipeline():
        for text in texts:
            connection.execute(text, (1,))


def _updates() -> Any:
    from glasshatch.api.values import RequestForm

    return RequestForm(
        resource="postgres/shop", verbs=("update",), duration_s=600, reason="mend the orders now"
    )


async def _asyncpg(server: PolicyServer, person: str) -> asyncpg.Connection:
    token = (server.home.parent / f"{person}.token").read_text().strip()
    return await asyncpg.connect(
        host="127.0.0.1", port=server.gateway_port, database="shop", user=person, password=token, ssl=False
    )


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)
