"""How feeds are doing: counts, rate, silence, and what a webhook left out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.audit import event as audit_event
from fixtures.logs_of_others import log_entry
from glasshatch.events import Event, Receipt, event_of
from glasshatch.sources import SOURCES, FeedStanding, Intake, Seen
from glasshatch.sources.standing import MINUTE_NS, Arrived, after

START_NS = 1_795_385_340 * 10**9


class Hand:
    """A clock that is set."""

    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


class Record:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def submit_all(self, events: list[Event], done: Any, feed: str = "") -> None:
        for place, event in enumerate(map(event_of, events)):
            self.events.append(event)
            done(place, Receipt(len(self.events) - 1, b""))


class Keeper:
    """An intake over a folder, begun anew at will."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.record = folder, Hand(), Record()
        self.intake = self._open()

    def _open(self) -> Intake:
        return Intake(
            self.record, self._seen, SOURCES, self.clock, os.urandom, "default", list, b"",
            expects=lambda feed: feed == "kubernetes/prod",
        )  # fmt: skip

    def _seen(self) -> Seen:
        return Seen(self.folder, {"default": len(self.record.events)})

    def restart(self) -> None:
        self.intake.close()
        self.intake = self._open()

    def standing(self, feed: str) -> FeedStanding:
        with self.intake.feeds() as feeds:
            return next(one for one in feeds.standings() if f"{one.kind}/{one.name}" == feed)

    def overdue(self) -> tuple[int, list[str]]:
        with self.intake.feeds() as feeds:
            return feeds.overdue("kubernetes/prod", self.clock.ns + 1, 10)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    yield keeper
    keeper.intake.close()


def lines(*events: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in events)


def test_a_feed_is_counted_and_the_counts_outlive_a_restart(keeper: Keeper) -> None:
    keeper.intake.take("json", "shop", b'{"id":"a"}\n{"id":"b"}\nnothing')
    keeper.intake.take("json", "shop", b'{"id":"a"}')
    keeper.restart()
    found = keeper.standing("json/shop")
    assert (found.events, found.duplicates, found.quarantined, found.live) == (2, 1, 1, 2)
    assert "not JSON" in found.problem
    assert found.newest_ns == found.last_ns == START_NS
    assert found.rate(START_NS) == pytest.approx(2 / 1.0)


def test_what_comes_out_of_a_file_is_no_sign_of_life(keeper: Keeper) -> None:
    keeper.intake.take("json", "shop", b'{"id":"a"}', file="x", first_line=1)
    found = keeper.standing("json/shop")
    assert (found.live, found.may_be_quiet_ns(15 * MINUTE_NS)) == (0, 0)


def test_the_rate_is_of_the_last_minutes() -> None:
    standing = FeedStanding(kind="json", name="shop")
    for minute in range(3):
        standing = after(standing, Arrived(now_ns=START_NS + minute * MINUTE_NS, live=True, events=600))
    assert standing.rate(START_NS + 2 * MINUTE_NS + MINUTE_NS // 2) == pytest.approx(1_200 / 90)
    assert standing.rate(START_NS + 3 * MINUTE_NS + MINUTE_NS // 2) == pytest.approx(600 / 90)
    assert standing.rate(START_NS + 9 * MINUTE_NS) == 0


def test_how_long_a_feed_may_be_quiet_is_learned_or_said() -> None:
    standing = FeedStanding(kind="json", name="shop")
    for turn in range(30):
        standing = after(standing, Arrived(now_ns=START_NS + turn * 20 * MINUTE_NS, live=True, events=1))
        assert (standing.may_be_quiet_ns(0) > 0) == (turn >= 9)
    assert 150 * MINUTE_NS < standing.may_be_quiet_ns(0) <= 200 * MINUTE_NS
    assert standing.may_be_quiet_ns(5 * MINUTE_NS) == 5 * MINUTE_NS
    assert standing.may_be_quiet_ns(-1) == 0


def test_what_the_webhook_left_out_of_the_log_is_found(keeper: Keeper) -> None:
    events = [
        audit_event(number=number, requestReceivedTimestamp="2026-11-22T22:09:30.000000Z")
        for number in range(1, 7)
    ]
    keeper.intake.take("kubernetes", "prod", lines(*events[:2]))
    keeper.intake.take("kubernetes", "prod", lines(*events), file="audit.log", first_line=1)
    assert keeper.overdue()[0] == 4
    keeper.intake.take("kubernetes", "prod", lines(*events[2:5]))
    keeper.restart()
    count, facts = keeper.overdue()
    assert (count, facts) == (1, [f"{events[5]['auditID']} ResponseComplete"])
    with keeper.intake.feeds() as feeds:
        feeds.give_up("kubernetes/prod", keeper.clock.ns + 1)
    keeper.intake.take("kubernetes", "prod", lines(*events), file="audit.log", first_line=1)
    assert keeper.overdue() == (0, [])


@pytest.mark.parametrize("levels", [("Metadata", "RequestResponse"), ("RequestResponse", "Metadata")])
def test_a_fuller_copy_by_either_way_is_not_missed(keeper: Keeper, levels: tuple[str, str]) -> None:
    def copy(number: int, level: str) -> dict[str, Any]:
        return audit_event(number=number, level=level, requestReceivedTimestamp="2026-11-22T22:09:30.000000Z")

    keeper.intake.take("kubernetes", "prod", lines(copy(1, levels[0])))
    log = lines(copy(1, levels[1]), copy(2, levels[1]))
    keeper.intake.take("kubernetes", "prod", log, file="audit.log", first_line=1)
    assert keeper.overdue()[1] == [f"{copy(2, '')['auditID']} ResponseComplete"]
    keeper.intake.take("kubernetes", "prod", lines(copy(2, levels[0])))
    assert keeper.overdue() == (0, [])
    assert sum(one.action == "recording.completed" for one in keeper.record.events) == 1


def test_what_happened_before_there_was_a_webhook_is_not_missed(keeper: Keeper) -> None:
    old = audit_event(number=1, requestReceivedTimestamp="2026-11-20T00:00:00.000000Z")
    keeper.intake.take("kubernetes", "prod", lines(audit_event(number=2)))
    keeper.intake.take("kubernetes", "prod", lines(old), file="audit.log", first_line=1)
    assert keeper.overdue() == (0, [])
    keeper.intake.take("kubernetes", "test", lines(audit_event(number=3)), file="audit.log", first_line=1)
    assert keeper.overdue() == (0, [])


def statement(line: int, number: int) -> dict[str, Any]:
    return log_entry(line, f"AUDIT: SESSION,{number},1,READ,SELECT,,,SELECT 1,<none>")


def test_a_gap_is_recorded_once_before_what_shows_it(keeper: Keeper) -> None:
    keeper.intake.take("pgaudit", "db", lines(statement(1, 1), statement(2, 2)))
    keeper.restart()
    body = lines(statement(5, 5), statement(6, 6))
    first = keeper.intake.take("pgaudit", "db", body)
    again = keeper.intake.take("pgaudit", "db", body)
    assert (first.accepted, first.duplicates) == (2, 0)
    assert (again.accepted, again.duplicates) == (0, 2)
    told = [(one.action, one.attrs.get("of"), one.attrs.get("first"), one.attrs.get("last"))
            for one in keeper.record.events[2:]]  # fmt: skip
    assert told == [
        ("recording.gap", "lines", 3, 4), ("recording.gap", "statements", 3, 4),
        ("statement.read", None, None, None), ("statement.read", None, None, None),
    ]  # fmt: skip
    assert keeper.standing("pgaudit/db").gaps == 2
    assert msgspec.json.encode(keeper.record.events[2]).count(b"6b0368c1.3571") == 1


def test_statements_are_not_kept_by_who_cannot_clean_them(keeper: Keeper) -> None:
    keeper.intake.take(
        "pgaudit", "db", lines(log_entry(1, "AUDIT: SESSION,1,1,READ,S,,,SELECT 'planted',planted"))
    )
    assert b"planted" not in msgspec.json.encode(keeper.record.events)
