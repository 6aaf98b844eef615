"""A histogram as shapes in a box of 600 by 100; the page draws them without script."""

from __future__ import annotations

import time

import msgspec

from ..values import Histogram, HistogramBin

WIDTH, HEIGHT = 600, 100
_GAP = 1.5
_TICKS = 4
_LEAST_BARS = 12


class Bar(msgspec.Struct, frozen=True):
    """One bar that is not empty, the failed part of it, and what it stands for."""

    x: float
    width: float
    height: float
    failed_height: float
    count: int
    failed: int
    start: str
    stop: str


class Chart(msgspec.Struct, frozen=True):
    """Bars, the times at equal distances below them, the tallest, and the sums."""

    bars: list[Bar]
    ticks: list[str]
    most: int
    total: int
    failed: int
    bar_seconds: int


def chart_of(histogram: Histogram, since: str = "", until: str = "") -> Chart | None:
    """The histogram over the whole time that was asked for, or from its first to its last bar."""
    if not histogram.bins:
        return None
    width_ns = int(histogram.width_ns)
    first = _floor(int(since or histogram.bins[0].start), width_ns)
    last = int(histogram.bins[-1].start) + width_ns
    end = max(
        last, _floor((int(until) if until else time.time_ns() if since else last) - 1, width_ns) + width_ns
    )
    end = max(end, first + _LEAST_BARS * width_ns)
    step = WIDTH * width_ns / (end - first)
    most = max(one.count for one in histogram.bins)
    return Chart(
        [
            _bar(one, (int(one.start) - first) / width_ns * step, step, most, width_ns)
            for one in histogram.bins
        ],
        [str(first + (end - first) * tick // _TICKS) for tick in range(_TICKS + 1)],
        most,
        sum(one.count for one in histogram.bins),
        sum(one.failed for one in histogram.bins),
        width_ns // 10**9,
    )


def _bar(one: HistogramBin, x: float, step: float, most: int, width_ns: int) -> Bar:
    # A bar of one event beside one of a million must still be seen.
    height = max(2.0, one.count / most * HEIGHT)
    failed_height = max(2.0, one.failed / one.count * height) if one.failed else 0.0
    return Bar(
        round(x, 2), round(max(step - _GAP, step * 0.7), 2), round(height, 2), round(failed_height, 2),
        one.count, one.failed, one.start, str(int(one.start) + width_ns),
    )  # fmt: skip


def _floor(time_ns: int, width_ns: int) -> int:
    return time_ns // width_ns * width_ns
