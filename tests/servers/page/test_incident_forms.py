"""Working on an incident by the page's forms alone: from an event that was found to the post-mortem."""

from __future__ import annotations

import contextlib
import http.client
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from fixtures.glasshatch import run
from fixtures.page import Visitor
from fixtures.page_world import NAME, REASON

from .conftest import PageServer


@pytest.fixture(scope="module")
def ada(server: PageServer) -> Visitor:
    server.add("ada", "auditor")
    return server.visitor("ada")


def opened(visitor: Visitor, title: str = "Opened on the page", **more: str) -> str:
    """A new incident's address."""
    csrf = visitor.get("/incidents").csrf
    made = visitor.post("/incidents", {"csrf": csrf, "title": title, **more})
    assert made.status == 303, made.text
    return made.location.partition("?")[0]


def field(text: str, name: str, after: str = "") -> str:
    """What a field of a form has in it."""
    found = re.search(rf'name="{name}" value="([^"]*)"', text[text.index(after) :])
    assert found, name
    return unescape(found[1])


def test_one_is_opened_changed_answered_and_pinned_by_forms(server: PageServer, ada: Visitor) -> None:
    address = opened(
        ada, NAME, subjects="actor:ada\nresource:Anna Schmidt", tags="gdpr data", severity="5",
        runbook="data-exposure",
    )  # fmt: skip
    shown = ada.get(address)
    assert "<script>document" not in shown.text
    assert "severity 5" in shown.text
    csrf, seen = shown.csrf, field(shown.text, "seen")
    changed = ada.post(f"{address}/change", {
        "csrf": csrf, "seen": seen, "title": f"{NAME} again", "severity": "4", "assignee": "ada",
        "tags": "gdpr", "subjects": "resource:Anna Schmidt\r\nactor:bob",
    })  # fmt: skip
    assert (changed.status, changed.location) == (303, f"{address}?done=change")
    answered = ada.post(f"{address}/answers", {
        "csrf": csrf, "question": "what", "seen": "0", "text": f"card 4111 1111 1111 1111 {REASON}",
    })  # fmt: skip
    assert answered.status == 303
    event = server.found("actor:ada action:incident.opened")[-1]["id"]
    pinned = ada.post(f"{address}/pins", {"csrf": csrf, "event": event, "why": f"why {REASON}"})
    assert pinned.location == f"{address}?done=pin#pins"
    assert ada.post(f"{address}/pins", {"csrf": csrf, "event": event, "why": "again"}).status == 409
    page = ada.get(f"{address}?done=pin").text
    assert "4111 1111" not in page
    assert "&lt;CARD:" in page
    assert "<img src=x" not in page
    assert ">ada</dd>" in page
    assert "data-exposure" not in page
    one = server.client("ada")
    with one as client:
        found = client.show_incident(address.rpartition("/")[2])
    assert (found.tags, found.subjects) == (("gdpr",), ("resource:Anna Schmidt", "actor:bob"))
    assert [pin.event for pin in found.pins] == [event]
    off = ada.post(f"{address}/pins", {"csrf": csrf, "event": event, "why": "not this one", "off": "1"})
    assert off.location == f"{address}?done=unpin#pins"
    with server.client("ada") as client:
        assert not client.show_incident(address.rpartition("/")[2]).pins


def test_an_event_is_pinned_from_where_it_was_found(server: PageServer, ada: Visitor) -> None:
    address = opened(ada, "From a search")
    number = address.rpartition("/")[2]
    listed = ada.get("/search?q=action:incident.opened").text
    link = re.search(r'href="(/pin\?event=[^"]+)"', listed)
    assert link, "a row of a search has no way to pin it"
    form = ada.get(unescape(link[1]))
    assert f'<option value="{number}">' in form.text
    event = field(form.text, "event")
    sent = {"csrf": form.csrf, "event": event, "incident": number, "why": "found by a search", "title": ""}
    assert ada.post("/pins", sent).location == f"/incidents/{number}?done=pin#pins"
    new = ada.post("/pins", sent | {"incident": "new", "title": "Made with its first event"})
    assert new.status == 303
    with server.client("ada") as client:
        made = client.show_incident(new.location.partition("?")[0].rpartition("/")[2])
    assert [pin.event for pin in made.pins] == [event]
    assert "/pin?event=" in ada.get("/timeline?subject=actor:ada").text
    assert "/pin?event=" in ada.get(f"/events/{event}").text
    assert ada.get("/pin?event=nothing").status == 404


def test_of_two_who_edit_at_once_the_second_is_told(server: PageServer, ada: Visitor) -> None:
    server.add("otto", "auditor")
    otto, address = server.visitor("otto"), opened(ada, "Two at once")
    first, second = ada.get(address), otto.get(address)
    change = {"severity": "2", "assignee": "", "tags": "", "subjects": ""}
    seen = field(first.text, "seen")
    assert ada.post(
        f"{address}/change", {**change, "csrf": first.csrf, "seen": seen, "title": "Of ada"}
    ).status == 303  # fmt: skip
    late = otto.post(f"{address}/change", {**change, "csrf": second.csrf, "seen": seen, "title": "Of otto"})
    assert late.status == 409
    assert "meanwhile" in late.text
    answer = {"question": "what", "seen": "0", "text": "what ada found"}
    assert ada.post(f"{address}/answers", {**answer, "csrf": first.csrf}).status == 303
    late = otto.post(f"{address}/answers", {**answer, "csrf": second.csrf, "text": "what otto found"})
    assert late.status == 409
    assert "ada has answered" in late.text
    shown = otto.get(address).text
    assert "Of ada" in shown
    assert "what ada found" in shown
    after = field(shown, "seen", 'value="what"')
    assert otto.post(
        f"{address}/answers", {**answer, "csrf": second.csrf, "seen": after, "text": "both are right"}
    ).status == 303  # fmt: skip


def test_the_post_mortem_comes_out_of_the_page_and_proves_itself(
    server: PageServer, ada: Visitor, tmp_path: Path
) -> None:
    address = opened(ada, "Taken out")
    csrf = ada.get(address).csrf
    event = server.found("actor:ada action:incident.opened")[-1]["id"]
    assert ada.post(f"{address}/pins", {"csrf": csrf, "event": event, "why": "the start"}).status == 303
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", ada.port, timeout=60)) as connection:
        headers = {
            "Host": ada.host, "Cookie": ada.cookie, "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        connection.request("POST", f"{address}/export", urlencode({"csrf": csrf}), headers)
        answer = connection.getresponse()
        data = answer.read()
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "application/zip"
    assert answer.getheader("Cache-Control") == "no-store"
    file = tmp_path / "post-mortem.zip"
    file.write_bytes(data)
    with server.client("ada") as client:
        key = client.prove("0").verifier_key
    done = run("verify", str(file), "--key", key)
    assert done.returncode == 0, done.stderr
    assert "1 pinned event" in done.stdout + done.stderr


def test_no_form_works_without_the_visit_s_secret_or_from_elsewhere(server: PageServer, ada: Visitor) -> None:
    address = opened(ada, "Guarded")
    csrf = ada.get(address).csrf
    for path in ("notes", "status", "answers", "pins", "change", "export"):
        assert ada.post(f"{address}/{path}", {"text": "x"}).status == 403, path
        foreign = ada.post(f"{address}/{path}", {"csrf": csrf}, Origin="https://evil.example")
        assert foreign.status == 403, path
    assert ada.post("/incidents", {"title": "Not mine"}).status == 403
    assert ada.post("/pins", {"event": "0", "why": "not mine"}).status == 403
    assert ada.get(f"{address}/export").status in (404, 405), "reading an address takes the post-mortem out"
    assert not [one for one in server.found("action:incident.opened") if "Not mine" in str(one)]


def test_nobody_is_shown_a_form_that_they_may_not_send(server: PageServer, ada: Visitor) -> None:
    address = opened(ada, "Looked at by alice")
    alice = server.visitor("alice")
    shown = alice.get(address).text
    assert "/notes" in shown
    assert "/export" not in shown, "an engineer may not take the post-mortem out"
    assert alice.post(f"{address}/export", {"csrf": alice.get(address).csrf}).status == 403
    secret = server.found("action:token.issued")[-1]["id"]
    hidden = alice.get(f"/pin?event={secret}")
    assert hidden.status == 404, "an event that she may not see is shown to be pinned"
    tried = alice.post(f"{address}/pins", {"csrf": alice.get(address).csrf, "event": secret, "why": "blind"})
    assert tried.status == 400


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/change", {"title": "x", "severity": "3"}),
        ("/change", {"title": "fine", "severity": "9"}),
        ("/change", {"title": "fine", "severity": "3", "tags": "NO <b>"}),
        ("/change", {"title": "fine", "severity": "3", "subjects": "moon:full"}),
        ("/answers", {"question": "what", "text": ""}),
        ("/answers", {"question": "what", "text": "x" * 16_001}),
        ("/answers", {"question": "no such", "text": "fine"}),
        ("/answers", {"question": "what", "text": "fine", "seen": "yesterday"}),
        ("/pins", {"event": "0", "why": ""}),
        ("/pins", {"event": "x" * 500, "why": "fine"}),
        ("/notes", {"text": ""}),
    ],
)
def test_what_cannot_be_kept_is_told_and_changes_nothing(
    server: PageServer, ada: Visitor, path: str, sent: dict[str, str]
) -> None:
    address = opened(ada, "Mistakes")
    csrf = ada.get(address).csrf
    said = ada.post(f"{address}{path}", {"csrf": csrf, **sent})
    assert said.status == 400
    assert "<b>" not in said.text.partition("<main")[2] or "NO <b>" not in said.text
    with server.client("ada") as client:
        found = client.show_incident(address.rpartition("/")[2])
    assert (found.title, found.entries, found.tags) == ("Mistakes", 0, ())


def test_related_sessions_are_drawn_and_told(server: PageServer, ada: Visitor) -> None:
    trace = "1bf92f3577b34da6a3ce929d0e0e4711"
    hostile = '"><script>document.title="owned"</script>'
    server.feed(
        {
            "action": "page.viewed", "session_id": "shop-1", "trace_id": trace,
            "actor": {"type": "human", "id": hostile, "name": hostile},
        },
        {"action": "order.created", "session_id": "shop-2", "trace_id": trace},
    )  # fmt: skip
    shown = ada.get("/graph?session=shop-1")
    assert shown.status == 200
    assert "shop-2" in shown.text
    assert "the same trace" in shown.text
    assert "<svg" in shown.text
    assert "<script>document" not in shown.text
    assert ada.get("/graph?session=nothing-like-it").status == 404
    assert ada.get("/graph?session=shop-1&hops=99").status == 404
