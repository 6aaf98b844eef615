"""Limits: who is counted with whom, what a window of time lets through, and what is given back."""

from __future__ import annotations

from glasshatch.identity import Identity
from glasshatch.policy import Allowance, Breach, Limit, Usage

S = 10**9
SHOP, OTHER = "postgres/shop", "postgres/other"


def person(name: str, *roles: str) -> Identity:
    return Identity(id=f"id-{name}", tenant="default", type="human", name=name, roles=roles)


ALICE, BOB = person("alice", "engineer"), person("bob", "dba")


def opened(usage: Usage, actor: Identity = ALICE, resource: str = SHOP) -> Allowance:
    allowance = usage.open(actor, resource, 0)
    assert isinstance(allowance, Allowance)
    return allowance


def test_without_a_limit_nothing_is_counted() -> None:
    assert Usage().open(ALICE, SHOP, 0) is None
    assert Usage((Limit(actor="bob", sessions=1),)).open(ALICE, SHOP, 0) is None
    assert Usage((Limit(role="dba", sessions=1),)).open(ALICE, SHOP, 0) is None
    assert Usage((Limit(resource="mysql/*", sessions=1),)).open(ALICE, SHOP, 0) is None


def test_sessions_of_each_actor_count_alone_and_are_given_back() -> None:
    usage = Usage((Limit(sessions=2),))
    first, _ = opened(usage), opened(usage)
    refused = usage.open(ALICE, SHOP, 0)
    assert isinstance(refused, Breach)
    assert refused.reason == "the limit of alice at postgres/shop is 2 sessions"
    opened(usage, BOB)
    opened(usage, ALICE, OTHER)
    first.close()
    first.close()
    opened(usage)
    assert isinstance(usage.open(ALICE, SHOP, 0), Breach)


def test_sessions_at_a_resource_count_together() -> None:
    usage = Usage((Limit(per="resource", sessions=2),))
    opened(usage, ALICE)
    opened(usage, BOB)
    refused = usage.open(BOB, SHOP, 0)
    assert isinstance(refused, Breach)
    assert "all at postgres/shop" in refused.reason
    opened(usage, BOB, OTHER)


def test_of_several_limits_each_holds_and_a_refusal_takes_no_place() -> None:
    usage = Usage((Limit(sessions=5), Limit(per="resource", sessions=1)))
    first = opened(usage)
    for _ in range(10):
        assert isinstance(usage.open(ALICE, SHOP, 0), Breach)
    first.close()
    opened(usage)


def test_statements_in_a_minute_are_shared_between_sessions() -> None:
    usage = Usage((Limit(statements_per_minute=3),))
    one, two = opened(usage), opened(usage)
    assert [one.statement(S), two.statement(S), one.statement(S)] == [None] * 3
    refused = two.statement(20 * S)
    assert refused is not None
    assert (refused.what, refused.again_s) == ("statements-per-minute", 41)
    # A refused one is not counted, and what was run before weighs less and less.
    assert [two.statement(61 * S), two.statement(61 * S) is None] == [None, False]
    assert two.statement(90 * S) is None
    assert [one.statement(200 * S) for _ in range(3)] == [None] * 3
    assert one.statement(200 * S) is not None


def test_rows_of_a_statement_and_of_a_session() -> None:
    usage = Usage((Limit(rows_per_statement=10), Limit(rows_per_session=25)))
    one = opened(usage)
    assert one.counts_rows
    assert one.rows(6, 0, 0) == (6, None)
    shown, breach = one.rows(6, 6, 0)
    assert shown == 4
    assert breach is not None
    assert breach.what == "rows-per-statement"
    assert one.rows(10, 0, 0) == (10, None)
    shown, breach = one.rows(10, 0, 0)
    assert shown == 5
    assert breach is not None
    assert breach.what == "rows-per-session"
    refused = one.statement(0)
    assert refused is not None
    assert refused.what == "rows-per-session"
    assert opened(usage).statement(0) is None


def test_rows_in_an_hour_outlive_a_session() -> None:
    usage = Usage((Limit(rows_per_hour=100),))
    first = opened(usage)
    assert first.rows(90, 0, S) == (90, None)
    first.close()
    again = opened(usage)
    shown, breach = again.rows(90, 0, 2 * S)
    assert shown == 10
    assert breach is not None
    assert again.statement(3 * S) is not None
    assert again.statement(7200 * S) is None


def test_the_strictest_time_counts() -> None:
    usage = Usage((Limit(idle_ns=9, session_ns=0), Limit(idle_ns=5, session_ns=7), Limit(idle_ns=0)))
    one = opened(usage)
    assert (one.idle_ns, one.session_ns, one.counts_rows) == (5, 7, False)
