"""A statement that needs a review waits in its own psql session, and a grant taken back cuts a session."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time

import psycopg
import pytest

from fixtures.page import Visitor
from glasshatch.api.values import RequestForm, RequestView
from glasshatch.detect import verify_signature
from glasshatch.errors import Conflict, Denied

from .conftest import PolicyServer, until
from .holding import SECRET, Asked, Receiver, connected, waiting

UNKNOWN = "SELECT mystery(41)"


def test_it_waits_says_for_whom_and_runs_once_when_approved(held: PolicyServer) -> None:
    notices: list[str] = []
    with connected(held, "alice", notices) as alice:
        asked = Asked(alice, UNKNOWN)
        request = waiting(held)
        until(lambda: notices, "notice")
        assert "bob" in notices[0]
        assert "olga" in notices[0]
        assert "alice" not in notices[0]
        assert f"glasshatch withdraw {request.id[:13]}" in notices[0]
        assert "mystery" in request.statement.text
        held.client("bob").approve(request.id, "fine")
        assert asked.ended().rows == [(42,)], asked.error
        # The approval was for that one run; the next is asked for anew.
        again = Asked(alice, UNKNOWN)
        held.client("erna").deny(waiting(held, "erna").id, "once is enough")
        assert isinstance(again.ended().error, psycopg.errors.InsufficientPrivilege)
        assert "denied by erna: once is enough" in str(again.error)
        # The session is as good as before.
        assert alice.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises((Conflict, Denied), match=r"waited in a session|is done"):
        held.client("alice").run_statement(request.id)
    found = lambda: [  # noqa: E731
        one for one in held.events("statement.run") if one.get("access", {}).get("approval_id") == request.id
    ]
    (run,) = until(found, "run on record")
    assert run["access"]["approvers"] == ["bob"]
    session = run["session_id"]
    assert [one for one in held.events("statement.held") if one["session_id"] == session]


def test_who_is_on_call_may_judge_and_who_asked_may_not(held: PolicyServer) -> None:
    with connected(held, "boss") as boss:
        asked = Asked(boss, UNKNOWN)
        request = waiting(held)
        with pytest.raises(Denied, match="their own request"):
            held.client("boss").approve(request.id, "")
        with pytest.raises(Denied, match=r"may not judge.*"):
            held.client("carol").approve(request.id, "")
        assert held.client("olga").approve(request.id, "on duty").state == "approved"
        assert asked.ended().rows == [(42,)]


def test_a_change_is_measured_for_its_judge_while_it_waits(held: PolicyServer) -> None:
    text = "UPDATE orders SET cents = mystery(cents) WHERE id < 6"
    grant = _grant(held, "update")
    with connected(held, "alice") as alice:
        asked = Asked(alice, text)
        request = waiting(held)
        assert request.statement.preview.method in ("counted", "planned", "none")
        assert request.verbs == ("update",) or "update" in request.verbs
        held.client("bob").approve(request.id, "")
        asked.ended()
        assert asked.error is None, asked.error
    held.client("bob").revoke(grant)
    assert held.database.sql("SELECT cents FROM orders WHERE id = 5", database="heldshop") == "6"
    held.database.sql("UPDATE orders SET cents = id", database="heldshop")


def test_ctrl_c_in_psql_ends_the_wait_and_withdraws(held: PolicyServer) -> None:
    leader, follower = pty.openpty()
    token = (held.home.parent / "alice.token").read_text().strip()
    where = f"host=127.0.0.1 port={held.gateway_port} dbname=shop user=alice"
    child = subprocess.Popen(
        ["/usr/bin/psql", "-X", where], stdin=follower, stdout=follower, stderr=follower,
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": token, "TERM": "dumb", "PAGER": "cat"},
        start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    said = ""

    def read_until(words: str) -> str:
        nonlocal said
        deadline = time.monotonic() + 30
        while words not in said:
            assert time.monotonic() < deadline, said
            if select.select([leader], [], [], 0.2)[0]:
                said += os.read(leader, 65_536).decode()
        return said

    try:
        read_until("=>" if "=>" in said else "=")
        os.write(leader, f"{UNKNOWN};\n".encode())
        assert "NOTICE:  waiting for" in read_until("HINT:  Cancel it (Ctrl-C in psql)")
        request = waiting(held)
        os.kill(child.pid, signal.SIGINT)
        read_until("canceling statement due to user request")
        until(lambda: held.client("alice").show_request(request.id).state == "withdrawn", "withdrawal")
        said = ""
        os.write(leader, b"SELECT 6 * 7;\n")
        read_until("42")
    finally:
        os.write(leader, b"\\q\n")
        child.wait(20)
        os.close(leader)


def test_who_hangs_up_withdraws(held: PolicyServer) -> None:
    alice = connected(held, "alice")
    asked = Asked(alice, UNKNOWN)
    request = waiting(held)
    socket.socket(fileno=os.dup(alice.fileno())).shutdown(socket.SHUT_RDWR)
    until(lambda: held.client("bob").show_request(request.id).state == "withdrawn", "withdrawal")
    asked.ended()
    with pytest.raises(Conflict):
        held.client("bob").approve(request.id, "too late")


def test_two_approvals_a_ticket_and_a_reason_are_demanded_and_silence_denies(held: PolicyServer) -> None:
    alice = held.client("alice")

    def ask(reason: str = "void the orders of the import", ticket: str = "OPS-12") -> RequestView:
        return alice.create_request(
            RequestForm(
                resource="postgres/shop", verbs=("delete",), duration_s=60, reason=reason, ticket=ticket
            )
        )

    for wrong, words in (({"ticket": ""}, "a ticket is needed"), ({"ticket": "X-1"}, "another form"),
                         ({"reason": "because"}, "at least 12")):  # fmt: skip
        with pytest.raises(Exception, match=words):
            ask(**wrong)
    first = ask()
    both = [
        threading.Thread(target=held.client(name).approve, args=(first.id, "")) for name in ("bob", "boss")
    ]
    [one.start() for one in both]
    [one.join() for one in both]
    seen = alice.show_request(first.id)
    assert seen.state == "approved"
    assert sorted(seen.reviewers) == ["bob", "boss"]
    assert len([one for one in alice.list_grants("active") if one.request_id == first.id]) == 1
    held.client("bob").revoke(seen.grant_id)
    second = ask()
    assert held.client("bob").approve(second.id, "").state == "pending"
    with pytest.raises(Conflict):
        held.client("bob").approve(second.id, "")
    until(lambda: alice.show_request(second.id).state == "expired", "silence that denies")
    with pytest.raises(Conflict):
        held.client("boss").approve(second.id, "")


def test_judges_are_told_and_a_link_is_for_one_person_signed_in_and_for_one_word(
    held: PolicyServer, receiver: Receiver
) -> None:
    form = RequestForm(resource="postgres/shop", verbs=("update",), duration_s=60, reason="mend an order")
    asked = held.client("alice").create_request(form)
    ((headers, told),) = until(lambda: receiver.of("/hook", asked.id), "webhook")
    signed = {name.lower(): value for name, value in headers.items()}
    body = next(body for path, _, body in receiver.came if path == "/hook" and asked.id.encode() in body)
    stamp, code = signed["glasshatch-timestamp"], signed["glasshatch-signature"]
    assert verify_signature(SECRET.encode(), stamp, body, code, time.time_ns())
    assert (told["who"], told["resource"], told["reason"]) == ("alice", "postgres/shop", "mend an order")
    links = {one["name"]: one["link"] for one in told["judges"]}
    assert set(links) == {"bob", "boss"}
    ((_, chat),) = until(lambda: receiver.of("/chat", asked.id), "apprise")
    assert f"glasshatch approve {asked.id}" in chat["message"]
    bob, boss, nobody = (Visitor(held.api_port) for _ in range(3))
    path = links["bob"].removeprefix(held.url)
    stranger = nobody.get(path)
    assert (stranger.status, stranger.location[:7]) == (303, "/signin")
    for one, name in ((bob, "bob"), (boss, "boss")):
        one.sign_in((held.home.parent / f"{name}.token").read_text().strip())
    # Signed in as somebody else: forwarded or stolen, it opens nothing.
    refused = boss.get(path)
    assert refused.status == 403
    assert "somebody else" in refused.text
    assert bob.get(path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1]).status == 403
    shown = bob.get(path)
    assert shown.status == 200, shown.text
    assert "mend an order" in shown.text
    said = {"csrf": shown.csrf, "comment": "by the link"}
    assert boss.post(f"{path}/approve", said | {"csrf": boss.csrf()}).status == 403
    assert bob.post(f"{path}/approve", said).status == 303
    seen = held.client("alice").show_request(asked.id)
    assert (seen.state, seen.reviewers) == ("approved", ("bob",))
    # It has done its work.
    assert bob.post(f"{path}/deny", said).status == 409
    assert "has done its work" in bob.get(path).text
    held.client("bob").revoke(seen.grant_id)


def _grant(server: PolicyServer, verb: str) -> str:
    form = RequestForm(resource="postgres/shop", verbs=(verb,), duration_s=600, reason="mend the orders now")
    asked = server.client("alice").create_request(form)
    return server.client("bob").approve(asked.id, "").grant_id


def test_revoking_cuts_a_statement_that_runs_within_a_second_and_it_is_undone(held: PolicyServer) -> None:
    grant = _grant(held, "update")
    with connected(held, "alice") as alice, connected(held, "alice") as other:
        other.execute("SELECT 1")
        alice.execute("UPDATE orders SET cents = 7 WHERE id = 7")
        slow = Asked(alice, "UPDATE orders SET cents = 0 FROM pg_sleep(60) WHERE id = 8")
        until(lambda: _running(held), "statement that runs")
        held.client("bob").revoke(grant)
        begun = time.monotonic()
        slow.ended()
        assert time.monotonic() - begun < 1.5
        assert "was taken back" in str(slow.error)
        until(lambda: not _running(held), "end of it in the database", 5)
        # A session that never used the grant goes on.
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert held.database.sql("SELECT cents FROM orders WHERE id = 8", database="heldshop") == "8"
    until(
        lambda: [one for one in held.events("session.aborted") if "taken back" in one["outcome"]["reason"]],
        "end on record",
    )


def _running(server: PolicyServer) -> bool:
    found = server.database.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'UPDATE%pg_sleep%' AND state = 'active'"
    )
    return found.strip() != "0"
