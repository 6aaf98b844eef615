"""Times of syslog, read without a calendar for each: those of RFC 5424 (§6.2.3), and those of RFC 3164
(§4.1.2), which say neither year nor zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_HOURS = {
    "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7,
}  # fmt: skip
"""The zones that RFC 822 names (§5.1), and UTC."""


def iso_time_ns(text: str) -> int | None:
    """A time of RFC 5424, in nanoseconds since the epoch; None for what is none.

    Up to nine digits of a second are read, though the RFC allows six.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    second = _second(found[1])
    if second is None:
        return None
    if found[3]:
        hours, minutes = int(found[4]), int(found[5])
        if hours > 23 or minutes > 59:
            return None
        offset = hours * 3_600 + minutes * 60
        second -= offset if found[3] == "+" else -offset
    fraction = found[2]
    return second * 10**9 + (int(fraction.ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=4_096)
def _second(text: str) -> int | None:
    """Many messages share a second."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    clock = moment.hour * 3_600 + moment.minute * 60 + moment.second
    return (moment.toordinal() - _EPOCH) * _DAY_SECONDS + clock


def old_time_ns(
    month: str, day: str, clock: str, fraction: str, year: str, named: str, zone: str, now_ns: int
) -> int | None:
    """A time of RFC 3164 in nanoseconds since the epoch; None for what is none.

    Args:
        year: Empty for none: then it is the latest year in which the time is not a day after arrival.
        named: A zone that the time names; one that nobody knows is passed over.
        zone: In which zone it is otherwise; UTC if empty.
        now_ns: When it came.
    """
    today = now_ns // 10**9 // _DAY_SECONDS
    second = _old_second(month, day, clock, year, named, zone, today)
    if second is None:
        return None
    return second * 10**9 + (int(fraction[:9].ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=4_096)
def _old_second(month: str, day: str, clock: str, year: str, named: str, zone: str, today: int) -> int | None:
    number = _MONTHS.get(month)
    if number is None:
        return None
    if year:
        return _zoned(int(year), number, day, clock, named, zone)
    latest = date.fromordinal(today + _EPOCH).year + 1
    for guess in range(latest, latest - 10, -1):  # ten years hold a 29th of February
        second = _zoned(guess, number, day, clock, named, zone)
        if second is not None and second <= (today + 2) * _DAY_SECONDS:
            return second
    return None


def _zoned(year: int, month: int, day: str, clock: str, named: str, zone: str) -> int | None:
    try:
        hour, minute, second = (int(part) for part in clock.split(":"))
        moment = datetime(year, month, int(day), hour, minute, second, tzinfo=UTC)
        if named in _HOURS:
            moment -= timedelta(hours=_HOURS[named])
        elif zone:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return int(moment.timestamp())
    except (ValueError, OverflowError, OSError):
        return None
