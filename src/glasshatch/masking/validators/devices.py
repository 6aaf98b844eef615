"""Identifiers of devices, cards and vehicles that lead to a person."""

from __future__ import annotations

from .payment import luhn
from .text import compact, digits


def imei(text: str) -> bool:
    """3GPP TS 23.003: 15 digits with Luhn, or 16 with a software version; a reporting body that exists."""
    number = digits(text)
    if len(set(number)) < 3:
        return False
    if len(number) == 15:
        return luhn(number) and number[:2] != "00"
    return len(number) == 16 and number[:2] in ("01", "35", "86", "91", "98", "99")


def imsi(text: str) -> bool:
    """ITU-T E.212: 14 or 15 digits that start with a country code in use (200 to 799, 901, 999)."""
    number = digits(text)
    return len(number) in (14, 15) and ("200" <= number[:3] < "800" or number[:3] in ("901", "999"))


def iccid(text: str) -> bool:
    """ITU-T E.118: 89, then 17 or 18 digits with Luhn; 20 digits may come without a check digit."""
    number = digits(text)
    return number.startswith("89") and (
        (len(number) == 19 and luhn(number)) or (len(number) == 20 and len(set(number)) > 3)
    )


_VIN_VALUES = {
    letter: value
    for value, letters in enumerate(("0", "1AJ", "2BKS", "3CLT", "4DMU", "5ENV", "6FW", "7GPX", "8HY", "9RZ"))
    for letter in letters
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(text: str) -> bool:
    """ISO 3779 with the North American check digit, which most makers fill in."""
    number = compact(text)
    if len(number) != 17 or any(letter not in _VIN_VALUES for letter in number) or len(set(number)) < 5:
        return False
    total = sum(_VIN_VALUES[letter] * weight for letter, weight in zip(number, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11] == number[8]


def opaque_id(text: str) -> bool:
    """An id that says something: neither zeros nor one letter repeated, and with a digit."""
    bare = compact(text)
    return len(set(bare)) > 4 and any(letter.isdigit() for letter in bare)
