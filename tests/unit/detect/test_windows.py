"""Volume and count: edges of the window, late events, quiet times, bounded memory."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.detecting import denial_of, numbered, read_of, rule
from glasshatch.detect import Detector
from glasshatch.detect.windows import MAX_ITEMS

Open = Callable[..., Detector]


def raised_at(detector: Detector, *entries: bytes) -> list[int]:
    """The places of the entries at which an alert was raised."""
    return [alert.indices[-1] for alert in detector.apply(numbered(*entries, start=detector.watermark))]


def test_an_event_as_old_as_the_window_is_outside(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2, window="60s"))
    assert raised_at(detector, denial_of(0, 0), denial_of(1, 60)) == []
    assert raised_at(detector, denial_of(2, 119.999)) == [2]


def test_groups_are_counted_apart(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2))
    assert raised_at(detector, denial_of(0, 0, "a"), denial_of(1, 1, "b")) == []
    assert raised_at(detector, denial_of(2, 2, "b")) == [2]


def test_a_group_needs_a_field(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=1, group_by=["trace_id", "session_id"]))
    assert raised_at(detector, denial_of(0, 0)) == []
    assert raised_at(detector, denial_of(1, 0, session_id="s")) == [1]


def test_a_volume_sums_the_field(open_detector: Open) -> None:
    volume = rule(kind="volume", sum="data.rows", threshold=100, group_by=["session_id"])
    detector = open_detector(volume)
    assert raised_at(detector, read_of(0, 0, 60), read_of(1, 1, 39)) == []
    assert raised_at(detector, read_of(2, 2, 0)) == []
    (alert,) = detector.apply(numbered(read_of(3, 3, 1), start=3))
    assert alert.measured["sum"] == "100"
    assert alert.indices == (0, 1, 3)


def test_the_same_group_is_quiet_for_a_while(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=1, quiet="5m"))
    entries = [denial_of(number, number * 60) for number in range(11)]
    assert raised_at(detector, *entries) == [0, 5, 10]
    assert detector.standing().rules[0].quiet == 8


def test_a_multiple_of_what_was_raised_breaks_the_quiet(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2, window="1h", quiet="1h", again=3))
    entries = [denial_of(number, number) for number in range(20)]
    assert raised_at(detector, *entries) == [1, 5, 17]


def test_a_late_event_fills_the_window_it_belongs_to(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=3, window="10s", lateness="60s"))
    entries = [denial_of(0, 100), denial_of(1, 104), denial_of(2, 150)]
    assert raised_at(detector, *entries) == []
    (alert,) = detector.apply(numbered(denial_of(3, 102), start=3))
    assert alert.indices == (0, 3, 1)


def test_too_late_is_counted_and_left_out(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2, window="10m", lateness="60s"))
    assert raised_at(detector, denial_of(0, 100), denial_of(1, 39)) == []
    assert detector.standing().rules[0].late == 1
    assert raised_at(detector, denial_of(2, 40)) == [0]


def test_a_clock_a_year_ahead_does_not_make_the_others_late(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=3))
    year_s = 365 * 86_400
    observed = denial_of(9, 1)
    ahead = denial_of(0, year_s, observed_time=str(1_700_000_000_000_000_000))
    assert raised_at(detector, ahead, observed, denial_of(2, 2)) == [2]


def test_a_very_long_group_is_bounded_and_still_raises(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=MAX_ITEMS + 500, window="1d"))
    entries = [denial_of(number, number) for number in range(MAX_ITEMS + 500)]
    assert raised_at(detector, *entries[:-1]) == []
    (alert,) = detector.apply(numbered(entries[-1], start=MAX_ITEMS + 499))
    assert len(alert.events) == 50


def test_groups_are_bounded_and_evictions_are_counted(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2, window="1h"), max_groups=32)
    detector.apply(numbered(*(denial_of(number, number, f"a{number}") for number in range(100))))
    standing = detector.standing().rules[0]
    assert standing.groups <= 32
    assert standing.evicted >= 68
    assert raised_at(detector, denial_of(200, 101, "a99"), denial_of(201, 102, "a0")) == [100]


def test_groups_that_ran_out_make_room_without_a_loss(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=2, window="10s", lateness="0s"), max_groups=32)
    detector.apply(numbered(*(denial_of(number, number, f"a{number}") for number in range(1_000))))
    standing = detector.standing().rules[0]
    assert standing.groups <= 32
    assert standing.evicted == 0
