"""Delivery: retries with growing pauses, gives up in the end, repeats nothing, waits until it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fixtures.detecting import denial_of, numbered, rule
from fixtures.timing import soonest
from glasshatch.clock import SystemClock
from glasshatch.detect import Alert, Delivery, Detector, Patience, Route
from glasshatch.errors import Unavailable
from glasshatch.events import Event, encode

Open = Callable[..., Detector]
HASTY = Patience(first_s=0.005, longest_s=0.02, give_up_s=60, note_longest_s=0.02)


class Bell:
    """A channel that refuses so many times, and then takes what it is given."""

    def __init__(self, name: str = "bell", refusals: int = 0, error: Exception | None = None) -> None:
        self.name = name
        self.taken: list[Alert] = []
        self.tries = 0
        self._refusals = refusals
        self._error = error or Unavailable("answered 503")

    def deliver(self, alert: Alert) -> None:
        self.tries += 1
        if self.tries <= self._refusals:
            raise self._error
        self.taken.append(alert)


class Book:
    """A record that can be away for a while."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[Event] = []
        self._refusals = refusals

    def record(self, event: Event) -> None:
        if self._refusals:
            self._refusals -= 1
            raise Unavailable("the record is away")
        self.events.append(event)

    def actions(self) -> list[str]:
        return [event.action for event in self.events]


Start = Callable[..., Delivery]


@pytest.fixture
def clock() -> SystemClock:
    """Real time: what is raised now is due now."""
    return SystemClock()


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Delivery] = []

    def start_it(detector: Detector, book: Book, *channels: Bell, **options: object) -> Delivery:
        options.setdefault("patience", HASTY)
        delivery = Delivery(detector.store, book.record, channels, SystemClock(), lambda: 0.5, **options)  # type: ignore[arg-type]
        delivery.start()
        running.append(delivery)
        return delivery

    yield start_it
    for delivery in running:
        delivery.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


def detector_with(open_detector: Open, *channels: str, alerts: int = 1, folder: str = "detect") -> Detector:
    routes = [Route(name) for name in channels]
    detector = open_detector(rule(threshold=1), routes=routes, folder=folder)
    if not detector.watermark:
        detector.apply(numbered(*(denial_of(number, number, f"a{number}") for number in range(alerts))))
    return detector


def test_an_alert_is_recorded_delivered_and_that_recorded(open_detector: Open, start: Start) -> None:
    detector, book, bell = detector_with(open_detector, "bell"), Book(), Bell()
    start(detector, book, bell)
    until(lambda: len(book.events) == 2)
    assert book.actions() == ["alert.raised", "alert.delivered"]
    assert [alert.id for alert in bell.taken] == [detector.store.alerts("", 5)[0].id]
    assert detector.store.alerts("", 5)[0].deliveries == {"bell": "delivered"}
    assert detector.store.count("notes") == 0


def test_a_new_alert_does_not_wait_for_a_poll(open_detector: Open, start: Start) -> None:
    detector, book, bell = detector_with(open_detector, "bell", alerts=0), Book(), Bell()
    start(detector, book, bell)
    time.sleep(0.05)

    def ring(number: int) -> None:
        detector.apply(numbered(denial_of(number, number, f"a{number}"), start=number))
        until(lambda: len(bell.taken) > number)

    soonest(ring, within_s=1)


def test_a_refusal_is_tried_again(open_detector: Open, start: Start) -> None:
    detector, book, bell = detector_with(open_detector, "bell"), Book(), Bell(refusals=5)
    start(detector, book, bell)
    until(lambda: "alert.delivered" in book.actions())
    assert bell.tries == 6
    assert book.events[-1].attrs["attempts"] == 6


def test_a_record_that_is_away_is_tried_again_and_holds_up_no_delivery(
    open_detector: Open, start: Start
) -> None:
    detector, book, bell = detector_with(open_detector, "bell", alerts=3), Book(refusals=20), Bell()
    start(detector, book, bell)
    until(lambda: len(book.events) == 6)
    assert len(bell.taken) == 3


def test_it_gives_up_in_the_end_and_says_so(open_detector: Open, start: Start) -> None:
    detector, book, bell = detector_with(open_detector, "bell"), Book(), Bell(refusals=10**6)
    start(detector, book, bell, patience=Patience(first_s=0.005, longest_s=0.01, give_up_s=0.1))
    until(lambda: "alert.failed" in book.actions())
    failed = next(event for event in book.events if event.action == "alert.failed")
    assert failed.outcome is not None
    assert failed.outcome.reason == "answered 503"
    assert detector.store.alerts("", 5)[0].deliveries == {"bell": "failed"}


def test_a_slow_channel_holds_up_nobody_else(open_detector: Open, start: Start) -> None:
    held = threading.Event()

    class Slow(Bell):
        def deliver(self, alert: Alert) -> None:
            held.wait(60)
            super().deliver(alert)

    detector, book, bell, slow = detector_with(open_detector, "bell", "slow"), Book(), Bell(), Slow("slow")
    start(detector, book, bell, slow)
    until(lambda: book.actions() == ["alert.raised", "alert.delivered"])
    assert slow.tries == 0
    held.set()
    until(lambda: len(book.events) == 3)


def test_a_channel_with_a_fault_of_its_own_is_tried_again(open_detector: Open, start: Start) -> None:
    heard: list[BaseException] = []
    detector, book, bell = detector_with(open_detector, "bell"), Book(), Bell(refusals=1, error=KeyError("x"))
    start(detector, book, bell, failed=heard.append)
    until(lambda: len(bell.taken) == 1)
    assert isinstance(heard[0], KeyError)


def test_what_an_earlier_process_left_is_delivered(open_detector: Open, start: Start) -> None:
    first = detector_with(open_detector, "bell", alerts=3)
    start(first, Book(), Bell(refusals=10**6)).stop()
    first.close()
    second, book, bell = detector_with(open_detector, "bell"), Book(), Bell()
    start(second, book, bell)
    until(lambda: len(bell.taken) == 3)


def test_a_channel_that_is_not_configured_any_more_fails_at_once(open_detector: Open, start: Start) -> None:
    detector, book = detector_with(open_detector, "gone"), Book()
    start(detector, book)
    until(lambda: "alert.failed" in book.actions())


def test_nothing_goes_out_before_the_record_was_read(open_detector: Open, start: Start) -> None:
    """All state was lost; the record knows the alert was raised and delivered: it stays at that."""
    detector, book, bell = detector_with(open_detector, "bell"), Book(), Bell()
    start(detector, book, bell)
    until(lambda: len(book.events) == 2)

    lost, again, silent = detector_with(open_detector, "bell", folder="lost"), Book(), Bell()
    size = 1 + len(book.events)
    start(lost, again, silent, ready=lambda: lost.watermark >= size)
    time.sleep(0.1)
    lost.apply(numbered(*(encode(event) for event in book.events), start=1))
    lost.apply(numbered(denial_of(9, 9, "a9"), start=3))
    until(lambda: len(again.events) == 2)
    assert {event.links[0].id for event in again.events} == {silent.taken[0].id}
    assert silent.taken[0].actor_id == "a9"


def test_pauses_double_up_to_a_bound_and_vary() -> None:
    patience = Patience()
    pauses = [patience.pause_ns(attempts, 1.0, patience.longest_s) / 1e9 for attempts in range(12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 900
    assert patience.pause_ns(10**6, 0.0, patience.longest_s) == 450_000_000_000
