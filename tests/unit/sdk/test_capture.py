"""The capture policy: what is recorded whole, counted, sampled, left off; and nothing goes uncounted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.recording import kept, offline, recorded
from glasshatch.errors import ConfigError, TooLarge, Unavailable
from glasshatch.sdk import Trace, start_trace
from glasshatch.sdk.capture import Capture

POLICY: dict[str, Any] = {
    "window": "1h",
    "rule": [
        {"actions": ["page.*"], "level": "sample", "rate": 0.25},
        {"actions": ["cart.*"], "coalesce": "1h"},
        {"actions": ["cache.*"], "level": "counts"},
        {"actions": ["health.*"], "level": "off", "failures": "same"},
    ],
}


def of(events: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    return [event for event in events if event["action"] == action]


def test_repeats_become_one_event_with_count_first_and_last_time(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    ids = {sdk.record("cart.changed", actor="u1", resource="cart/7", item=n) for n in range(5)}
    other = sdk.record("cart.changed", actor="u2", resource="cart/7")
    assert other not in ids
    assert len(ids) == 1
    events = of(recorded(tmp_path, sdk), "cart.changed")
    assert {event["id"] for event in events} == ids | {other}
    (many,) = (event for event in events if event["actor"]["id"] == "u1")
    counted = many["attrs"]["coalesced"]
    assert counted["count"] == 5
    assert counted["first_time"] == many["time"]
    assert int(counted["last_time"]) > int(many["time"])
    assert many["attrs"]["item"] == 0
    (once,) = (event for event in events if event["actor"]["id"] == "u2")
    assert "attrs" not in once


def test_a_failure_is_recorded_whole_unless_the_rule_says_otherwise(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    for action in ("page.viewed", "cart.changed", "cache.read", "health.checked"):
        for _ in range(3):
            sdk.record(action, actor="u1", outcome="failure")
    events = recorded(tmp_path, sdk)
    assert [len(of(events, name)) for name in ("page.viewed", "cart.changed", "cache.read")] == [3, 3, 3]
    assert of(events, "health.checked") == []
    (left_off,) = of(events, "recording.dropped")
    assert left_off["attrs"]["cause"] == "off"
    assert left_off["attrs"]["action"] == "health.checked"
    assert left_off["attrs"]["coalesced"]["count"] == 3


def test_counts_keep_numbers_and_nothing_else(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    for number in range(7):
        sdk.record("cache.read", actor=f"u{number}", resource=f"key/{number}", secret="s")
    sdk.record("cache.read", actor="u1", outcome="success")
    events = of(recorded(tmp_path, sdk), "cache.read")
    assert sorted(event["attrs"]["coalesced"]["count"] for event in events) == [1, 7]
    assert not any("actor" in event or "resource" in event or "secret" in event["attrs"] for event in events)


def test_sampling_keeps_whole_traces_and_counts_the_others(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    traces = [Trace(f"{'a' * 18}{number:014x}", "b" * 16) for number in range(0, 1 << 56, 1 << 50)]
    for trace in traces:
        with start_trace(trace):
            assert bool(sdk.record("page.viewed")) == bool(sdk.record("page.left"))
    events = recorded(tmp_path, sdk)
    viewed = of(events, "page.viewed")
    assert len(viewed) == len(traces) // 4
    assert [event["trace_id"] for event in viewed] == [event["trace_id"] for event in of(events, "page.left")]
    assert {event["labels"]["sampled"] for event in viewed} == {"0.25"}
    away = {e["attrs"]["action"]: e["attrs"]["coalesced"]["count"] for e in of(events, "recording.dropped")}
    assert away == dict.fromkeys(("page.viewed", "page.left"), len(traces) - len(viewed))


def test_without_a_trace_about_the_share_is_kept(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    kept_ids = [one for one in (sdk.record("page.viewed") for _ in range(2_000)) if one]
    assert 350 < len(kept_ids) < 650
    events = recorded(tmp_path, sdk)
    (away,) = of(events, "recording.dropped")
    assert len(kept_ids) + away["attrs"]["coalesced"]["count"] == 2_000


def test_an_event_claims_nothing_that_the_server_decides_on(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    said = {"tenant": "default", "schema": 1, "text": ',"tenant":"default","schema":1'}
    sdk.record("order.paid", **said)
    (event,) = recorded(tmp_path, sdk)
    assert not {"tenant", "schema"} & event.keys()
    assert event["attrs"] == said


def test_what_no_rule_names_is_recorded_whole(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    ids = [sdk.record("order.paid") for _ in range(3)]
    assert [event["id"] for event in of(recorded(tmp_path, sdk), "order.paid")] == ids


def test_a_window_that_is_over_begins_another(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture={"rule": [{"actions": ["*"], "coalesce": "1ms"}]})
    first = sdk.record("cart.changed")
    while (second := sdk.record("cart.changed")) == first:
        pass
    ids = [event["id"] for event in of(recorded(tmp_path, sdk), "cart.changed")]
    assert ids[:2] == [first, second]


def test_more_kinds_than_the_file_holds_end_windows_early_and_lose_nothing(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    for number in range(6_000):
        sdk.record("cart.changed", actor=f"u{number % 3_000}", note="x" * 300)
    events = of(recorded(tmp_path, sdk), "cart.changed")
    assert len(events) > 3_000
    assert sum(event.get("attrs", {}).get("coalesced", {"count": 1})["count"] for event in events) == 6_000


def test_an_event_that_is_too_large_is_not_held_either(tmp_path: Path) -> None:
    sdk = offline(tmp_path, capture=POLICY)
    taken = 0
    for size in (70_000, *range(59_300, 60_000, 20)):  # one that just fits must fit with its counts as well
        try:
            for _ in range(2):
                sdk.record("cart.changed", actor=f"u{size}", note="x" * size)
            taken += 1
        except TooLarge:
            assert size > 59_300
    assert taken > 3
    assert len(of(recorded(tmp_path, sdk), "cart.changed")) == taken


def test_the_policy_itself_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "capture.toml"
    file.write_text('[[rule]]\nactions = ["page.*"]\nlevel = "off"\n')
    sdk = offline(tmp_path, capture=file)
    sdk.record("page.viewed")
    file.write_text('[[rule]]\nactions = ["page.*"]\n')
    while not sdk.record("page.viewed"):
        pass
    events = recorded(tmp_path, sdk)
    hashes = [event["attrs"]["policy_hash"] for event in of(events, "capture.loaded")]
    assert len(set(hashes)) == 2
    assert len(of(events, "page.viewed")) == 1


def test_a_policy_that_breaks_stays_as_it_was_and_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "capture.toml"
    file.write_text('[[rule]]\nactions = ["page.*"]\nlevel = "off"\n')
    told: list[str] = []
    sdk = offline(tmp_path, capture=file, problem=told.append)
    file.write_text('[[rule]]\nactions = ["page.*"]\nlevel = "loud"\n')
    while not any("capture policy stays" in text for text in told):
        assert sdk.record("page.viewed") == ""
    assert any("level" in text for text in told)
    sdk.close(0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rule]]\nlevel = 'off'", "actions"),
        ("[[rule]]\nactions = []", "names no action"),
        ("[[rule]]\nactions = ['a.*']\nlevel = 'some'", "level"),
        ("[[rule]]\nactions = ['a.*']\nlevel = 'sample'\nrate = 2", "from 0 to 1"),
        ("[[rule]]\nactions = ['a.*']\nrate = 0.5", "level of sample"),
        ("[[rule]]\nactions = ['a.*']\ncoalesce = 'soon'", "length of time"),
        ("[[rule]]\nactions = ['a.*']\nlevel = 'off'\ncoalesce = '1s'", "full and sample"),
        ("window = '0s'", "window"),
        ("colour = 1", "colour"),
        ("version = 2", "version"),
        ("[[rule", "no TOML"),
    ],
)
def test_a_policy_with_a_mistake_names_it(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "capture.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words) as found:
        Capture.of(file)
    assert str(file) in str(found.value)
    with pytest.raises(ConfigError):
        offline(tmp_path, capture=file)
    offline(tmp_path).close(0)  # and the spool was let go


def test_a_full_spool_drops_the_new_and_says_so(tmp_path: Path) -> None:
    sdk = offline(tmp_path, full="drop-new", limit_bytes=20_000)
    ids = [sdk.record("order.paid", note="x" * 500) for _ in range(100)]
    paid = of(recorded(tmp_path, sdk), "order.paid")
    assert [event["id"] for event in paid] == [one for one in ids if one]
    assert 10 < len(paid) < 60
    sdk = offline(tmp_path, full="drop-new", limit_bytes=40_000)  # there is room again
    found = of(recorded(tmp_path, sdk), "recording.dropped")
    assert [event["attrs"]["coalesced"]["count"] for event in found] == [100 - len(paid)]
    assert found[0]["attrs"]["cause"] == "spool full"
    assert found[0]["severity"] == 5


def test_a_full_spool_drops_the_oldest_and_says_so(tmp_path: Path) -> None:
    sdk = offline(tmp_path, full="drop-old", limit_bytes=3 << 20)
    ids = [sdk.record("order.paid", note="x" * 20_000) for _ in range(400)]
    assert all(ids)
    events = recorded(tmp_path, sdk)
    paid = [event["id"] for event in of(events, "order.paid")]
    assert paid == ids[-len(paid) :]
    dropped = sum(event["attrs"]["coalesced"]["count"] for event in of(events, "recording.dropped"))
    assert dropped + len(paid) == 400
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.spool")) <= 3 << 20


def test_a_full_spool_refuses_also_what_would_be_counted_without_end(tmp_path: Path) -> None:
    sdk = offline(tmp_path, limit_bytes=20_000, capture=POLICY)

    def fill() -> None:
        for number in range(10_000):
            sdk.record("cart.changed", actor=f"u{number}", note="x" * 1_000)

    with pytest.raises(Unavailable, match="full"):
        fill()
    sdk.close(0)
    before = len(kept(tmp_path))
    sdk = offline(tmp_path, limit_bytes=1 << 22)
    assert len(recorded(tmp_path, sdk)) > before  # what was held is told when there is room


def test_another_word_for_a_full_spool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="drop-old"):
        offline(tmp_path, full="panic")
