"""On-call schedules as calendars (iCalendar, RFC 5545), as PagerDuty, Opsgenie and others give them out.

`icalendar` reads the text, `dateutil` the rules of repetition. Both are kept from working without end: what a
calendar may ask of them is bounded before they are asked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConfigError
from .schedule import Schedule, Shift, moment_of

if TYPE_CHECKING:
    from icalendar import Calendar, Event

KNOWN_DAYS: Final = 32
"""So far ahead it is worked out who is on duty; a calendar is read again long before."""

_MOST_EVENTS, _MOST_SHIFTS, _MOST_STEPS, _MOST_DAYS = 5_000, 20_000, 100_000, 366
_RULES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_FINE = ("BYHOUR", "BYMINUTE", "BYSECOND")
_DAY = datetime.timedelta(days=1)


def is_calendar(text: bytes) -> bool:
    """Whether this is meant as a calendar."""
    return text.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].upper() == b"BEGIN:VCALENDAR"


def read_calendar(text: bytes, where: str, people: Mapping[str, str], now_ns: int) -> Schedule:
    """Who is on duty from a day ago until `KNOWN_DAYS` from now.

    An event names its attendees, or, without any, whom its summary names.

    Args:
        people: Actors by an attendee's address or name, or a whole summary; capitals do not matter.

    Raises:
        ConfigError: It is no calendar, or asks for more than it may; says where and what is wrong.
    """
    from icalendar import Calendar

    actors = {name.casefold(): actor for name, actor in people.items()}
    begin = moment_of(now_ns) - _DAY
    window = (begin, begin + KNOWN_DAYS * _DAY)
    try:
        if text.upper().count(b"BEGIN:VEVENT") > _MOST_EVENTS:
            raise _Refused(f"more than {_MOST_EVENTS} events")
        (calendar,) = Calendar.from_ical(text.decode("utf-8-sig"), multiple=True)
        return Schedule(shifts=tuple(_shifts(calendar, actors, window)))
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError, IndexError) as error:
        # The library's messages quote the text; only ours say what is wrong.
        told = str(error) if isinstance(error, _Refused) else "it cannot be read as iCalendar"
        raise ConfigError(f"is not a calendar of duties: {told}", file=where, key="oncall") from None


class _Refused(ValueError):
    pass


Window = tuple[datetime.datetime, datetime.datetime]


def _shifts(calendar: Calendar, actors: Mapping[str, str], window: Window) -> Iterator[Shift]:
    series: dict[str, list[Event]] = {}
    for number, event in enumerate(calendar.events):
        series.setdefault(str(event.get("UID", number)), []).append(event)
    zone, count = _zone(calendar), 0
    if sum(_steps(event, zone, window) for event in calendar.events) > _MOST_STEPS:
        raise _Refused("its rules of repetition go back too far")
    for events in series.values():
        moved = {_moment(event.RECURRENCE_ID, zone) for event in events if event.RECURRENCE_ID}
        for event in events:
            for begin, end in _times(event, zone, window, moved):
                count += 1
                if count > _MOST_SHIFTS:
                    raise _Refused(f"more than {_MOST_SHIFTS} shifts in {KNOWN_DAYS} days")
                yield from (Shift(who, begin, end) for who in _names(event, actors))


def _times(
    event: Event, zone: datetime.tzinfo | None, window: Window, moved: set[datetime.datetime]
) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """When one event is, within the window; of a series those that no other event replaces."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    own = "RECURRENCE-ID" in event
    if own and "RANGE" in event["RECURRENCE-ID"].params:
        raise _Refused("RANGE=THISANDFUTURE is not understood: end the series and begin another")
    start, length = _moment(event.start, zone), event.duration
    if not datetime.timedelta() <= length <= _MOST_DAYS * _DAY:
        raise _Refused(f"an event takes more than {_MOST_DAYS} days")
    left_out = {_moment(one, zone) for one in event.exdates} | (set() if own else moved)
    for begin in _starts(event, start, zone, (window[0] - length, window[1])):
        if begin not in left_out:
            yield begin, _later(begin, length, "DURATION" in event)


def _starts(
    event: Event, start: datetime.datetime, zone: datetime.tzinfo | None, window: Window
) -> Iterable[datetime.datetime]:
    from dateutil.rrule import rrulestr

    found = {start, *(_moment(begin, zone) for begin, _ in event.rdates)}
    for rule in event.rrules:
        for until in rule.pop("UNTIL", [])[:1]:
            rule["UNTIL"] = [_last(until, start)]
        found.update(rrulestr(rule.to_ical().decode(), dtstart=start).between(*window, inc=True))
    return sorted(one for one in found if window[0] <= one <= window[1])


def _last(until: Any, start: datetime.datetime) -> datetime.datetime:
    """The end of a repetition in UTC; a whole day is in it to its end."""
    if not isinstance(until, datetime.datetime):
        until = datetime.datetime.combine(until, datetime.time(23, 59, 59))
    return _moment(until, start.tzinfo).astimezone(datetime.UTC)


def _steps(event: Event, zone: datetime.tzinfo | None, window: Window) -> int:
    """How many days a reader of its rules has to go through; refuses rules finer than a day."""
    for rule in event.rrules:
        fine = [part for part in _FINE if part in rule]
        if fine or {str(one).upper() for one in rule.get("FREQ", [])} - _RULES:
            raise _Refused("an event is repeated more often than daily")
    behind = (window[1] - _moment(event.start, zone)).days
    return max(behind, 0) * len(event.rrules)


def _later(begin: datetime.datetime, length: datetime.timedelta, exact: bool) -> datetime.datetime:
    """The end, by the clock on the wall; but `DURATION` counts hours, whatever that clock does meanwhile."""
    if exact and length % _DAY:
        return (begin.astimezone(datetime.UTC) + length).astimezone(begin.tzinfo)
    return begin + length


def _zone(calendar: Calendar) -> datetime.tzinfo | None:
    """The zone of times that name none, where the calendar says which it is."""
    import zoneinfo

    named = str(calendar.get("X-WR-TIMEZONE", "")).strip()
    try:
        return zoneinfo.ZoneInfo(named) if named else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _Refused("X-WR-TIMEZONE names a zone that is not known") from None


def _moment(value: Any, zone: datetime.tzinfo | None) -> datetime.datetime:
    """A time with its zone; a whole day begins where the calendar is, or in UTC."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time(), zone or datetime.UTC)
    if value.tzinfo is None and zone is None:
        raise _Refused("a time has no zone, and there is no X-WR-TIMEZONE")
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)


def _names(event: Event, actors: Mapping[str, str]) -> list[str]:
    found = []
    for one in event.attendees:
        if str(one.params.get("PARTSTAT", "")).upper() != "DECLINED":
            address = str(one).casefold().removeprefix("mailto:")
            named = str(one.params.get("CN", "")).casefold()
            found.append(actors.get(address) or actors.get(named) or address)
    if not event.attendees:
        summary = str(event.get("SUMMARY", "")).strip().casefold()
        found.append(actors.get(summary, summary))
    return found
