"""Taking alerts on: found by prefix, recorded first, once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from fixtures.detecting import denial_of, numbered, rule
from glasshatch.clock import ManualClock
from glasshatch.detect import Alerts, Detector
from glasshatch.errors import ConfigError, Conflict, Unavailable
from glasshatch.events import Actor, Event, encode

Open = Callable[..., Detector]
BOB = Actor(id="b1", name="bob", type="human")


@pytest.fixture
def detector(open_detector: Open) -> Detector:
    detector = open_detector(rule(threshold=1))
    detector.apply(numbered(*(denial_of(number, number, f"a{number}") for number in range(3))))
    return detector


def test_the_newest_stands_first(detector: Detector, clock: ManualClock) -> None:
    alerts = Alerts(detector.store, lambda _event: None, clock)
    assert [one.actor for one in alerts.list()] == ["name of a2", "name of a1", "name of a0"]
    assert len(alerts.list("open", limit=2)) == 2
    assert alerts.list("acknowledged") == []
    with pytest.raises(ConfigError):
        alerts.list("closed")


def test_an_acknowledgement_is_recorded_and_seen_at_once(detector: Detector, clock: ManualClock) -> None:
    recorded: list[Event] = []
    alerts = Alerts(detector.store, recorded.append, clock)
    wanted = alerts.list()[1].id
    standing = alerts.acknowledge(wanted[:8], BOB, "a known export")
    assert (standing.id, standing.state, standing.acknowledged_by) == (wanted, "acknowledged", "bob")
    assert standing.comment == ""
    assert [(event.action, event.actor, event.attrs["comment"]) for event in recorded] == [
        ("alert.acknowledged", BOB, "a known export")
    ]
    detector.apply([(3, encode(recorded[0]))])
    assert alerts.find(wanted).comment == "a known export"
    assert [one.id for one in alerts.list("open")] != [wanted]


def test_only_the_first_takes_it_on(detector: Detector, clock: ManualClock) -> None:
    alerts = Alerts(detector.store, lambda _event: None, clock)
    wanted = alerts.list()[0].id
    alerts.acknowledge(wanted, BOB)
    with pytest.raises(Conflict, match="bob"):
        alerts.acknowledge(wanted, Actor(id="c1", name="carol"))


def test_what_was_not_recorded_did_not_happen(detector: Detector, clock: ManualClock) -> None:
    def refuse(_event: Event) -> None:
        raise Unavailable("the record is away")

    alerts = Alerts(detector.store, refuse, clock)
    with pytest.raises(Unavailable):
        alerts.acknowledge(alerts.list()[0].id, BOB)
    assert len(alerts.list("open")) == 3


def test_an_acknowledgement_read_back_first_keeps_its_comment(detector: Detector, clock: ManualClock) -> None:
    def record(event: Event) -> None:
        detector.apply([(detector.watermark, encode(event))])

    alerts = Alerts(detector.store, record, clock)
    assert alerts.acknowledge(alerts.list()[0].id, BOB, "seen").comment == "seen"


@pytest.mark.parametrize("id", ["", "abc", "zzzzzzzz", "%%%%%%%%", "________"])
def test_what_is_no_alert_is_not_found(detector: Detector, clock: ManualClock, id: str) -> None:
    with pytest.raises(ConfigError, match="no alert"):
        Alerts(detector.store, lambda _event: None, clock).find(id)


def test_a_beginning_of_two_is_refused(detector: Detector, clock: ManualClock) -> None:
    alerts = Alerts(detector.store, lambda _event: None, clock)
    known = alerts.list()[0].id
    twin = known[:8] + ("0" * 24 if known[8:] != "0" * 24 else "1" * 24)
    with detector.store.transaction() as connection:
        connection.execute(
            "INSERT INTO alerts (id, time, number, body) SELECT ?, time, number, body FROM alerts LIMIT 1",
            (twin,),
        )
    with pytest.raises(ConfigError, match="more than one"):
        alerts.find(known[:8])
    assert alerts.find(known).id == known


def test_it_is_what_the_api_shows(detector: Detector, clock: ManualClock) -> None:
    from glasshatch.api.values import AlertView

    standing = Alerts(detector.store, lambda _event: None, clock).list()[0]
    view = msgspec.convert(standing, AlertView, from_attributes=True)
    for name in AlertView.__struct_fields__:
        assert getattr(view, name) == getattr(standing, name), name
