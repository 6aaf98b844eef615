"""Who sees more with a reason is asked for one; it goes into the record with everything that is read."""

from __future__ import annotations

import re

from fixtures.page import Visitor

from .conftest import PageServer

WHY = "ticket 17: who changed the price of order 4, says anna.canary@example.com"


def give(visitor: Visitor, reason: str, wanted: str = "/search?span=all", csrf: str = "") -> str:
    """Send the banner's form; the visitor keeps both cookies, as a browser does. Where it leads."""
    visit = visitor.cookie.partition(";")[0]
    csrf = csrf or visitor.csrf("/")
    answer = visitor.post("/reason", {"csrf": csrf, "reason": reason, "next": wanted})
    given = [one.partition(";")[0] for one in answer.cookies]
    visitor.cookie = "; ".join([visit, *given]) if reason else visit
    assert answer.status == 303, answer.text
    for one in answer.cookies:
        assert {"HttpOnly", "SameSite=strict"} <= set(one.split("; ")), one
    return answer.location


def test_an_admin_is_asked_and_reads_the_content_with_a_reason(server: PageServer) -> None:
    server.add("ora", "admin")
    of_bob = server.ask_for("bob has a reason of his own", "bob")
    server.feed({"action": "page.viewed", "message": "content for the reason's test"})
    server.wait_until(lambda: bool(server.found('"content for the reason\'s test"')))
    event = server.found('"content for the reason\'s test"')[0]["id"]
    visitor = server.visitor("ora")
    before = visitor.get(f"/events/{event}")
    assert before.status == 404
    assert "Why do you read?" in before.text
    assert give(visitor, WHY, f"/events/{event}") == f"/events/{event}"
    after = visitor.get(f"/events/{event}")
    assert after.status == 200
    assert "ticket 17: who changed the price of order 4" in after.text
    assert "Why do you read?" not in after.text
    reads = server.found("actor:ora action:record.read reason:*")
    assert reads
    assert all("ticket 17" in one["access"]["reason"] for one in reads)
    assert "canary" not in str(reads), "a reason is redacted like any other text"
    give(visitor, "")
    again = visitor.get(f"/events/{event}")
    assert (again.status, "Why do you read?" in again.text) == (404, True)
    assert server.state_of(of_bob) == "pending"


def test_nobody_else_is_asked(server: PageServer) -> None:
    for person in ("alice", "carol", "bob"):
        assert "Why do you read?" not in server.visitor(person).get("/").text


def test_a_reason_stays_with_the_visit_it_was_given_in(server: PageServer) -> None:
    server.add("ida", "admin")
    first = server.visitor("ida")
    give(first, "for this visit only")
    second = server.visitor("ida")
    second.cookie = f"{second.cookie}; {first.cookie.partition('; ')[2]}"
    assert "for this visit only" in first.get("/").text
    assert "for this visit only" not in second.get("/").text
    third = server.visitor("ida")
    third.cookie += "; glasshatch-why=forged"
    assert third.get("/").status == 200


def test_it_takes_a_form_of_this_page_and_leads_nowhere_else(server: PageServer) -> None:
    server.add("eda", "admin")
    visitor = server.visitor("eda")
    assert visitor.post("/reason", {"csrf": "wrong", "reason": "because"}).status == 403
    assert give(visitor, "because of it", "https://elsewhere.example/") == "/"
    assert visitor.post("/reason", {"csrf": visitor.csrf("/"), "reason": "x" * 501}).status == 400
    hostile = '"><script>alert(1)</script>'
    give(visitor, hostile)
    text = visitor.get("/").text
    assert "<script>alert" not in text
    assert re.search(r"&lt;script&gt;alert", text)
