"""Rules that change while a server runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.app.config import load_config
from glasshatch.app.rulewatch import RuleWatch
from glasshatch.clock import ManualClock
from glasshatch.detect import Detector
from glasshatch.detect.sigma import SHIPPED_SIGMA, load_folder
from glasshatch.events import Actor, Event, Source, encode

RULE = """title: Somebody did {what}
id: 5013198b-3a1c-4c3a-8e3d-4f3f8c1c6a11
logsource: {{product: test}}
detection:
    selection:
        action: {what}
    condition: selection
"""


def entry(number: int, action: str) -> tuple[int, bytes]:
    event = Event(
        id=f"00000000-0000-7000-8000-{number:012}", time=str(10**18), action=action,
        source=Source(kind="json"), actor=Actor(id=f"actor{number}"),
    )  # fmt: skip
    return number, encode(event)


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Detector, Path, list[Any]]]:
    monkeypatch.setattr("glasshatch.app.rulewatch._EVERY_SECONDS", 0.02)
    rules = tmp_path / "rules"
    rules.mkdir()
    (tmp_path / "glasshatch.toml").write_text(
        'version = 1\n[detect]\nuser_rules = ["rules"]\nsigma = ["rules"]\n'
    )
    loaded = load_config(tmp_path / "glasshatch.toml")
    detector = Detector.open(tmp_path / "detect", [], ManualClock(), "acme")
    noted: list[Any] = []
    watch = RuleWatch(
        loaded, detector, lambda action, **members: noted.append((action, members)), lambda error: None
    )
    watch.start()
    yield detector, rules, noted
    watch.stop()
    detector.close()


def test_a_rule_is_taken_up_and_let_go(watched: tuple[Detector, Path, list[Any]]) -> None:
    detector, rules, noted = watched
    assert detector.apply([entry(0, "this")]) == []
    (rules / "one.yml").write_text(RULE.format(what="this"))
    until(lambda: len(noted) == 1)
    assert noted[0][0] == "rules.loaded"
    assert noted[0][1]["attrs"]["sigma"] == len(load_folder(SHIPPED_SIGMA).rules) + 1
    assert len(detector.apply([entry(1, "this"), entry(2, "that")])) == 1
    (rules / "one.yml").write_text(RULE.format(what="that now"))
    until(lambda: len(noted) == 2)
    assert detector.watermark == 3, "no entry was passed over, and none comes again"
    assert detector.apply([entry(3, "this")]) == []


def test_a_bad_rule_keeps_the_old_ones_in_force(watched: tuple[Detector, Path, list[Any]]) -> None:
    detector, rules, noted = watched
    (rules / "one.yml").write_text(RULE.format(what="this"))
    until(lambda: len(noted) == 1)
    (rules / "bad.toml").write_text("id = ")
    until(lambda: len(noted) == 2)
    assert noted[1][0] == "rules.refused"
    assert "bad.toml" in noted[1][1]["outcome"].reason
    assert len(detector.apply([entry(0, "this")])) == 1
    (rules / "bad.toml").unlink()
    (rules / "worse.yml").write_text("title: [")
    until(lambda: len(noted) == 3)
    assert noted[2][1]["attrs"]["left_out"][0].startswith("worse.yml:1: ")
    assert len(detector.apply([entry(1, "this")])) == 1
