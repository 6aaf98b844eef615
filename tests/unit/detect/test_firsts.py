"""First seen: what is new to a group, what teaches only, and what is forgotten."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.detecting import numbered, rule, touch_of
from glasshatch.detect import Alert, Detector
from glasshatch.detect.firsts import MAX_VALUES

Open = Callable[..., Detector]


def apply(detector: Detector, *entries: bytes) -> list[Alert]:
    return detector.apply(numbered(*entries, start=detector.watermark))


def test_only_the_first_touch_raises(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen"))
    alerts = apply(detector, touch_of(0, 0, "orders"), touch_of(1, 1, "orders"), touch_of(2, 2, "payments"))
    assert [alert.reason for alert in alerts] == ["postgres/shop/orders", "postgres/shop/payments"]


def test_what_is_new_in_one_event_is_one_alert(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen"))
    (alert,) = apply(detector, touch_of(0, 0, "orders", "payments", "orders"))
    assert alert.reason == "postgres/shop/orders, postgres/shop/payments"
    assert alert.measured["count"] == "2"


def test_each_actor_has_a_history_of_its_own(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen"))
    assert len(apply(detector, touch_of(0, 0, "orders"), touch_of(1, 0, "orders", actor="a2"))) == 2


def test_first_touches_teach_until_an_actor_is_known(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", learn={"touches": 3}))
    assert not apply(detector, *(touch_of(number, number, f"t{number}") for number in range(3)))
    (alert,) = apply(detector, touch_of(3, 3, "t0", "t3"))
    assert alert.reason == "postgres/shop/t3"


def test_learning_may_take_a_time(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", learn={"period": "1h"}))
    assert not apply(detector, touch_of(0, 0, "a"), touch_of(1, 3_599, "b"))
    assert len(apply(detector, touch_of(2, 3_600, "c"))) == 1


def test_a_value_is_new_again_after_its_history(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", history="1h"))
    assert len(apply(detector, touch_of(0, 0, "a"))) == 1
    assert not apply(detector, *(touch_of(number, number * 1_800, "a") for number in range(1, 10)))
    assert len(apply(detector, touch_of(11, 9 * 1_800 + 3_601, "a"))) == 1


def test_quiet_keeps_further_firsts_back_and_counts_them(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", quiet="10m"))
    assert len(apply(detector, touch_of(0, 0, "a"), touch_of(1, 1, "b"), touch_of(2, 600, "c"))) == 2
    assert detector.standing().rules[0].quiet == 1


def test_values_of_a_group_are_bounded(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen", history="30d", quiet="30d"))
    apply(detector, *(touch_of(number, number, f"t{number}") for number in range(MAX_VALUES + 1)))
    stored = detector.store.memory(rule(kind="first_seen", history="30d").state_key)
    assert MAX_VALUES * 0.9 < len(stored) <= MAX_VALUES + 1
    assert detector.standing().rules[0].evicted == 1


def test_groups_are_bounded(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen"), max_groups=16)
    apply(detector, *(touch_of(number, number, "t", actor=f"a{number}") for number in range(50)))
    standing = detector.standing().rules[0]
    assert standing.groups <= 16
    assert standing.evicted >= 34


def test_no_name_is_kept_in_memory(open_detector: Open) -> None:
    detector = open_detector(rule(kind="first_seen"))
    apply(detector, touch_of(0, 0, "patients"))
    rows = detector.store.memory(rule(kind="first_seen").state_key)
    assert len(rows) == 2
    assert not any(word in row.key + row.data for row in rows for word in (b"patients", b"a1"))
