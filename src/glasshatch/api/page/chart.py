"""A histogram as shapes in a box of 600 by 100; the page draws them without script."""

from __future__ import annotations

import time

import msgspec

from ..values import Histogram, HistogramBin

WIDTH, HEIGHT = 600, 100
_GAP = 1.5
_TICKS = 4
_LEAST_BARS, _MOST_BARS = 12, 120
_WIDTHS_NS = tuple(
    one * 10**9 for one in (60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800)
)


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
    first_ns, end_ns = _bounds(histogram, since, until)
    width_ns = _width(int(histogram.width_ns), end_ns - first_ns)
    bins = _merged(histogram.bins, width_ns)
    first_ns = _floor(first_ns, width_ns)
    end_ns = max(_floor(end_ns - 1, width_ns) + width_ns, first_ns + _LEAST_BARS * width_ns)
    step = WIDTH * width_ns / (end_ns - first_ns)
    most = max(one.count for one in bins)
    return Chart(
        [_bar(one, (int(one.start) - first_ns) / width_ns * step, step, most, width_ns) for one in bins],
        [str(first_ns + (end_ns - first_ns) * tick // _TICKS) for tick in range(_TICKS + 1)],
        most,
        sum(one.count for one in bins),
        sum(one.failed for one in bins),
        width_ns // 10**9,
    )


def _bounds(histogram: Histogram, since: str, until: str) -> tuple[int, int]:
    """From when to when: the events' own time, widened to what was asked for."""
    first, last = int(histogram.bins[0].start), int(histogram.bins[-1].start) + int(histogram.width_ns)
    asked_end = int(until) if until else time.time_ns() if since else last
    return min(first, int(since or first)), max(last, asked_end)


def _width(width_ns: int, span_ns: int) -> int:
    """Bars as wide as they came, or several in one if there were too many to be seen."""
    if span_ns <= _MOST_BARS * width_ns:
        return width_ns
    return next((one for one in _WIDTHS_NS if one % width_ns == 0 and span_ns <= _MOST_BARS * one),
                -(-span_ns // (_MOST_BARS * width_ns)) * width_ns)  # fmt: skip


def _merged(bins: list[HistogramBin], width_ns: int) -> list[HistogramBin]:
    found: dict[int, HistogramBin] = {}
    for one in bins:
        start = _floor(int(one.start), width_ns)
        same = found.get(start, HistogramBin(str(start), 0))
        found[start] = HistogramBin(same.start, same.count + one.count, same.failed + one.failed)
    return list(found.values())


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
