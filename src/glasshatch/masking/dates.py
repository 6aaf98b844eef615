"""Dates as texts: read in the spellings people use, moved by days, or made coarse; the spelling is kept.

What is not read with certainty is not a date here: the caller puts a placeholder in its place.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Literal

from .tokens import Tokens

Coarse = Literal["month", "quarter", "year", "decade"]

MOST_DAYS = 3_650
_PURPOSE = "date-shift/v1"
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_TIME = r"(?P<rest>(?:[T ]\d{2}:\d{2}.*)?)"
_ISO = re.compile(r"(?P<y>\d{4})(?P<s1>[-/.]?)(?P<m>\d{2})(?P<s2>(?P=s1))(?P<d>\d{2})" + _TIME, re.DOTALL)
_SMALL = re.compile(
    r"(?P<a>\d{1,2})(?P<s1>[-/.] ?)(?P<b>\d{1,2})(?P<s2>(?P=s1))(?P<y>\d{4})" + _TIME, re.DOTALL
)
_DAY_FIRST = re.compile(
    r"(?P<d>\d{1,2})(?P<s1>(?:st|nd|rd|th|\.)?[ -])(?P<m>[A-Za-z]{3,9})(?P<s2>,?[ -])(?P<y>\d{4})"
)
_MONTH_FIRST = re.compile(
    r"(?P<m>[A-Za-z]{3,9})(?P<s1> )(?P<d>\d{1,2})(?P<s2>(?:st|nd|rd|th)?,? )(?P<y>\d{4})"
)

Read = tuple[datetime.date, Callable[[datetime.date], str]]
"""A date, and how another one is written in its spelling."""


def shift_days(tokens: Tokens, subject: str, most: int) -> int:
    """By how many days everything of a subject is moved: never 0, at most `most` either way.

    An empty subject stands for the tenant: then all its dates move alike, and who knows one knows all.
    """
    drawn = int.from_bytes(tokens.digest(_PURPOSE)(subject.encode("utf-8", "replace"))[:8], "big")
    days = drawn % (2 * most) - most
    return days if days < 0 else days + 1


def shifted(value: str, days: int, *, day_first: bool = True) -> str | None:
    """The date moved by so many days in its own spelling; its time of day stays. None if it is no date."""
    read = read_date(value, day_first=day_first)
    if read is None:
        return None
    date, write = read
    try:
        return write(date + datetime.timedelta(days=days))
    except OverflowError:
        return None


def coarse(value: str, size: Coarse, *, day_first: bool = True) -> tuple[datetime.date, str] | None:
    """The first day of the month, quarter, year or decade of a date, and how that is called."""
    read = read_date(value, day_first=day_first)
    if read is None:
        return None
    date = read[0]
    if size == "month":
        return date.replace(day=1), f"{date.year:04d}-{date.month:02d}"
    if size == "quarter":
        first = 3 * ((date.month - 1) // 3) + 1
        return date.replace(month=first, day=1), f"{date.year:04d}-Q{first // 3 + 1}"
    if size == "year":
        return date.replace(month=1, day=1), f"{date.year:04d}"
    decade = date.year - date.year % 10
    return datetime.date(max(decade, 1), 1, 1), f"{decade:04d}s"


def read_date(value: str, *, day_first: bool = True) -> Read | None:
    """A date in ISO, numeric or English spelling.

    Args:
        day_first: How 03/04/2021 is read; where only one reading is a date, that one is taken.
    """
    text = value.strip()
    if found := _ISO.fullmatch(text):
        return _read(found, found["y"], found["m"], found["d"], _numeric("ymd"))
    if found := _SMALL.fullmatch(text):
        first, second = ("d", "m") if day_first else ("m", "d")
        for order in (first + second, second + first):
            given = dict(zip(order, (found["a"], found["b"]), strict=True))
            if (read := _read(found, found["y"], given["m"], given["d"], _numeric(order + "y"))) is not None:
                return read
        return None
    if found := _DAY_FIRST.fullmatch(text):
        return _read(found, found["y"], found["m"], found["d"], _worded("dmy"))
    if found := _MONTH_FIRST.fullmatch(text):
        return _read(found, found["y"], found["m"], found["d"], _worded("mdy"))
    return None


_Write = Callable[[re.Match[str], datetime.date], str]


def _read(found: re.Match[str], year: str, month: str, day: str, write: _Write) -> Read | None:
    try:
        date = datetime.date(int(year), int(month) if month.isdigit() else _month(month), int(day))
    except ValueError:
        return None
    return date, lambda other: write(found, other)


def _month(name: str) -> int:
    """Its number; 0, which no date has, for a word that is none."""
    low = name.lower()
    return next((at for at, month in enumerate(_MONTHS, 1) if low in (month, month[:3], month[:4])), 0)


def _numeric(order: str) -> _Write:
    def write(found: re.Match[str], date: datetime.date) -> str:
        # One digit where the value had one and the new number fits: 3/4/2021 does not become 03/04/2021.
        wide = "y" in order[:1] or len(found["a"]) == len(found["b"]) == 2
        parts = {"y": f"{date.year:04d}", "m": f"{date.month:0{1 + wide}d}", "d": f"{date.day:0{1 + wide}d}"}
        a, b, c = (parts[one] for one in order)
        return f"{a}{found['s1']}{b}{found['s2']}{c}{found['rest']}"

    return write


def _worded(order: str) -> _Write:
    def write(found: re.Match[str], date: datetime.date) -> str:
        name = _MONTHS[date.month - 1]
        name = name if found["m"].lower() in _MONTHS and len(found["m"]) > 3 else name[:3]
        name = (
            name.upper() if found["m"].isupper() else name.capitalize() if found["m"][0].isupper() else name
        )
        parts = {"y": f"{date.year:04d}", "m": name, "d": str(date.day)}
        a, b, c = (parts[one] for one in order)
        return f"{a}{_ordinal(found['s1'], date)}{b}{_ordinal(found['s2'], date)}{c}"

    return write


def _ordinal(separator: str, date: datetime.date) -> str:
    """`1st`, `2nd`: the ending goes with the day."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if 11 <= date.day <= 13 else ends.get(date.day % 10, "th")
    return re.sub(r"st|nd|rd|th", ending, separator)
