"""Incidents and aliases under kill -9: what was acknowledged is there, and in the record."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.killing import open_house, until_killed
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.events import decode

WORKER = Path(__file__).with_name("case_worker.py")
KILLS = rounds(3, 100)
STEPS = 15
"""So many things one incident's life says."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "home"
    create_home(directory)
    return directory


def test_what_was_acknowledged_about_incidents_survives_a_kill_at_any_moment(home: Path) -> None:
    chance, said, cut = random.Random(7), 0, set[str]()
    for number in range(KILLS):
        lines = until_killed(
            WORKER, (home, number * 1_000), 3 + (number * 5) % STEPS, chance.uniform(0, 0.02)
        )
        cut.add(lines[-1]["what"])
        said += len(lines)
        house = open_house(home)
        try:
            for line in lines:
                assert _is_kept(house, line, lines), line
            _check_recorded(house)
        finally:
            house.close()
    tell(f"incidents: {KILLS} kills, {said} steps said, none lost; cut behind {', '.join(sorted(cut))}")


def _is_kept(house: House, line: dict[str, Any], lines: list[dict[str, Any]]) -> bool:
    if line["what"] == "ready":
        return True
    if line["what"] in ("alias", "ended"):
        (alias,) = [one for one in house.control.aliases.list() if one.id == line["id"]]
        return line["what"] == "alias" or alias.until_ns > 0
    incident = house.control.incidents.find(line["number"])
    entries = house.control.incidents.entries(incident.id)
    last = [one for one in lines if one["what"] == "status" and one["number"] == line["number"]]
    return {
        "opened": lambda: incident.title == line["title"],
        "note": lambda: ("note", line["text"]) in [(one.kind, one.text) for one in entries],
        "pin": lambda: ("pin", line["place"]) in [(one.kind, one.place) for one in entries],
        "answer": lambda: ("answer", line["text"]) in [(one.kind, one.text) for one in entries],
        "tag": lambda: line["tag"] in incident.tags and incident.assignee == "admin",
        # The one behind the last that was said may be there already.
        "status": lambda: line is not last[-1] or incident.status != "open",
    }[line["what"]]()


def _check_recorded(house: House) -> None:
    """Nothing stands in the store that the record does not know: it is recorded before it counts."""
    events = [decode(entry) for _, entry in house.ledger.scan()]
    recorded = {link.id for event in events for link in event.links if link.rel in ("incident", "alias")}
    notes = {event.attrs.get("text") for event in events if event.action == "incident.noted"}
    pins = {
        (event.attrs["incident"], link.id)
        for event in events if event.action == "incident.pinned"
        for link in event.links if link.rel == "pin"
    }  # fmt: skip
    moves = {(event.attrs["incident"], event.attrs["after"]) for event in events
             if event.action == "incident.moved"}  # fmt: skip
    for incident in house.control.incidents.all():
        assert incident.id in recorded
        for entry in house.control.incidents.entries(incident.id):
            assert entry.kind != "note" or entry.text in notes
            assert entry.kind != "pin" or (incident.number, entry.about) in pins
            assert entry.kind != "status" or (incident.number, entry.text) in moves
    assert {alias.id for alias in house.control.aliases.list()} <= recorded
