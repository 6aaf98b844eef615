"""The detector: every alert once, whatever happens between two entries, and nothing of its own doing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.detecting import denial_of, entry, numbered, read_of, rule, touch_of
from glasshatch.clock import ManualClock
from glasshatch.detect import Alert, Detector, Route, load_rules
from glasshatch.detect.notes import step_of
from glasshatch.errors import ConfigError, Conflict, Unavailable
from glasshatch.events import Actor, Event, decode, encode

Open = Callable[..., Detector]
BURST = rule(threshold=3, quiet="1h", severity=4)


def notes_of(detector: Detector) -> list[bytes]:
    """The events that are to be recorded, as the front would write them."""
    return [note.body for note in detector.store.due_notes(2**62, 1_000)]


def test_an_alert_names_what_is_behind_it(open_detector: Open) -> None:
    detector = open_detector(*load_rules())
    entries = [
        read_of(number, number, 400, resource={"type": "postgres", "id": "postgres/shop"}, trace_id="ab" * 16)
        for number in range(3)
    ]
    (alert,) = detector.apply(numbered(*entries))
    assert (alert.rule, alert.severity, alert.actor, alert.session) == (
        "bulk-personal-read",
        4,
        "alice",
        "s1",
    )
    assert alert.resource == "postgres/shop"
    assert alert.trace == "ab" * 16
    assert alert.indices == (0, 1, 2)
    assert alert.trigger == alert.events[-1]
    assert "1200 rows with personal data (EMAIL) of postgres/shop" in alert.reason


def test_entries_given_again_change_nothing(open_detector: Open) -> None:
    detector = open_detector(BURST)
    entries = numbered(*(denial_of(number, number) for number in range(4)))
    assert len(detector.apply(entries[:3])) == 1
    assert detector.apply(entries[:3]) == []
    assert detector.apply(entries) == []
    assert detector.watermark == 4


def test_a_gap_is_refused(open_detector: Open) -> None:
    detector = open_detector(BURST)
    with pytest.raises(Conflict, match="gap"):
        detector.apply([(1, denial_of(1, 1))])
    with pytest.raises(Conflict, match="gap"):
        detector.apply([(0, denial_of(0, 0)), (2, denial_of(2, 2))])
    assert detector.watermark == 0


def test_windows_survive_a_restart(open_detector: Open) -> None:
    first = open_detector(BURST)
    first.apply(numbered(denial_of(0, 0), denial_of(1, 1)))
    first.close()
    second = open_detector(BURST)
    assert second.watermark == 2
    assert len(second.apply(numbered(denial_of(2, 2), start=2))) == 1
    second.close()
    third = open_detector(BURST)
    assert third.apply(numbered(denial_of(3, 3), start=3)) == []
    assert third.standing().rules[0].quiet == 1


def test_what_cannot_be_read_is_passed_over_and_counted(open_detector: Open) -> None:
    detector = open_detector(BURST)
    newer = denial_of(1, 1).replace(b'"schema":1', b'"schema":99')
    timeless = denial_of(2, 2).replace(b'"time":"', b'"time":"x')
    bad = [b"\xff\xfe", b"{}", b"[]", b'{"action":5}', newer, timeless, b"[" * 100_000]
    good = [denial_of(number, number) for number in range(10, 13)]
    assert len(detector.apply(numbered(*bad, *good))) == 1
    assert detector.standing().unreadable == len(bad)
    detector.close()
    assert open_detector(BURST).standing().unreadable == len(bad)


def test_detection_does_not_alert_on_its_own_events(open_detector: Open) -> None:
    everything = rule('[match]\naction = {not = "x"}', threshold=1, group_by=["tenant"])
    detector = open_detector(everything)
    assert len(detector.apply(numbered(denial_of(0, 0)))) == 1
    own = notes_of(detector)
    assert len(own) == 1
    assert detector.apply(numbered(*own, start=1)) == []
    assert notes_of(detector) == []


def test_a_foreign_event_called_alert_is_an_event_like_any_other(open_detector: Open) -> None:
    everything = rule('[match]\naction = "alert.*"', threshold=1, group_by=["tenant"])
    detector = open_detector(everything)
    forged = entry(0, 0, action="alert.acknowledged", links=[{"rel": "alert", "id": "ab" * 16}])
    assert len(detector.apply(numbered(forged))) == 1
    assert detector.store.count("alerts") == 1


def test_a_new_rule_begins_at_the_present(open_detector: Open) -> None:
    first = open_detector(BURST)
    first.apply(numbered(*(denial_of(number, number) for number in range(5))))
    first.close()
    added = rule(id="another", threshold=3)
    second = open_detector(BURST, added)
    assert second.apply(numbered(denial_of(5, 5), denial_of(6, 6), start=5)) == []
    (alert,) = second.apply(numbered(denial_of(7, 7), start=7))
    assert alert.rule == "another"


def test_the_memory_of_a_removed_rule_is_dropped(open_detector: Open) -> None:
    first = open_detector(BURST)
    first.apply(numbered(denial_of(0, 0)))
    assert first.store.memory(BURST.state_key)
    first.close()
    assert open_detector().store.memory(BURST.state_key) == []


def test_first_start_over_an_old_ledger_learns_silently(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", history="1h"), silent_below=2)
    entries = [touch_of(0, 0, "a"), touch_of(1, 1, "b"), touch_of(2, 2, "a"), touch_of(3, 3, "c")]
    assert [alert.reason for alert in detector.apply(numbered(*entries))] == ["postgres/shop/c"]


def test_after_a_loss_of_all_its_state_nothing_goes_out_again(open_detector: Open) -> None:
    routes = [Route("hook")]
    first = open_detector(BURST, routes=routes)
    record = [denial_of(number, number) for number in range(3)]
    (alert,) = first.apply(numbered(*record))
    record += notes_of(first)
    record.append(encode(_delivered(alert)))
    record.append(encode(_acknowledged(alert)))

    again = open_detector(BURST, routes=routes, folder="lost")
    assert [one.id for one in again.apply(numbered(*record))] == [alert.id]
    (standing,) = again.store.alerts("", 10)
    assert standing.state == "acknowledged"
    assert standing.acknowledged_by == "bob"
    assert standing.comment == "known export"
    assert standing.deliveries == {"hook": "delivered"}
    assert again.store.count("notes") == 0
    assert again.store.count("deliveries") == 0


def test_alerts_of_rules_that_are_no_more_come_back_from_the_record(open_detector: Open) -> None:
    first = open_detector(BURST)
    record = [denial_of(number, number) for number in range(3)]
    (alert,) = first.apply(numbered(*record))
    record += notes_of(first)
    without = open_detector(folder="lost")
    assert without.apply(numbered(*record)) == []
    (standing,) = without.store.alerts("", 10)
    # What an event of the record does not carry is the rule's own text.
    for name in (name for name in Alert.__struct_fields__ if name != "false_positives"):
        assert getattr(standing, name) == getattr(alert, name), name


def test_only_alerts_of_a_routes_severity_go_there(open_detector: Open) -> None:
    detector = open_detector(BURST, routes=[Route("all"), Route("night", 5), Route("day", 4)])
    detector.apply(numbered(*(denial_of(number, number) for number in range(3))))
    (standing,) = detector.store.alerts("open", 10)
    assert standing.deliveries == {"all": "pending", "day": "pending"}


def test_a_newer_file_is_refused(open_detector: Open, tmp_path: Path) -> None:
    open_detector(BURST).close()
    with sqlite3.connect(tmp_path / "detect" / "detect.sqlite") as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(ConfigError, match="newer than 1"):
        open_detector(BURST)


def test_a_file_that_is_none_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "detect.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match=r"detect\.sqlite"):
        Detector.open(tmp_path, [BURST], clock, "acme")


def test_the_file_is_for_its_owner_only(open_detector: Open, tmp_path: Path) -> None:
    open_detector(BURST).apply(numbered(denial_of(0, 0)))
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "detect").iterdir()} == {0}


def test_a_batch_that_cannot_be_kept_leaves_nothing_behind(open_detector: Open, tmp_path: Path) -> None:
    detector = open_detector(BURST)
    detector.apply(numbered(denial_of(0, 0), denial_of(1, 1)))
    blocker = sqlite3.connect(tmp_path / "detect" / "detect.sqlite", isolation_level=None)
    detector.store._connection.execute("PRAGMA busy_timeout = 1")
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        detector.apply(numbered(denial_of(2, 2), start=2))
    assert detector.watermark == 2
    blocker.execute("ROLLBACK")
    blocker.close()
    assert len(detector.apply(numbered(denial_of(2, 2), start=2))) == 1


def test_names_of_any_length_fit(open_detector: Open) -> None:
    detector = open_detector(rule(threshold=1, explanation="{actor.name} {resource.id} {data.classes}"))
    long = denial_of(0, 0).replace(b"name of a1", b"n" * 60_000)
    assert len(detector.apply(numbered(long))) == 1
    assert len(notes_of(detector)[0]) < 10_000


def test_a_small_batch_takes_no_time(open_detector: Open) -> None:
    import time

    detector = open_detector(*load_rules())
    took = []
    for number in range(50):
        begun = time.perf_counter()
        detector.apply(numbered(touch_of(number, number, "orders"), start=number))
        took.append(time.perf_counter() - begun)
    assert sorted(took)[25] < 0.02


def _delivered(alert: Alert) -> Event:
    from glasshatch.detect.notes import delivered_event

    return delivered_event(alert, "hook", 2, int(alert.time) + 5)


def _acknowledged(alert: Alert) -> Event:
    from glasshatch.detect.notes import acknowledged_event

    return acknowledged_event(alert, Actor(id="b1", name="bob"), "known export", int(alert.time) + 9)


def test_ledgers_are_followed_side_by_side(open_detector: Open, tmp_path: Path) -> None:
    detector = open_detector(BURST)
    first = [("default", 0, denial_of(0, 0)), ("shop", 0, denial_of(1, 1))]
    assert detector.apply_all(first) == []
    (alert,) = detector.apply_all([("shop", 1, denial_of(2, 2))])
    assert (alert.indices, alert.ledgers) == ((0, 0, 1), ("default", "shop", "shop"))
    assert detector.watermarks == {"default": 1, "shop": 2}
    with pytest.raises(Conflict, match="2 is next, not 3"):
        detector.apply_all([("default", 1, denial_of(3, 3)), ("shop", 3, denial_of(4, 4))])
    assert detector.watermarks == {"default": 1, "shop": 2}
    (note,) = notes_of(detector)
    event = decode(note)
    assert event.attrs["ledgers"] == ["default", "shop", "shop"]
    restored = step_of(event)
    assert restored is not None
    assert restored.restored is not None
    assert restored.restored.ledgers == alert.ledgers


def test_alerts_go_with_the_entries_behind_them_and_it_goes_on_behind_the_minimum(
    open_detector: Open, tmp_path: Path
) -> None:
    detector = open_detector(rule(threshold=3, quiet="1s", window="10s"), routes=[Route("oncall", 0)])
    entries = numbered(*(denial_of(number, number * 30 // 3, f"b{number // 3}") for number in range(6)))
    raised = detector.apply(entries)
    assert raised == []
    entries = numbered(*(denial_of(number, number, f"a{number // 3}") for number in range(6, 12)), start=6)
    old, new = detector.apply(entries)
    assert (old.indices, new.indices) == ((6, 7, 8), (9, 10, 11))
    detector.apply(numbered(*notes_of(detector), start=12))  # they are recorded
    detector.prune({"default": 8})
    assert len(detector.store.alerts("", 10)) == 2, "an entry behind the first is kept"
    detector.prune({"default": 9})
    assert [alert.id for alert in detector.store.alerts("", 10)] == [new.id]
    assert detector.watermark == 14
    assert detector.store.count("deliveries") == 1
    detector.prune({"default": 20, "shop": 5})
    assert detector.store.alerts("", 10) == []
    assert detector.watermarks == {"default": 20, "shop": 5}
    detector.apply([(20, denial_of(20, 20))])
    detector.close()
    for path in (tmp_path / "detect").glob("detect.sqlite*"):
        assert old.id.encode() not in path.read_bytes(), path
        assert b"name of a2" not in path.read_bytes(), path
    again = open_detector(rule(threshold=3, quiet="1s", window="10s"))
    assert again.watermarks == {"default": 21, "shop": 5}
