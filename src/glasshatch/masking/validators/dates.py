"""Dates on which people are born, and places where they are."""

from __future__ import annotations

import datetime
import re
import unicodedata

_NUMBERS = re.compile(r"\d+")
_TIME = re.compile(r"(?<=\d)[T ]\d\d:.*", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{3,}")
_MONTHS = {
    month: number
    for number, months in enumerate(
        (
            "jan janv ene gen sty leden januari styczen styczn tammi ocak ian",
            "feb fev fevr lut febr februari luty helmi sub subat unor",
            "mar mars marz marco maart mrt marc maris mrz maerz maalis brez",
            "apr avr abr kwi avril huhti nis nisan dub",
            "may mai mag maj mei mayo maggio maio touko mayıs kvet",
            "jun juin giu cze juni junho kesa haz haziran",
            "jul juil lug lip juli juillet luglio julho heina tem temmuz",
            "aug aout ago sie augusti agosto elo agu agustos srp",
            "sep sept set wrz september septiembre settembre setembro syys eyl eylul zari",
            "oct okt ott out paz octobre loka eki ekim rij",
            "nov lis novembre marras kas kasim noi",
            "dec dez dic dicembre dezember gru joulu ara aralik pros",
        ),
        start=1,
    )
    for month in months.split()
}  # fmt: skip
_JAPANESE_ERAS = {"昭和": 1925, "平成": 1988, "令和": 2018, "大正": 1911, "明治": 1867}


def birth_date(text: str) -> bool:
    """A day of the calendar between 1900 and today's children, in any usual order of its parts."""
    text = _TIME.sub("", text)
    numbers = [int(number) for number in _NUMBERS.findall(text)]
    if text[:2] in _JAPANESE_ERAS and len(numbers) == 3:
        numbers[0] += _JAPANESE_ERAS[text[:2]]
    if len(numbers) == 1 and len(text) == 8:
        numbers = [int(text[:4]), int(text[4:6]), int(text[6:])]
        if not 1900 <= numbers[0] <= _LATEST:
            numbers = [int(text[:2]), int(text[2:4]), int(text[4:])]
    month = _month_named(text)
    if month and len(numbers) == 2:
        return _exists(max(numbers), month, min(numbers)) or _exists(numbers[1], month, numbers[0])
    if len(numbers) != 3:
        return False
    first, second, third = numbers
    return _exists(first, second, third) or _exists(third, second, first) or _exists(third, first, second)


_LATEST = 2035


def _month_named(text: str) -> int:
    for word in _WORD.findall(text):
        plain = "".join(letter for letter in unicodedata.normalize("NFD", word.lower()) if letter.isascii())
        for size in (len(plain), 5, 4, 3):
            if plain[:size] in _MONTHS:
                return _MONTHS[plain[:size]]
    return 0


def _exists(year: int, month: int, day: int) -> bool:
    if year < 100:
        year += 1900
    if not 1900 <= year <= _LATEST:
        return False
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def latitude_longitude(text: str) -> bool:
    """A place on earth with at least four decimals, which is a house rather than a town."""
    numbers = re.findall(r"-?\d{1,3}\.\d+", text)
    if len(numbers) != 2:
        return False
    latitude, longitude = map(float, numbers)
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0.0, 0.0)
