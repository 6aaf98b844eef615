"""On-call schedules as calendars: who is on duty when, and what a calendar may not ask."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from glasshatch.app.reviews.calendars import is_calendar, read_calendar
from glasshatch.app.reviews.oncall import Oncall, Place
from glasshatch.errors import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime.datetime(2026, 10, 20, 12, tzinfo=datetime.UTC)


def ns(moment: datetime.datetime) -> int:
    return int(moment.timestamp()) * 10**9


def calendar(*events: str, more: str = "") -> bytes:
    wrapped = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//duty//EN\n{more}{wrapped}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


WEEKLY = """
UID:weekly
SUMMARY:alice
DTSTART;TZID=Europe/Berlin:20260907T090000
DTEND;TZID=Europe/Berlin:20260914T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
EXDATE;TZID=Europe/Berlin:20261005T090000
"""
PAGED = """
UID:paged
SUMMARY:On Call - Payments
DTSTART:20261021T080000Z
DURATION:PT12H
ATTENDEE;CN=Bob Builder:mailto:Bob@Example.com
ATTENDEE;CN=Carol;PARTSTAT=DECLINED:mailto:carol@example.com
"""
SWAPPED = """
UID:weekly
RECURRENCE-ID;TZID=Europe/Berlin:20261019T090000
SUMMARY:dave
DTSTART;TZID=Europe/Berlin:20261019T090000
DTEND;TZID=Europe/Berlin:20261026T090000
"""


def on_duty(text: bytes, when: datetime.datetime, **people: str) -> set[str]:
    schedule = read_calendar(text, "duty.ics", {k.replace("_", " "): v for k, v in people.items()}, ns(NOW))
    return set(schedule.on_duty(ns(when)))


def test_a_series_repeats_leaves_out_and_is_swapped() -> None:
    def at(day: int, month: int = 10, hour: int = 10) -> datetime.datetime:
        return datetime.datetime(2026, month, day, hour, tzinfo=BERLIN)

    assert on_duty(calendar(WEEKLY), at(20)) == {"alice"}
    assert on_duty(calendar(WEEKLY), at(27)) == set()
    # Over the change of the clock on the 25th: nine o'clock on the wall, on both sides of it.
    assert on_duty(calendar(WEEKLY), at(2, 11, 9)) == {"alice"}
    assert on_duty(calendar(WEEKLY), at(2, 11, 8)) == set()
    assert on_duty(calendar(WEEKLY, SWAPPED), at(20)) == {"dave"}
    assert on_duty(calendar(WEEKLY, SWAPPED + "STATUS:CANCELLED\n"), at(20)) == set()
    assert on_duty(calendar(WEEKLY, SWAPPED), at(3, 11)) == {"alice"}
    left_out = WEEKLY.replace("20261005", "20261019")
    assert on_duty(calendar(left_out), at(20)) == set()


def test_attendees_are_named_by_address_by_name_or_as_the_configuration_says() -> None:
    when = datetime.datetime(2026, 10, 21, 9, tzinfo=datetime.UTC)
    assert on_duty(calendar(PAGED), when) == {"bob@example.com"}
    by_address = read_calendar(calendar(PAGED), "x", {"bob@example.com": "bob"}, ns(NOW))
    assert by_address.on_duty(ns(when)) == {"bob"}
    assert on_duty(calendar(PAGED), when, Bob_Builder="bob") == {"bob"}
    assert on_duty(calendar(PAGED), when + datetime.timedelta(hours=11)) == set()
    by_summary = PAGED.partition("ATTENDEE")[0]
    assert on_duty(calendar(by_summary), when) == {"on call - payments"}
    assert read_calendar(calendar(by_summary), "x", {"On Call - Payments": "eve"}, ns(NOW)).on_duty(
        ns(when)
    ) == {"eve"}  # fmt: skip


def test_whole_days_and_times_without_a_zone_are_where_the_calendar_is() -> None:
    day = "UID:d\nSUMMARY:fay\nDTSTART;VALUE=DATE:20261021\nRRULE:FREQ=DAILY;UNTIL=20261022\n"
    there = calendar(day, more="X-WR-TIMEZONE:Asia/Tokyo\n")
    begin = datetime.datetime(2026, 10, 20, 15, tzinfo=datetime.UTC)
    assert on_duty(there, begin) == {"fay"}
    assert on_duty(there, begin - datetime.timedelta(seconds=1)) == set()
    assert on_duty(there, begin + datetime.timedelta(hours=47)) == {"fay"}
    assert on_duty(there, begin + datetime.timedelta(hours=49)) == set()
    assert on_duty(calendar(day), datetime.datetime(2026, 10, 21, tzinfo=datetime.UTC)) == {"fay"}
    floating = "UID:f\nSUMMARY:gus\nDTSTART:20261021T090000\nDURATION:PT1H\n"
    assert on_duty(
        calendar(floating, more="X-WR-TIMEZONE:Asia/Tokyo\n"),
        datetime.datetime(2026, 10, 21, 0, 30, tzinfo=datetime.UTC),
    ) == {"gus"}  # fmt: skip


SINCE = "UID:x\nSUMMARY:a\nDTSTART:{}\nDURATION:PT1H\nRRULE:{}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"BEGIN:VCALENDAR\r\n", "cannot be read"),
        (b"BEGIN:VCALENDAR\r\n\xff\xfe\r\nEND:VCALENDAR\r\n", "cannot be read"),
        (calendar("UID:x\nSUMMARY:canary\nDTSTART:20261099T000000Z"), "cannot be read"),
        (calendar("UID:x\nSUMMARY:canary"), "cannot be read"),
        (calendar("UID:f\nSUMMARY:canary\nDTSTART:20261021T090000\nDURATION:PT1H"), "no zone"),
        (calendar("UID:f\nSUMMARY:a\nDTSTART:20261021T090000Z\nDURATION:P900D"), "366 days"),
        (calendar(SINCE.format("20200101T000000Z", "FREQ=SECONDLY")), "more often than daily"),
        (calendar(SINCE.format("20200101T000000Z", "FREQ=HOURLY")), "more often than daily"),
        (calendar(SINCE.format("20200101T000000Z", "FREQ=DAILY;BYSECOND=1,2,3")), "more often than daily"),
        (calendar(SINCE.format("00010101T000000Z", "FREQ=DAILY")), "too far"),
        (calendar(*(SINCE.format("20200101T000000Z", "FREQ=DAILY").replace("UID:x", f"UID:{n}")
                    for n in range(400))), "too far"),
        (calendar(*("UID:x\nSUMMARY:a\nDTSTART:20261021T090000Z" for _ in range(5_001))), "5000 events"),
        (calendar(WEEKLY, SWAPPED.replace("RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;")),
         "THISANDFUTURE"),
        (calendar(WEEKLY, more="X-WR-TIMEZONE:Nowhere/Land\n"), "not known"),
        (calendar(WEEKLY, more="X-WR-TIMEZONE:../../../etc/passwd\n"), "not known"),
    ],
)  # fmt: skip
def test_what_is_no_calendar_or_would_work_without_end_is_refused_at_once(text: bytes, words: str) -> None:
    assert is_calendar(text)
    begun = time.process_time()
    with pytest.raises(ConfigError, match=words) as caught:
        read_calendar(text, "/etc/duty.ics", {}, ns(NOW))
    assert "/etc/duty.ics" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert time.process_time() - begun < 10


class Hands:
    """A clock that is set."""

    def __init__(self, moment: datetime.datetime) -> None:
        self.ns = ns(moment)

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


def test_a_calendar_in_a_file_is_read_again_as_the_weeks_go_by(tmp_path: Path) -> None:
    file, clock = tmp_path / "duty.ics", Hands(NOW)
    file.write_bytes(b"\xef\xbb\xbf" + calendar(WEEKLY))
    oncall = Oncall({"pay": Place(str(file), 300, 1_800, {"ALICE": "ada"})}, clock)
    assert oncall.on_duty("pay") == {"ada"}
    # Behind `stale`, and behind what was worked out ahead: the file is there, so it holds.
    for weeks in (0.005, 4, 40):
        clock.ns = ns(NOW + datetime.timedelta(weeks=weeks))
        assert oncall.on_duty("pay") == {"ada"}, oncall.problems
    file.write_bytes(calendar(PAGED))
    assert oncall.on_duty("pay") == set()
    file.write_bytes(calendar(WEEKLY)[:-20])
    assert oncall.on_duty("pay") == set()
    assert "not a calendar" in oncall.problems["pay"]


def test_thousands_may_be_asked_about_at_once(tmp_path: Path) -> None:
    file, clock = tmp_path / "duty.ics", Hands(NOW)
    file.write_bytes(calendar(WEEKLY))
    oncall = Oncall({"pay": Place(str(file), 300, 1_800)}, clock)
    oncall.on_duty("pay")
    begun = time.process_time()
    assert all(oncall.on_duty("pay") == {"alice"} for _ in range(10_000))
    assert time.process_time() - begun < 5
