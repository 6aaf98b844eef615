"""Requests, reviews and grants: every step allowed, every other refused."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from glasshatch.errors import ConfigError, Conflict, Denied
from glasshatch.identity import Identity
from glasshatch.policy.grants import (
    SECOND_NS,
    TRANSITIONS,
    Grant,
    GrantLimits,
    Request,
    approve,
    ask,
    deny,
    expire,
    resource_matches,
    withdraw,
)

NOW = 1_800_000_000_000_000_000
MINUTE = 60 * SECOND_NS


def person(name: str, **changes: object) -> Identity:
    values = {"id": f"id-{name}", "tenant": "default", "type": "human", "name": name}
    return Identity(**{**values, **changes})  # type: ignore[arg-type]


ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")
BOT = person("bot", type="agent", on_behalf_of="id-alice")


def request(actor: Identity = ALICE, **changes: object) -> Request:
    values = {
        "id": "r1", "resource": "postgres/orders", "verbs": ["update"], "duration_ns": 10 * MINUTE,
        "reason": "payment 17 hangs", "now_ns": NOW,
    }  # fmt: skip
    return ask(actor, **{**values, **changes})  # type: ignore[arg-type]


def approved(asked: Request, by: Identity = BOB, now_ns: int = NOW + 1) -> tuple[Request, Grant | None]:
    return approve(asked, by, now_ns, review_id=f"v-{by.id}", grant_id="g1")


def granted(**changes: object) -> Grant:
    _, grant = approved(request(**changes))
    assert grant is not None
    return grant


def test_an_approval_makes_a_grant_of_exactly_what_was_asked() -> None:
    asked = request(ticket="OPS-7")
    done, grant = approved(asked)
    assert grant is not None
    assert (done.state, done.closed_ns, done.approvers) == ("approved", NOW + 1, (BOB.id,))
    assert grant == Grant(
        id="g1", tenant="default", request_id="r1", actor_id=ALICE.id, resource="postgres/orders",
        verbs=("update",), approvers=(BOB.id,), reason="payment 17 hangs", ticket="OPS-7",
        starts_ns=NOW + 1, expires_ns=NOW + 1 + 10 * MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize("roles", [(), ("approver",), ("admin",), ("admin", "approver", "auditor")])
def test_four_eyes_bind_everybody(roles: tuple[str, ...]) -> None:
    self_reviewer = person("alice", roles=roles)
    with pytest.raises(Denied, match="own request"):
        approved(request(self_reviewer), by=self_reviewer)
    with pytest.raises(Denied, match="own request"):
        deny(request(self_reviewer), self_reviewer, NOW + 1, review_id="v")


def test_an_agent_and_its_human_are_one_pair_of_eyes() -> None:
    with pytest.raises(Denied, match="own request"):
        approved(request(BOT), by=ALICE)
    with pytest.raises(Denied, match="own request"):
        approved(request(ALICE), by=BOT)
    assert approved(request(BOT), by=BOB)[1] is not None


@pytest.mark.parametrize("type_", ["agent", "service"])
def test_only_humans_review(type_: str) -> None:
    with pytest.raises(Denied, match="only humans"):
        approved(request(), by=person("robot", type=type_))


def test_a_disabled_actor_neither_asks_nor_reviews() -> None:
    with pytest.raises(Denied, match="disabled"):
        request(person("alice", disabled=True))
    with pytest.raises(Denied, match="disabled"):
        approved(request(), by=person("bob", disabled=True))


def test_no_one_reviews_or_withdraws_in_another_tenant() -> None:
    with pytest.raises(Denied, match="tenant"):
        approved(request(), by=person("bob", tenant="other"))
    with pytest.raises(Denied, match="tenant"):
        withdraw(request(), person("alice", tenant="other"), NOW)


def test_two_approvals_need_two_people() -> None:
    asked = request(limits=GrantLimits(approvals=2))
    once, grant = approved(asked)
    assert (once.state, grant) == ("pending", None)
    with pytest.raises(Conflict, match="word already"):
        approved(once)
    twice, grant = approved(once, by=CAROL)
    assert twice.state == "approved"
    assert grant is not None
    assert grant.approvers == (BOB.id, CAROL.id)


def test_one_denial_ends_it_and_nothing_is_granted() -> None:
    once, _ = approved(request(limits=GrantLimits(approvals=2)))
    denied = deny(once, CAROL, NOW + 2, review_id="v2", comment="not today")
    assert (denied.state, denied.reviews[-1].comment) == ("denied", "not today")


def test_only_the_requester_or_the_human_behind_withdraws() -> None:
    assert withdraw(request(), ALICE, NOW).state == "withdrawn"
    assert withdraw(request(BOT), ALICE, NOW).state == "withdrawn"
    with pytest.raises(Denied, match="only the requester"):
        withdraw(request(), BOB, NOW)


def test_every_step_outside_the_table_is_a_conflict() -> None:
    steps = {
        "approve": lambda r: approved(r)[0],
        "deny": lambda r: deny(r, BOB, NOW + 1, review_id="v"),
        "withdraw": lambda r: withdraw(r, ALICE, NOW + 1),
        "expire": lambda r: expire(r, r.expires_ns),
    }
    states = ("pending", "approved", "denied", "withdrawn", "expired")
    for state, step in itertools.product(states, steps):
        asked = msgspec.structs.replace(request(), state=state)
        if (state, step) in TRANSITIONS:
            assert steps[step](asked).state == TRANSITIONS[(state, step)]  # type: ignore[index]
        else:
            with pytest.raises(Conflict, match=state):
                steps[step](asked)


def test_waiting_ends_in_a_refusal_even_before_the_sweep_says_so() -> None:
    asked = request(limits=GrantLimits(max_wait_ns=MINUTE))
    with pytest.raises(Conflict, match="waited too long"):
        approved(asked, now_ns=NOW + MINUTE)
    with pytest.raises(Conflict, match="may still be answered"):
        expire(asked, NOW + MINUTE - 1)
    assert expire(asked, NOW + MINUTE).state == "expired"


@pytest.mark.parametrize("duration_ns", [0, -1, SECOND_NS - 1, 12 * 60 * MINUTE + 1])
def test_access_is_time_boxed(duration_ns: int) -> None:
    with pytest.raises(ConfigError, match="duration"):
        request(duration_ns=duration_ns)


@pytest.mark.parametrize("reason", ["", "   ", "fix", "x" * 2001])
def test_a_reason_is_required_and_bounded(reason: str) -> None:
    with pytest.raises(ConfigError, match="reason"):
        request(reason=reason)


@pytest.mark.parametrize(
    "resource",
    ["", "postgres", "*/orders", "*", "postgres/", "/orders", "postgres/ord*", "postgres/a b",
     "postgres/a\nb", "postgres/" + "x" * 300],
)  # fmt: skip
def test_a_resource_is_named(resource: str) -> None:
    with pytest.raises(ConfigError, match="resource"):
        request(resource=resource)


@pytest.mark.parametrize("verbs", [[], ["unknown"], ["UPDATE"], ["update;"], [""], ["*"]])
def test_verbs_are_plain_words_and_never_unknown(verbs: list[str]) -> None:
    with pytest.raises(ConfigError, match="verbs"):
        request(verbs=verbs)


def test_a_group_of_verbs_is_stored_as_what_it_stands_for() -> None:
    assert request(verbs=["write", "truncate"]).verbs == (
        "delete", "insert", "merge", "select", "truncate", "update",
    )  # fmt: skip


def test_a_grant_covers_its_actor_resource_verbs_and_time_only() -> None:
    grant = granted(verbs=["update", "select"])
    inside = (ALICE.id, "postgres/orders", ("update",), NOW + 1)
    assert grant.covers(*inside)
    assert grant.covers(
        ALICE.id, "postgres/orders/public.payments", ("select", "update"), grant.expires_ns - 1
    )
    assert not grant.covers(BOB.id, *inside[1:])
    assert not grant.covers(ALICE.id, "postgres/orders2", ("update",), NOW + 1)
    assert not grant.covers(ALICE.id, "postgres", ("update",), NOW + 1)
    assert not grant.covers(ALICE.id, "postgres/orders", ("update", "delete"), NOW + 1)
    assert not grant.covers(ALICE.id, "postgres/orders", (), NOW + 1)
    assert not grant.covers(ALICE.id, "postgres/orders", ("update",), NOW)
    assert not grant.covers(ALICE.id, "postgres/orders", ("update",), grant.expires_ns)


def test_a_revoked_grant_covers_nothing_and_is_revoked_once() -> None:
    grant = granted()
    revoked = grant.revoke(NOW + 5, BOB.id)
    assert not revoked.covers(ALICE.id, "postgres/orders", ("update",), NOW + 2)
    assert revoked.revoked_by == BOB.id
    with pytest.raises(Conflict, match="revoked already"):
        revoked.revoke(NOW + 6, BOB.id)
    with pytest.raises(Conflict, match="run out"):
        grant.revoke(grant.expires_ns, BOB.id)


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("postgres/*", "postgres/orders", True),
        ("postgres/*", "postgres", False),
        ("postgres/*/public.payments", "postgres/orders/public.payments", True),
        ("postgres/*/public.payments", "postgres/orders/public.customers", False),
        ("postgres/orders", "postgres/ORDERS", False),
    ],
)
def test_a_pattern_matches_whole_segments(pattern: str, resource: str, matches: bool) -> None:
    assert resource_matches(pattern, resource) is matches
