"""Incidents on the page: shown to who may work on them, told as what they are, and worked on by form."""

from __future__ import annotations

import pytest

from fixtures.page_world import NAME, REASON
from glasshatch.api.incident_values import AnswerForm, IncidentForm, IncidentView, PinForm

from .conftest import PageServer


@pytest.fixture(scope="module")
def incident(server: PageServer) -> IncidentView:
    server.add("ines", "auditor")
    server.add("pia", "privacy")
    with server.client("ines") as ines:
        made = ines.create_incident(IncidentForm(title=NAME, subjects=("actor:ines",), tags=("data",)))
        ines.answer_incident(str(made.number), AnswerForm(question="what", text=REASON))
        return ines.pin_event(str(made.number), PinForm(event="0", why=f"the first of all {REASON}"))


def test_an_incident_is_listed_and_shown_as_what_it_is(server: PageServer, incident: IncidentView) -> None:
    ines = server.visitor("ines")
    listed, shown = ines.get("/incidents").text, ines.get(f"/incidents/{incident.number}").text
    assert f'href="/incidents/{incident.number}"' in listed
    for text in (listed, shown):
        assert "<script>document" not in text
        assert "<img src=x" not in text
        assert "\u202e" not in text
        assert "{{ 7*7 }}" in text or "49" not in text.partition("<main")[2].partition("</h1>")[0]
    assert "the first of all" in shown
    assert f'href="/events/{incident.pins[0].event}"' in shown
    assert "ledger.created" in shown, "the timeline has no pinned event"


def test_a_note_and_a_status_are_given_by_form(server: PageServer, incident: IncidentView) -> None:
    ines, address = server.visitor("ines"), f"/incidents/{incident.number}"
    csrf = ines.get(address).csrf
    assert ines.post(f"{address}/notes", {"text": "seen"}).status == 403, "a form of another page was taken"
    written = ines.post(f"{address}/notes", {"csrf": csrf, "text": "call anna@example.com"})
    assert (written.status, written.location) == (303, f"{address}?done=note")
    assert ines.post(f"{address}/notes", {"csrf": csrf, "text": " "}).status == 400
    moved = ines.post(f"{address}/status", {"csrf": csrf, "status": "contained", "why": "it was cut"})
    assert moved.status == 303
    wrong = ines.post(f"{address}/status", {"csrf": csrf, "status": "closed", "why": "too early"})
    assert wrong.status == 409
    shown = ines.get(address).text
    assert "open to contained: it was cut" in shown
    assert "anna@example.com" not in shown
    assert "&lt;EMAIL:" in shown
    steps = [one["action"] for one in server.found("actor:ines action:incident.*")]
    assert steps[-2:] == ["incident.noted", "incident.moved"]


def test_who_may_not_work_on_incidents_sees_none(server: PageServer, incident: IncidentView) -> None:
    pia = server.visitor("pia")
    assert pia.get("/incidents").status == 403
    assert pia.get(f"/incidents/{incident.number}").status == 403
    alice = server.visitor("alice").get(f"/incidents/{incident.number}")
    assert alice.status == 200
    assert "ledger.created" not in alice.text, "an engineer sees a pinned event that they may not see"
