"""A detector in a fresh folder, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.clock import ManualClock
from glasshatch.detect import Detector, Rule

Open = Callable[..., Detector]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_detector(tmp_path: Path, clock: ManualClock) -> Iterator[Open]:
    opened: list[Detector] = []

    def open_it(*rules: Rule, folder: str = "detect", **options: Any) -> Detector:
        detector = Detector.open(tmp_path / folder, rules, clock, "acme", **options)
        opened.append(detector)
        return detector

    yield open_it
    for detector in opened:
        detector.close()
