"""Incidents: numbered, moved along their statuses only, and never short of what was put into them."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.api.incident_values import FOLLOWING
from glasshatch.control.incidents import STEPS
from glasshatch.errors import ConfigError, Conflict, VerificationError

from .conftest import kept_entry, kept_incident

NOW = 1_800_000_000_000_000_000


def test_incidents_count_from_one_and_keep_what_was_put_in(office: Any) -> None:
    incidents = office.store.incidents
    first = incidents.open(kept_incident(), NOW)
    second = incidents.open(kept_incident(title="Another"), NOW + 10**6)
    assert (first.number, second.number) == (1, 2)
    incidents.put(first.id, kept_entry("note", "one"), NOW + 1)
    incidents.put("1", kept_entry("pin", "why", "event"), NOW + 2 * 10**6)
    reopened = office.reopen().incidents
    assert [(one.kind, one.text) for one in reopened.entries("1")] == [("note", "one"), ("pin", "why")]
    assert reopened.find(second.id[:20]).title == "Another"
    assert reopened.entries("2") == []


def test_what_is_offered_is_what_the_store_allows() -> None:
    assert FOLLOWING == STEPS


def test_a_status_follows_only_the_ones_before_it(office: Any) -> None:
    incidents = office.store.incidents
    for status, allowed in STEPS.items():
        for wanted in STEPS:
            made = incidents.open(kept_incident(status=status), NOW)
            if wanted in allowed:
                moved = incidents.move(made.id, kept_entry("status", wanted), NOW + 1)
                assert moved.status == wanted
                assert [(one.about, one.text) for one in incidents.entries(made.id)] == [(status, wanted)]
            else:
                with pytest.raises(Conflict, match=f"{wanted} does not follow"):
                    incidents.move(made.id, kept_entry("status", wanted), NOW + 1)


def test_a_closed_one_takes_nothing_until_it_opens_again(office: Any) -> None:
    incidents = office.store.incidents
    made = incidents.open(kept_incident(status="closed"), NOW)
    with pytest.raises(Conflict, match="closed"):
        incidents.put(made.id, kept_entry(), NOW + 1)
    with pytest.raises(Conflict, match="closed"):
        incidents.change(made.id, lambda found: {"severity": 5}, NOW + 1)
    incidents.move(made.id, kept_entry("status", "open"), NOW + 2)
    assert incidents.put(made.id, kept_entry(), NOW + 3).entries == 2


def test_changes_are_kept_and_unknown_ones_are_told(office: Any) -> None:
    incidents = office.store.incidents
    made = incidents.open(kept_incident(), NOW)
    incidents.change(made.id, lambda found: {"tags": (*found.tags, "more"), "assignee": "bob"}, NOW + 1)
    found = office.reopen().incidents.find("1")
    assert (found.tags, found.assignee) == (("data", "more"), "bob")
    for name in ("7", "", "zz"):
        with pytest.raises(ConfigError):
            office.store.incidents.find(name)


def test_an_entry_that_is_taken_away_is_missed(office: Any) -> None:
    made = office.store.incidents.open(kept_incident(), NOW)
    office.store.incidents.put(made.id, kept_entry(), NOW + 1)
    office.intrude("DELETE FROM incident_entries")
    with pytest.raises(VerificationError, match="its entries"):
        office.store.incidents.entries(made.id)


def test_a_step_that_cannot_be_recorded_does_not_count(office: Any) -> None:
    def refuse(*_: object) -> None:
        raise Conflict("the record is away")

    incidents = office.store.incidents
    with pytest.raises(Conflict, match="away"):
        incidents.open(kept_incident(), NOW, record=refuse)
    made = incidents.open(kept_incident(), NOW)
    with pytest.raises(Conflict, match="away"):
        incidents.put(made.id, kept_entry(), NOW + 1, record=refuse)
    with pytest.raises(Conflict, match="away"):
        incidents.move(made.id, kept_entry("status", "contained"), NOW + 1, record=refuse)
    found = office.reopen().incidents
    assert [(one.number, one.status, one.entries) for one in found.all()] == [(1, "open", 0)]
