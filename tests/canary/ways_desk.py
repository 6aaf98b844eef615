"""By people at the desk: forms of the API, searches, the page's addresses, and commands that fail."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fixtures.depth import rounds
from fixtures.glasshatch import RunningServer
from glasshatch.api.alias_values import AliasEnd, AliasForm
from glasshatch.api.client import Client
from glasshatch.api.incident_values import (
    AnswerForm,
    IncidentChange,
    IncidentForm,
    MoveForm,
    NoteForm,
    PinForm,
)
from glasshatch.api.play_values import PlayForm, SessionFilter
from glasshatch.api.reveal_values import ClearForm
from glasshatch.api.search_values import CompleteForm, SaveForm
from glasshatch.api.values import (
    ActorForm,
    EventFilter,
    EvidenceForm,
    LedgerForm,
    RequestForm,
    SealForm,
    SearchForm,
    StatsForm,
    TokenForm,
)
from glasshatch.errors import GlasshatchError

from .birds import Aviary
from .ways_gateway import SHORT

SEARCHED = rounds(1, len(SHORT))


def client(server: RunningServer, person: str) -> contextlib.closing[Client]:
    token = (server.home.parent / f"{person}.token").read_text().strip()
    return contextlib.closing(Client(f"unix:{server.home}/run/glasshatch.sock", token))


def tried(call: Callable[..., Any], *arguments: Any) -> bool:
    """Whether it was let through; a refusal is fine, the question is what it leaves behind."""
    try:
        call(*arguments)
    except GlasshatchError:
        return False
    return True


def _reveals(aviary: Aviary, alice: Client, bob: Client) -> None:
    """Masked values that are asked for: by a statement with a value in it, by a column of a strange name."""
    for sort in SHORT:
        value = aviary.one("reveal statement", sort).value.replace("'", "''")
        statement = f"SELECT n, email FROM birds WHERE email = '{value}'"
        asked = {"resource": "postgres/shop", "reason": aviary.one("reveal reason", sort).value}
        tried(alice.ask_reveal, ClearForm(statement=statement, **asked))
        named = (aviary.one("reveal column", sort).value[:300],)
        one_row = "SELECT * FROM birds ORDER BY n LIMIT 1"
        tried(alice.ask_reveal, ClearForm(statement=one_row, columns=named, **asked))
        if tried(alice.ask_reveal, ClearForm(statement=one_row, **asked)):
            waiting = alice.ask_reveal(ClearForm(statement=one_row, **asked)).id
            bob.approve(waiting, "")
            tried(alice.show_reveal, waiting)


def requests(aviary: Aviary, server: RunningServer) -> None:
    """Reasons, tickets, comments: free text that is kept in control and in the record."""
    with client(server, "alice") as alice, client(server, "bob") as bob:
        reason = aviary.text("reason", SHORT, ("raw", "upper", "url", "escape", "base64_1"))
        form = RequestForm(
            resource="postgres/shop", verbs=("update",), duration_s=60, reason=reason,
            ticket=aviary.one("ticket", "email").value,
        )  # fmt: skip
        asked = [alice.create_request(form).id for _ in range(3)]
        assert bob.approve(asked[0], aviary.text("approval comment", SHORT, ("raw",))).state == "approved"
        bob.deny(asked[1], aviary.text("denial comment", SHORT, ("raw",)))
        alice.withdraw(asked[2])
        _reveals(aviary, alice, bob)
        for sort in SHORT:
            one = aviary.one
            wish = {
                "verbs": ("select",),
                "duration_s": 60,
                "reason": "look",
                "ticket": one("ticket", sort).value,
            }
            tried(alice.create_request, RequestForm(resource="postgres/shop", **wish))
            tried(alice.create_request, RequestForm(resource=one("request resource", sort).value, **wish))
            tried(bob.approve, one("request id", sort).value, "no")


def searches(aviary: Aviary, server: RunningServer) -> None:
    """What auditors look for is often the very person; the look is recorded."""
    # Each waits until the index is level, so that a search takes most of a second.
    with client(server, "auditor") as desk:
        for sort in SHORT[:SEARCHED]:
            one = aviary.one
            tried(desk.search, SearchForm(query=f'"{one("search words", sort).value}"'))
            tried(desk.search, SearchForm(query=f"actor:{one('search field', sort).value}"))
            tried(desk.search, SearchForm(query=f"({one('search broken', sort).value} AND"))
            tried(desk.stats, StatsForm(query=f'"{one("stats", sort).value}"', by=("action",)))
            tried(desk.histogram, SearchForm(query=f'"{one("histogram", sort).value}"'))
            tried(desk.complete, CompleteForm(query=f"actor:{one('complete', sort).value}"))
            tried(desk.search, SearchForm(query=f'"{one("stages", sort).value}" | stats count by actor'))
            saved = f"actor:{one('saved actor', sort).value} {one('saved words', sort).value}"
            tried(desk.save_search, SaveForm(name="kept", query=saved, note=one("saved note", sort).value))
            tried(desk.find_sessions, SessionFilter(actor=one("find sessions", sort).value))
            tried(desk.play, PlayForm(session=one("play", sort).value))
            tried(desk.timeline, f"actor:{one('timeline', sort).value}")
            tried(desk.list_events, EventFilter(actor=one("list actor", sort).value))
            tried(desk.list_events, EventFilter(action=one("list action", sort).value))
            tried(desk.list_events, EventFilter(session=one("list session", sort).value))
            tried(desk.list_events, EventFilter(resource=one("list resource", sort).value))
            tried(desk.show_event, one("show", sort).value)
            tried(desk.prove, one("prove", sort).value)
            tried(desk.make_evidence, EvidenceForm(query=f'"{one("evidence", sort).value}"'))
            tried(desk.seal_evidence, SealForm(manifest="0" * 64, events=1, query=one("seal", sort).value))
            with (
                contextlib.suppress(GlasshatchError),
                contextlib.closing(desk.tail(f'"{one("tail", sort).value}"')) as tail,
            ):
                tail.next(0.01)


def cases(aviary: Aviary, server: RunningServer) -> None:
    """What people write of an incident, and why somebody is whom: kept in control and in the record."""
    with client(server, "bob") as bob, client(server, "admin") as admin:
        for sort in SHORT:
            one = aviary.one
            made = bob.create_incident(IncidentForm(title=f"about {one('incident title', sort).value}"))
            name = str(made.number)
            bob.note_incident(name, NoteForm(text=one("incident note", sort).value))
            bob.answer_incident(name, AnswerForm(question="what", text=one("incident answer", sort).value))
            tried(bob.answer_incident, name, AnswerForm(question=one("question", sort).value, text="no"))
            change = IncidentChange(add_subjects=(f"resource:{one('incident subject', sort).value}",))
            tried(bob.change_incident, name, change)
            tried(bob.change_incident, name, IncidentChange(assignee=one("assignee", sort).value))
            tried(bob.pin_event, name, PinForm(event=one("pinned", sort).value, why="no"))
            bob.move_incident(name, MoveForm(status="contained", why=one("incident status", sort).value))
            tried(bob.show_incident, one("incident name", sort).value)
            reason = one("alias reason", sort).value
            alias = AliasForm(namespace="test", principal=f"user-{sort}", actor="alice", reason=reason)
            made_alias = admin.add_alias(alias)
            admin.end_alias(made_alias.id, AliasEnd(reason=one("alias end", sort).value))
            tried(admin.end_alias, one("alias id", sort).value, AliasEnd(reason="no such"))


def administration(aviary: Aviary, server: RunningServer) -> None:
    """Names that are refused, and what is said about it."""
    with client(server, "admin") as admin:
        for sort in SHORT:
            one = aviary.one
            if sort != "email":
                # A name of an account may be an address: the workforce stays in clear.
                tried(admin.create_actor, ActorForm(name=one("actor name refused", sort).value))
            tried(admin.create_actor, ActorForm(name="fine", roles=(one("role", sort).value,)))
            tried(admin.issue_token, TokenForm(actor=one("token for", sort).value))
            tried(admin.issue_token, TokenForm(actor="alice", scopes=(one("scope", sort).value,)))
            tried(admin.create_ledger, LedgerForm(name=one("ledger name", sort).value))
            tried(admin.disable_actor, one("disable", sort).value)
            tried(admin.revoke_token, one("revoke token", sort).value)
            tried(admin.acknowledge, one("alert id", sort).value, one("alert comment", sort).value)


def rough_calls(aviary: Aviary, server: RunningServer) -> None:
    """HTTP that is not a form: wrong members, wrong types, unknown addresses, cookies, headers."""
    token = (server.home.parent / "auditor.token").read_text().strip()

    def call(method: str, path: str, body: str = "", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.api_port, timeout=120)
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, body, sent | {k.replace("_", "-"): v for k, v in headers.items()})
        connection.getresponse().read()
        connection.close()

    for sort in SHORT:
        one = aviary.one
        call("POST", "/v1/requests", json.dumps({"reason": one("unknown member", sort).value, "who": 1}))
        call("POST", "/v1/search", json.dumps({"limit": one("wrong type", sort).value}))
        call("POST", "/v1/search", json.dumps({one("member", sort).value: 1}))
        call("POST", "/v1/search", '{"query": "' + one("cut off json", sort).value)
        call(
            "POST",
            "/v1/reveal",
            json.dumps({"event": "1", "field": "x", "reason": one("reveal", sort).value}),
        )
        call("POST", "/v1/holds", json.dumps({"subject": one("hold", sort).value, "reason": "court"}))
        call("GET", f"/v1/{quote(one('address', sort).value)}")
        call("GET", f"/{quote(one('page address', sort).value)}?q={quote(one('page query', sort).value)}")
        call("GET", f"/events?q={quote(one('page search', sort).value)}")
        call("GET", "/v1/status", X_Request_Id=one("request id header", sort).value)
        call(
            "GET",
            "/v1/status",
            User_Agent=one("desk agent", sort).value,
            Cookie=one("desk cookie", sort).value,
        )
        call("GET", "/v1/status", Authorization=f"Bearer {one('bearer', sort).value}")
        call("GET", "/v1/status", traceparent=one("traceparent", sort).value)
        call("POST", "/signin", f"token={quote(one('sign in', sort).value)}",
             Content_Type="application/x-www-form-urlencoded")  # fmt: skip


def commands(aviary: Aviary, server: RunningServer) -> None:
    """Commands as typed, also in vain: what they print is the terminal's, what they leave is ours."""
    value = aviary.one("command search", "email").value
    assert server.command("search", f'"{value}"', person="auditor").returncode == 0
    server.command("search", f"nofield:{aviary.one('command error', 'email').value}", person="auditor")
    server.command("show", aviary.one("command show", "card").value, person="auditor")
    reason = f"for {aviary.one('command reason', 'email').value}"
    done = server.command(
        "request", "postgres/shop", "--verb", "update", "--for", "1m", "--reason", reason, person="alice"
    )
    assert done.returncode in {0, 2}, done.stderr


DESK = (requests, searches, cases, administration, rough_calls, commands)
"""Everything that is done at the desk."""
