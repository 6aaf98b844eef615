"""Requests, reviews and grants in the store: one step at a time, and one winner."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from glasshatch.control import ControlStore
from glasshatch.errors import ConfigError, Conflict, Denied, Unavailable
from glasshatch.policy import Grant, GrantLimits, Request

NOW = 1_800_000_000_000_000_000
SECOND = 10**9


def test_from_request_to_grant_and_over_a_restart(office: Any, asked: Any) -> None:
    id = asked(ticket="OPS-7")
    request, grant = office.store.requests.approve(id, office.bob, NOW + 5, "go ahead")
    assert request.state == "approved"
    assert grant is not None
    store = office.reopen()
    assert store.requests.get(id) == request
    assert store.requests.get(id).reviews[0].comment == "go ahead"
    assert store.grants_of(office.alice.id, NOW + 6) == (grant,)
    assert store.grants_of(office.bob.id, NOW + 6) == ()
    assert store.grants.get(grant.id) == grant


def test_a_grant_is_in_force_until_its_last_moment(office: Any, asked: Any) -> None:
    office.store.requests.approve(asked(duration_ns=10 * SECOND), office.bob, NOW)
    assert len(office.store.grants_of(office.alice.id, NOW + 10 * SECOND - 1)) == 1
    assert office.store.grants_of(office.alice.id, NOW + 10 * SECOND) == ()


def test_revocation_reaches_the_next_decision(office: Any, asked: Any) -> None:
    _, grant = office.store.requests.approve(asked(), office.bob, NOW)
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)
    revoked = office.store.grants.revoke(grant.id, office.bob.id, NOW + 1)
    assert (revoked.revoked_ns, revoked.revoked_by) == (NOW + 1, office.bob.id)
    assert office.store.grants_of(office.alice.id, NOW + 1) == ()
    with pytest.raises(Conflict):
        office.store.grants.revoke(grant.id, office.bob.id, NOW + 2)


def test_a_new_grant_reaches_an_actor_already_in_memory(office: Any, asked: Any) -> None:
    assert office.store.grants_of(office.alice.id, NOW) == ()
    _, grant = office.store.requests.approve(asked(), office.bob, NOW)
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)


def test_a_disabled_actor_holds_no_grant(office: Any, asked: Any) -> None:
    _, grant = office.store.requests.approve(asked(), office.bob, NOW)
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)
    office.store.actors.set_disabled(office.alice.id, True, NOW)
    assert office.store.grants_of(office.alice.id, NOW) == ()
    office.store.actors.set_disabled(office.alice.id, False, NOW)
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)


def test_somebody_disabled_since_neither_approves_nor_is_granted(office: Any, asked: Any) -> None:
    id = asked()
    office.store.actors.set_disabled(office.bob.id, True, NOW)
    for step in (office.store.requests.approve, office.store.requests.deny):
        with pytest.raises(Denied, match="disabled"):
            step(id, office.bob, NOW)
    office.store.actors.set_disabled(office.alice.id, True, NOW)
    with pytest.raises(Denied, match="disabled"):
        office.store.requests.approve(id, office.carol, NOW)
    assert office.store.requests.get(id).state == "pending"


def test_a_refused_step_leaves_no_trace(office: Any, asked: Any) -> None:
    id = asked()
    before = office.store.requests.get(id)
    with pytest.raises(Denied, match="own request"):
        office.store.requests.approve(id, office.alice, NOW)
    with pytest.raises(Denied, match="only the requester"):
        office.store.requests.withdraw(id, office.bob, NOW)
    assert office.store.requests.get(id) == before


@pytest.mark.parametrize("first", ["approve", "deny", "withdraw", "expire"])
@pytest.mark.parametrize("second", ["approve", "deny", "withdraw"])
def test_a_settled_request_stays_settled(office: Any, asked: Any, first: str, second: str) -> None:
    id, requests = asked(), office.store.requests
    steps = {
        "approve": lambda by: requests.approve(id, by, NOW),
        "deny": lambda by: requests.deny(id, by, NOW),
        "withdraw": lambda _: requests.withdraw(id, office.alice, NOW),
        "expire": lambda _: requests.expire(NOW + 86_400 * SECOND),
    }
    steps[first](office.bob)
    settled = requests.get(id)
    with pytest.raises(Conflict):
        steps[second](office.carol)
    assert requests.get(id) == settled


def test_two_approvals_are_counted_over_transactions(office: Any, asked: Any) -> None:
    id = asked(limits=GrantLimits(approvals=2))
    assert office.store.requests.approve(id, office.bob, NOW)[1] is None
    with pytest.raises(Conflict, match="word already"):
        office.store.requests.approve(id, office.bob, NOW)
    request, grant = office.store.requests.approve(id, office.carol, NOW)
    assert request.state == "approved"
    assert grant is not None
    assert grant.approvers == (office.bob.id, office.carol.id)


@pytest.mark.parametrize("stores", [1, 2])
def test_of_rivals_one_wins_and_there_is_one_grant(office: Any, asked: Any, stores: int) -> None:
    id = asked()
    second = office.store
    if stores == 2:
        second = ControlStore.open(
            office.path, tenant="default", mac_key=bytes(range(32)), random=lambda n: b"\x07" * n
        )
    outcomes: list[object] = []
    gate = threading.Barrier(4)

    def review(store: ControlStore, by: Any, step: str) -> None:
        gate.wait()
        try:
            outcomes.append(getattr(store.requests, step)(id, by, NOW))
        except Conflict as conflict:
            outcomes.append(conflict)

    rivals = [(office.store, office.bob, "approve"), (second, office.carol, "approve"),
              (office.store, office.carol, "deny"), (second, office.bob, "deny")]  # fmt: skip
    threads = [threading.Thread(target=review, args=rival) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if stores == 2:
        second.close()
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    store = office.reopen()
    approved = store.requests.get(id).state == "approved"
    assert len(store.grants.list()) == int(approved)
    assert len(store.requests.get(id).reviews) == 1


def test_silence_ends_a_request_once(office: Any, asked: Any) -> None:
    id = asked(limits=GrantLimits(max_wait_ns=60 * SECOND))
    recorded: list[Request] = []
    assert office.store.requests.expire(NOW + 59 * SECOND) == []
    ended = office.store.requests.expire(NOW + 60 * SECOND, record=recorded.append)
    assert [request.id for request in ended] == [request.id for request in recorded] == [id]
    assert office.store.requests.expire(NOW + 61 * SECOND) == []
    assert office.store.requests.get(id).state == "expired"


def test_a_grant_that_ran_out_is_told_until_it_is_recorded(office: Any, asked: Any) -> None:
    _, grant = office.store.requests.approve(asked(duration_ns=10 * SECOND), office.bob, NOW)
    _, revoked = office.store.requests.approve(asked(duration_ns=10 * SECOND), office.bob, NOW)
    office.store.grants.revoke(revoked.id, office.bob.id, NOW)
    assert office.store.grants.ran_out(NOW + 10 * SECOND - 1) == []
    for store in (office.store, office.reopen()):
        assert [found.id for found in store.grants.ran_out(NOW + 10 * SECOND)] == [grant.id]
    office.store.grants.mark_expiry_recorded(grant.id)
    assert office.store.grants.ran_out(NOW + 10 * SECOND) == []


def test_lists_are_narrowed(office: Any, asked: Any) -> None:
    first, second = asked(), asked(now_ns=NOW + 10**6)
    office.store.requests.approve(first, office.bob, NOW + 10**6)
    requests = office.store.requests
    assert [request.id for request in requests.list()] == [first, second]
    assert [request.id for request in requests.list("pending")] == [second]
    assert requests.list(actor_id=office.bob.id) == []
    assert [grant.request_id for grant in office.store.grants.list(office.alice.id)] == [first]


def test_what_is_not_there_is_said_so(office: Any) -> None:
    for look in (
        lambda: office.store.requests.get("x"),
        lambda: office.store.requests.approve("x", office.bob, NOW),
        lambda: office.store.grants.get("x"),
        lambda: office.store.grants.revoke("x", office.bob.id, NOW),
    ):
        with pytest.raises(ConfigError, match="there is no"):
            look()


def test_a_step_that_cannot_be_recorded_does_not_happen(office: Any, asked: Any) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("the ledger is down")

    id, requests = asked(), office.store.requests
    _, grant = requests.approve(asked(), office.bob, NOW)
    before = requests.list(), office.store.grants.list()
    steps = (
        lambda: asked(record=fail),
        lambda: requests.approve(id, office.bob, NOW, record=fail),
        lambda: requests.deny(id, office.bob, NOW, record=fail),
        lambda: requests.withdraw(id, office.alice, NOW, record=fail),
        lambda: requests.expire(NOW + 86_400 * SECOND, record=fail),
        lambda: office.store.grants.revoke(grant.id, office.bob.id, NOW, record=fail),
    )
    for step in steps:
        with pytest.raises(Unavailable):
            step()
    assert (requests.list(), office.store.grants.list()) == before
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)
    office.reopen()


def test_a_grant_is_recorded_before_it_is_in_force(office: Any, asked: Any) -> None:
    seen: list[tuple[Request, Grant | None, tuple[Grant, ...]]] = []

    def record(request: Request, grant: Grant | None) -> None:
        seen.append((request, grant, office.store.grants_of(office.alice.id, NOW)))

    office.store.requests.approve(asked(), office.bob, NOW, record=record)
    [(request, grant, in_force)] = seen
    assert (request.state, in_force) == ("approved", ())
    assert office.store.grants_of(office.alice.id, NOW) == (grant,)
