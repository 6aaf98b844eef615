"""The events of an alert's life come back from the record as they were written, through real redaction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.detecting import numbered, read_of, touch_of
from glasshatch.detect import Detector, load_rules
from glasshatch.detect.notes import (
    acknowledged_event,
    delivered_event,
    failed_event,
    is_own,
    raised_event,
    step_of,
)
from glasshatch.events import ACTIONS, Actor, decode, encode
from glasshatch.masking import Engine, Redactor, Tokens

Open = Callable[..., Detector]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(Engine.load(), Tokens({1: b"a" * 32}, 1, "acme"))


def test_a_raised_alert_survives_the_record(open_detector: Open, redactor: Redactor) -> None:
    detector = open_detector(*load_rules())
    entries = [touch_of(number, number, "orders") for number in range(12)]
    entries += [touch_of(12, 12, "payments"), read_of(13, 13, 5_000)]
    alerts = detector.apply(numbered(*entries))
    assert {alert.rule for alert in alerts} == {"first-table", "bulk-personal-read"}
    for alert in alerts:
        stored = decode(encode(redactor.event(raised_event(alert))))
        assert stored.redaction is not None
        assert stored.redaction.counts == {}
        step = step_of(stored)
        assert step is not None
        assert step.restored is not None
        shown = ("id", "rule", "reason", "actor", "actor_id", "resource", "session", "events", "indices")
        for name in (*shown, "title", "severity", "time", "raised", "trigger", "measured", "tags", "version"):
            assert getattr(step.restored, name) == getattr(alert, name), name


def test_every_step_has_an_id_of_its_own_that_does_not_change(open_detector: Open) -> None:
    (alert,) = open_detector(*load_rules()).apply(numbered(read_of(0, 0, 5_000)))
    bob = Actor(id="b1", name="bob")
    events = [
        raised_event(alert),
        delivered_event(alert, "hook", 1, 5),
        delivered_event(alert, "mail", 1, 5),
        failed_event(alert, "hook", 9, "answered 503", 5),
        acknowledged_event(alert, bob, "", 5),
    ]
    assert len({event.id for event in events}) == len(events)
    assert delivered_event(alert, "hook", 4, 99).id == events[1].id
    assert all(is_own(event) and event.action in ACTIONS for event in events)
    assert all(event.session_id == "s1" for event in events)


def test_a_comment_is_redacted_before_it_is_stored(open_detector: Open, redactor: Redactor) -> None:
    detector = open_detector(*load_rules())
    (alert,) = detector.apply(numbered(read_of(0, 0, 5_000)))
    event = acknowledged_event(alert, Actor(id="b1", name="bob"), "asked jane.roe@example.com", 5)
    detector.apply([(1, encode(redactor.event(event)))])
    (standing,) = detector.store.alerts("acknowledged", 5)
    assert "<EMAIL:" in standing.comment
    assert "jane" not in standing.comment
