"""Identifiers of people with checks of our own: where no kept library has one, or has one too strict."""

from __future__ import annotations

import re

from .payment import luhn
from .text import compact, digits


def us_ssn(text: str) -> bool:
    """A US social security number that was or may be issued (SSA: no 000, 666, 9xx; no 00; no 0000)."""
    number = digits(text)
    if len(number) != 9 or number in ("123456789", "078051120", "219099999"):
        return False
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def us_itin(text: str) -> bool:
    """A US taxpayer number: 9, and a group of 50 to 65, 70 to 88, 90 to 92 or 94 to 99 (IRS)."""
    number = digits(text)
    if len(number) != 9 or number[0] != "9" or number[5:] == "0000":
        return False
    group = int(number[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94


def npi(text: str) -> bool:
    """A US provider's number: ten digits from 1 or 2, Luhn with the prefix 80840 (CMS)."""
    number = digits(text)
    return len(number) == 10 and number[0] in "12" and luhn("80840" + number)


def dea(text: str) -> bool:
    """A DEA registration: two letters, six digits and their check digit."""
    number = compact(text)
    if len(number) != 9 or not number[2:].isdigit():
        return False
    one, two, three, four, five, six, check = map(int, number[2:])
    return (one + three + five + 2 * (two + four + six)) % 10 == check


def mbi(text: str) -> bool:
    """A Medicare beneficiary's number: eleven places of fixed kinds, without S, L, O, I, B and Z (CMS)."""
    number = compact(text)
    letters, figures = "ACDEFGHJKMNPQRTUVWXY", "0123456789"
    kinds = ("123456789", letters, letters + figures, figures, letters, letters + figures, figures, letters,
             letters, figures, figures)  # fmt: skip
    return len(number) == 11 and all(one in kind for one, kind in zip(number, kinds, strict=True))


_ICAO = (7, 3, 1)


def _icao_digit(text: str) -> int:
    """The check digit of machine-readable documents (ICAO 9303 part 3, 4.9)."""
    return sum(int(letter, 36) * _ICAO[place % 3] for place, letter in enumerate(text)) % 10


def de_id_card(text: str) -> bool:
    """A German identity card or passport: nine places without vowels, and maybe their check digit."""
    number = compact(text)
    if len(number) not in (9, 10) or not any(letter.isdigit() for letter in number):
        return False
    if any(letter in "ABDEIOQSU" for letter in number[:9]):
        return False
    return len(number) == 9 or (number[9].isdigit() and _icao_digit(number[:9]) == int(number[9]))


def de_pension(text: str) -> bool:
    """A German pension insurance number: area, day of birth, initial, serial, check digit (SGB VI)."""
    number = compact(text)
    if len(number) != 12 or not (number[:8] + number[9:]).isdigit() or not number[8].isalpha():
        return False
    if not (1 <= int(number[2:4]) <= 81 and 1 <= int(number[4:6]) <= 12):
        return False
    spread = number[:8] + f"{ord(number[8]) - 64:02}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(spread, weights, strict=True))
    return total % 10 == int(number[11])


def kvnr(text: str) -> bool:
    """A German health insurance number: a letter and nine digits, Luhn over its place in the alphabet."""
    number = compact(text)
    if len(number) != 10 or not number[0].isalpha() or not number[1:].isdigit():
        return False
    spread = f"{ord(number[0]) - 64:02}" + number[1:9]
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(spread))
    return total % 10 == int(number[9])


def es_social(text: str) -> bool:
    """A Spanish social security number: province, serial, and the remainder by 97."""
    number = digits(text)
    if len(number) not in (11, 12) or not 1 <= int(number[:2]) <= 66:
        return False
    body, check = number[2:-2], int(number[-2:])
    whole = int(number[:2]) * 10_000_000 + int(body) if int(body) < 10_000_000 else int(number[:-2])
    return whole % 97 == check


def personnummer(text: str) -> bool:
    """A Swedish personal number, also one of coordination: a day, and Luhn over its ten digits."""
    number = digits(text)
    if len(number) == 12:
        if number[:2] not in ("18", "19", "20"):
            return False
        number = number[2:]
    if len(number) != 10 or not 1 <= int(number[2:4]) <= 12:
        return False
    day = int(number[4:6])
    return (1 <= day <= 31 or 61 <= day <= 91) and luhn(number)


def br_rg(text: str) -> bool:
    """A Brazilian identity card as São Paulo numbers it: weights 2 to 9, remainder by 11; others by form."""
    number = compact(text)
    return 7 <= len(number) <= 10 and len(set(number)) > 2


def ca_health(text: str) -> bool:
    """An Ontario health card: ten digits with Luhn, then maybe two letters of its version."""
    number = digits(text)
    return len(number) == 10 and number[0] != "0" and luhn(number)


def uk_driver(text: str) -> bool:
    """A British driver number: surname, decade, month (+50 for women), day, year, initials (DVLA)."""
    number = compact(text)
    if len(number) not in (16, 18) or not number[5:11].isdigit():
        return False
    month, day = int(number[6:8]), int(number[8:10])
    return month % 50 in range(1, 13) and month < 63 and 1 <= day <= 31


_SPARSE = re.compile(r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}|[A-Z]{2}[A-Z0-9]{6}[0-9]")


def document_number(text: str) -> bool:
    """What may be printed on a document: five to twenty-five places, with digits, not one repeated.

    German documents have nine places of digits and of letters that are no vowels and spell no word; Dutch
    ones have two letters, six places of either, and a digit.
    """
    number = compact(text)
    figures = sum(letter.isdigit() for letter in number)
    enough = figures >= 4 or (figures >= 1 and _SPARSE.fullmatch(number) is not None)
    return 5 <= len(number) <= 25 and enough and len(set(number)) > 2
