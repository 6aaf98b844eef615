"""Somebody who was answered with a mask gets the one value: by commands, before a running server."""

from __future__ import annotations

import json

import pytest

from fixtures.disk import bytes_under
from fixtures.page import Visitor
from glasshatch.api.exposure_values import ExposureForm
from glasshatch.api.reveal_values import ClearForm
from glasshatch.api.values import ActorForm, EventFilter, TokenForm
from glasshatch.errors import Conflict, Denied

from .conftest import PolicyServer, until

CLEAR = "rita.canary@example.com"
SELECT = "SELECT email FROM guests WHERE id = 7"
REASON = "ticket 17: she asks which address we have"


def asked(server: PolicyServer, statement: str = SELECT) -> str:
    form = ClearForm(resource="postgres/shop", statement=statement, reason=REASON)
    return server.client("alice").ask_reveal(form).id


def test_by_commands_from_the_mask_to_the_value(server: PolicyServer) -> None:
    masked = server.psql("alice", SELECT).stdout
    assert masked.startswith("<EMAIL:")
    run = until(
        lambda: [one for one in server.events("statement.run") if "guests" in one["statement"]["text"]],
        "run of the statement",
    )[-1]
    ask = ("reveal", run["id"], "--column", "email", "--reason", REASON)
    first = server.command(*ask, person="alice")
    assert first.returncode == 3, first.stderr
    assert "waits for somebody else's approval" in first.stderr
    (waiting,) = [one for one in server.jsonl("requests", person="bob") if one["kind"] == "reveal"]
    shown = server.command("requests", "show", waiting["id"], person="bob")
    for words in ("public.guests.email (EMAIL, <EMAIL:", SELECT, REASON, f"event {run['id']}"):
        assert words in shown.stdout, shown.stdout
    assert CLEAR not in shown.stdout
    server.client("bob").approve(waiting["id"], "it is hers")
    second = server.command(*ask, person="alice")
    assert (second.returncode, second.stdout) == (0, f"{CLEAR}\n"), second.stderr
    assert "goes to a file or another program" in second.stderr
    again = server.command("reveal", waiting["id"], person="alice")
    assert again.returncode != 0
    assert "shown already" in again.stderr
    assert CLEAR not in again.stdout + again.stderr
    approve(server, quiet := asked(server))
    as_json = server.command("reveal", quiet, "--piped", "--format", "json", person="alice")
    assert "another program" not in as_json.stderr
    (value,) = json.loads(as_json.stdout)["values"]
    assert (value["column"], value["value"]) == ("public.guests.email", CLEAR)


def approve(server: PolicyServer, request: str) -> str:
    server.client("bob").approve(request, "")
    return request


def test_the_exposure_ledger_has_it_in_clear(server: PolicyServer) -> None:
    approve(server, request := asked(server, "SELECT id, email FROM guests WHERE id = 8"))
    shown = server.client("alice").show_reveal(request)
    found = until(
        lambda: [
            one
            for one in server.client("carol").exposure(ExposureForm(subject="sam.canary@example.com")).answers
            if one.event == shown.event
        ],
        "exposure",
    )
    (answer,) = found
    assert (answer.actor, answer.how, answer.rows, answer.clear, answer.masked) == ("alice", "shown", 1, 1, 0)
    assert (answer.columns, answer.classes) == (("public.guests.email",), ("EMAIL",))


def test_an_agent_is_refused_and_its_human_judges_nothing(server: PolicyServer) -> None:
    admin = server.client("admin")
    admin.create_actor(ActorForm(name="robo", type="agent", roles=("engineer",), on_behalf_of="alice"))
    issued = admin.issue_token(TokenForm(actor="robo", lifetime_s=3_600))
    file = server.home.parent / "robo.token"
    file.touch(mode=0o600)
    file.write_text(issued.text)
    form = ClearForm(resource="postgres/shop", statement=SELECT, reason=REASON)
    with pytest.raises(Denied, match="may not ask for masked values"):
        server.client("robo").ask_reveal(form)


def test_a_stolen_request_id_is_worth_nothing(server: PolicyServer) -> None:
    approve(server, request := asked(server))
    for person in ("bob", "carol", "dora"):
        with pytest.raises(Exception, match=r"only who asked|no request"):
            server.client(person).show_reveal(request)
    server.client("alice").show_reveal(request)
    with pytest.raises(Conflict, match="shown once"):
        server.client("alice").show_reveal(request)


def test_no_value_is_on_the_disk_or_in_the_log(server: PolicyServer) -> None:
    server.client("alice").show_reveal(approve(server, asked(server)))
    form = EventFilter(action="value.revealed", limit=100)
    told = b"".join(bytes(one.event) for one in server.client("carol").list_events(form))
    assert b"canary" not in told
    assert not [file for file, data in bytes_under(server.home) if CLEAR.encode() in data]


def test_on_the_page_from_the_event_to_the_value(server: PolicyServer) -> None:
    statement = "SELECT id, email FROM guests WHERE id = 7"
    assert "<EMAIL:" in server.psql("alice", statement).stdout
    run = until(
        lambda: [one for one in server.events("statement.run") if one["statement"]["text"] == statement],
        "run of the statement",
    )[-1]
    alice, bob = (visitor(server, person) for person in ("alice", "bob"))
    shown = alice.get(f"/events/{run['id']}")
    assert "See a masked value in clear" in shown.text
    assert "See a masked value in clear" not in visitor(server, "carol").get(f"/events/{run['id']}").text
    form = {"csrf": shown.csrf, "event": run["id"], "columns": "email", "reason": REASON}
    assert alice.post("/reveals", form | {"reason": "no"}).status == 400
    assert alice.post("/reveals", form | {"csrf": "forged"}).status == 403
    assert alice.post("/reveals", form).location == "/requests?done=reveal"
    assert "Show it once" not in alice.get("/requests").text
    judged = bob.get("/requests").text
    (waiting,) = [
        one
        for one in server.client("bob").list_requests("pending")
        if one.reveal and one.reveal.text == statement
    ]
    card = judged[: judged.index(f"/requests/{waiting.id}/approve")].rpartition("<article")[2]
    for words in ("public.guests.email", "EMAIL", "Whose row", REASON):
        assert words in card
    assert bob.post(f"/requests/{waiting.id}/approve", {"csrf": bob.csrf("/requests")}).status == 303
    ready = alice.get("/requests")
    assert f'action="/reveals/{waiting.id}"' in ready.text
    assert CLEAR not in ready.text
    assert alice.get(f"/reveals/{waiting.id}").status in (404, 405), "no address shows a value"
    assert bob.post(f"/reveals/{waiting.id}", {"csrf": bob.csrf("/requests")}).status == 403
    once = alice.post(f"/reveals/{waiting.id}", {"csrf": ready.csrf})
    assert (once.status, once.headers["Cache-Control"]) == (200, "no-store")
    assert CLEAR in once.text
    again = alice.post(f"/reveals/{waiting.id}", {"csrf": ready.csrf})
    assert again.status == 409
    assert CLEAR not in again.text


def visitor(server: PolicyServer, person: str) -> Visitor:
    return Visitor(server.api_port).sign_in((server.home.parent / f"{person}.token").read_text().strip())
