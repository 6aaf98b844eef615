"""What a visitor's roles and token do not open is not on the page, and is refused to a form of theirs."""

from __future__ import annotations

import re

import pytest

from .conftest import PageServer


def test_an_engineer_sees_their_own_and_nobody_else_s(server: PageServer) -> None:
    server.ask_for("alice has a reason")
    server.ask_for("bob has another", "bob")
    bob, alice = server.visitor("bob"), server.visitor("alice")
    of_bob = re.search(r'href="/events/(\d+)"', bob.get("/search?q=action:request.created+actor:bob").text)
    assert of_bob
    assert bob.get(f"/events/{of_bob[1]}").status == 200
    for path in (f"/events/{of_bob[1]}", f"/events/{of_bob[1]}?verify=1", f"/events/{of_bob[1]}/proof"):
        answer = alice.get(path)
        assert answer.status == 404
        assert "another" not in answer.text
    for path in (
        "/",
        "/search",
        "/search?span=all&q=actor:bob",
        "/tail",
        "/timeline?subject=actor:bob",
        "/requests",
    ):
        text = alice.get(path).text
        assert "bob has another" not in text
    assert "alice has a reason" in alice.get("/requests").text
    assert "alice has a reason" in alice.get("/search?q=actor:alice").text
    assert "bob has another" in server.visitor("carol").get("/search?q=actor:bob").text


def test_alerts_take_a_role_and_the_overview_lives_without(server: PageServer) -> None:
    alice = server.visitor("alice")
    assert alice.get("/alerts").status == 403
    overview = alice.get("/").text
    assert "they take the role auditor" in overview
    assert "open alert" not in overview


def test_a_token_that_only_reads_shows_no_requests_and_judges_nothing(server: PageServer) -> None:
    request_id = server.ask_for("wait for somebody who may")
    visitor = server.visitor("bob reads only")
    overview = visitor.get("/")
    assert overview.status == 200
    assert "for a reviewer" not in overview.text
    assert visitor.get("/requests").status == 403
    for path in (f"/requests/{request_id}/approve", f"/requests/{request_id}/deny", "/alerts/1/acknowledge"):
        assert visitor.post(path, {"csrf": overview.csrf}).status == 403
    assert server.state_of(request_id) == "pending"


@pytest.mark.parametrize("person", ["alice", "carol"])
def test_nobody_judges_without_the_role_nor_their_own_request(server: PageServer, person: str) -> None:
    request_id = server.ask_for("may it wait")
    visitor = server.visitor(person)
    shown = visitor.get("/requests")
    assert "may it wait" in shown.text
    assert f"/requests/{request_id}/approve" not in shown.text
    assert visitor.post(f"/requests/{request_id}/approve", {"csrf": shown.csrf}).status == 403
    assert server.state_of(request_id) == "pending"


def test_a_reviewer_does_not_judge_their_own_request(server: PageServer) -> None:
    request_id = server.ask_for("my own wish", "bob")
    bob = server.visitor("bob")
    shown = bob.get("/requests")
    assert "This is your own request" in shown.text
    assert f"/requests/{request_id}/approve" not in shown.text
    assert bob.post(f"/requests/{request_id}/approve", {"csrf": shown.csrf}).status in (403, 409)
    assert server.state_of(request_id) == "pending"


def test_approve_deny_and_revoke_work_and_say_so(server: PageServer) -> None:
    wanted, unwanted = server.ask_for("for a good cause"), server.ask_for("for no cause")
    bob = server.visitor("bob")
    csrf = bob.get("/requests").csrf
    done = bob.post(f"/requests/{wanted}/approve", {"csrf": csrf, "comment": "a comment of bob's"})
    assert (done.status, done.location) == (303, "/requests?done=approve")
    assert "Approved." in bob.get(done.location).text
    assert "Denied." in bob.get(bob.post(f"/requests/{unwanted}/deny", {"csrf": csrf}).location).text
    assert (server.state_of(wanted), server.state_of(unwanted)) == ("approved", "denied")
    again = bob.post(f"/requests/{wanted}/deny", {"csrf": csrf})
    assert again.status in (400, 409)
    assert "<!doctype html>" in again.text
    assert bob.post(f"/requests/{wanted}/praise", {"csrf": csrf}).status == 404
    with server.client("bob") as client:
        grant = next(one for one in client.list_grants("active") if one.request_id == wanted)
    assert f"/grants/{grant.id}/revoke" in bob.get("/requests").text
    alice = server.visitor("alice")
    assert f"/grants/{grant.id}/revoke" not in alice.get("/requests").text
    assert alice.post(f"/grants/{grant.id}/revoke", {"csrf": alice.csrf()}).status == 403
    assert "Revoked." in bob.get(bob.post(f"/grants/{grant.id}/revoke", {"csrf": csrf}).location).text
    with server.client("bob") as client:
        assert grant.id not in [one.id for one in client.list_grants("active")]
    (approval,) = server.found(f"action:request.approved request_id:{wanted}")
    assert approval["actor"]["name"] == "bob"
    assert "a comment of bob's" in approval["attrs"]["comments"].values()
