"""The watch over feeds records when one falls silent, when it comes again, and what a webhook left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.audit import event as audit_event
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.feeds.sections import FeedSection
from glasshatch.app.feeds.settings import FeedSettings
from glasshatch.app.feeds.watching import look_at_feeds
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.events import Event, decode

_CONFIG = """
[feeds."json/shop"]
silent = "15m"
[feeds."kubernetes/*"]
webhook_within = "10m"
"""
SECOND_NS = 10**9


class AheadClock(SystemClock):
    """The real clock, set ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_s = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_s * SECOND_NS


@pytest.fixture
def clock() -> AheadClock:
    return AheadClock()


@pytest.fixture
def house(tmp_path: Path, clock: AheadClock) -> Iterator[House]:
    home = tmp_path / "home"
    create_home(home)
    with config_of(home).open("a") as config:
        config.write(_CONFIG)
    house = House(load_config(config_of(home)), clock)
    yield house
    house.close()


def told(house: House) -> list[Event]:
    """What the watch recorded, oldest first."""
    events = [decode(data) for _, data in house.ledger.scan()]
    return [one for one in events if one.action.startswith("source.")]


def test_a_feed_that_falls_silent_and_comes_again_is_told_once_each(house: House, clock: AheadClock) -> None:
    look_at_feeds(house)
    assert not house.has_feeds
    house.intake.take("json", "shop", b'{"id":"a"}')
    house.intake.take("json", "file", b'{"id":"a"}', file="x", first_line=1)
    look_at_feeds(house)
    clock.ahead_s += 16 * 60
    look_at_feeds(house)
    look_at_feeds(house)
    assert [(one.action, one.resource and one.resource.id) for one in told(house)] == [
        ("source.silent", "json/shop")
    ]
    house.intake.take("json", "shop", b'{"id":"b"}')
    look_at_feeds(house)
    assert [one.action for one in told(house)] == ["source.silent", "source.resumed"]


def test_what_the_webhook_left_out_is_told_when_its_time_is_over(house: House, clock: AheadClock) -> None:
    house.intake.take("kubernetes", "prod", json.dumps(audit_event(number=1)).encode())
    clock.ahead_s += 1
    late = [
        audit_event(number=number, requestReceivedTimestamp="2099-01-01T00:00:00.000000Z")
        for number in (2, 3)
    ]
    body = "\n".join(map(json.dumps, late)).encode()
    house.intake.take("kubernetes", "prod", body, file="audit.log", first_line=1)
    look_at_feeds(house)
    assert told(house) == []
    house.intake.take("kubernetes", "prod", json.dumps(late[0]).encode())
    clock.ahead_s += 11 * 60
    look_at_feeds(house)
    look_at_feeds(house)
    (missing,) = told(house)
    assert missing.action == "source.missing"
    assert missing.attrs["count"] == 1
    assert missing.attrs["facts"] == [f"{late[1]['auditID']} ResponseComplete"]


def test_the_first_section_that_fits_a_feed_holds() -> None:
    settings = FeedSettings(
        {"json/shop": FeedSection(silent="never"), "json/*": FeedSection(silent="2h"), "*/*": FeedSection()}
    )
    assert settings.silent_ns("json/shop") < 0
    assert settings.silent_ns("json/other") == 7_200 * SECOND_NS
    assert settings.silent_ns("pgaudit/x") == 0
    assert not settings.expects_webhook("kubernetes/prod")
