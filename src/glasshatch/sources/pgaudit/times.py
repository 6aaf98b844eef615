"""Times of PostgreSQL's log, read without a calendar for each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LONGEST = 64
_EPOCH = date(1970, 1, 1).toordinal()


def log_time_ns(text: str, zone: str = "") -> int | None:
    """A time as the log has it, in nanoseconds since the epoch; None for what is none.

    Args:
        zone: The name of `log_timezone`; needed where the log's own is only a word, as in CET.
    """
    if len(text) > _LONGEST:
        return None
    moment, _, said = text.rpartition(" ")
    if not moment:
        return _numbered(text)
    if said in ("UTC", "GMT") and not zone:
        return _utc_ns(moment)
    if said[:1] in ("+", "-") and not zone:
        offset = _offset_seconds(said)
        found = _utc_ns(moment)
        return found - offset * 10**9 if found is not None and offset is not None else None
    return _in_zone_ns(moment, zone) if zone else None


def _numbered(text: str) -> int | None:
    seconds, dot, fraction = text.partition(".")
    if not dot or not seconds.isdecimal() or not fraction.isdecimal() or len(seconds) > 11:
        return None
    return int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))


def _utc_ns(moment: str) -> int | None:
    second, fraction = _second(moment[:19]), moment[20:]
    if second is None or (len(moment) > 19 and not (moment[19] == "." and fraction.isdecimal())):
        return None
    return second * 10**9 + (int(fraction[:9].ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=4_096)
def _second(text: str) -> int | None:
    """Many entries share a second."""
    days, clock = _day(text[:10]), text[11:]
    try:
        seconds = int(clock[:2]) * 3_600 + int(clock[3:5]) * 60 + int(clock[6:])
    except ValueError:
        return None
    return None if days is None or not 0 <= seconds <= 86_400 else days * 86_400 + seconds


@lru_cache(maxsize=1_024)
def _day(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def _offset_seconds(said: str) -> int | None:
    digits = said[1:].replace(":", "")
    if not digits.isdecimal() or len(digits) > 6:
        return None
    digits = digits.ljust(6, "0")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:4]) * 60 + int(digits[4:6])
    return seconds if said[0] == "+" else -seconds


@lru_cache(maxsize=4_096)
def _zoned_second(text: str, zone: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        return int(moment.astimezone(UTC).timestamp())
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):
        return None


def _in_zone_ns(moment: str, zone: str) -> int | None:
    whole, _, fraction = moment.partition(".")
    second = _zoned_second(whole, zone)
    if second is None or (fraction and not fraction.isdecimal()):
        return None
    return second * 10**9 + (int(fraction[:9].ljust(9, "0")) if fraction else 0)
