"""Checks that tell a real identifier from a lookalike: checksums, ranges, entropy.

Each takes the text of a candidate, separators included, and never raises.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable

_NOT_DIGITS = re.compile(r"[^0-9]+")
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\Z)|\Z)){4}")
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def digits(text: str) -> str:
    """The ASCII digits of a text."""
    return text if text.isascii() and text.isdigit() else _NOT_DIGITS.sub("", text)


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 check digit over a string of ASCII digits."""
    octets = number.encode("ascii")
    plain, doubled = octets[-1::-2], octets[-2::-2]
    return (sum(plain) - 48 * len(plain) + sum(doubled.translate(_DOUBLED))) % 10 == 0


def card(text: str) -> bool:
    """A payment card number: a known issuer range with its length, and Luhn."""
    number = digits(text)
    return len(number) in _ISSUERS.get(number[:4], ()) and luhn(number) and len(set(number)) > 1


def _issuer_ranges() -> dict[str, tuple[int, ...]]:
    """The lengths that card numbers have, by their first four digits."""
    ranges = (
        ((4000, 4999), (13, 16, 19)),
        ((5100, 5599), (16,)),
        ((2221, 2720), (16,)),
        ((2200, 2204), (16,)),
        ((3400, 3499), (15,)),
        ((3700, 3799), (15,)),
        ((6011, 6011), (16, 19)),
        ((6440, 6599), (16, 19)),
        ((3000, 3059), (14, 16, 19)),
        ((3600, 3699), (14, 16, 19)),
        ((3800, 3999), (14, 16, 19)),
        ((3528, 3589), (16, 17, 18, 19)),
        ((6200, 6299), (16, 17, 18, 19)),
    )
    maestro = (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)
    known = {str(first): tuple(range(13, 20)) for first in maestro}
    for (low, high), lengths in ranges:
        known |= {str(first): lengths for first in range(low, high + 1)}
    return known


def iban(text: str) -> bool:
    """ISO 13616: the country's length and the mod-97 check."""
    compact = "".join(text.split()).replace("-", "").upper()
    if len(compact) != _IBAN_LENGTHS.get(compact[:2], -1) or not compact.isalnum():
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def us_ssn(text: str) -> bool:
    """A US social security number that was or may be issued (SSA: no 000, 666, 9xx; no 00; no 0000)."""
    number = digits(text)
    if len(number) != 9 or number in ("123456789", "078051120", "219099999"):
        return False
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def ipv4(text: str) -> bool:
    """An IPv4 address that can belong to a host: no unspecified, loopback, broadcast or netmask."""
    return _IPV4.fullmatch(text) is not None and not text.startswith(("0.", "127.", "255."))


def ipv6(text: str) -> bool:
    """An IPv6 address that can belong to a host, in any of its spellings."""
    try:
        address = ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)


def mac(text: str) -> bool:
    """A hardware address that is neither all zeros nor broadcast."""
    compact = "".join(letter for letter in text.lower() if letter not in ":-.")
    return len(compact) == 12 and len(set(compact)) > 2


def international_phone(text: str) -> bool:
    """E.164 with its plus sign: a calling code in use and 8 to 15 digits."""
    number = digits(text)
    return 8 <= len(number) <= 15 and _has_calling_code(number) and len(set(number)) > 2


def nanp_phone(text: str) -> bool:
    """A North American number: area and exchange start with 2 to 9 and are no service code."""
    number = digits(text)
    if len(number) == 11 and number[0] == "1":
        number = number[1:]
    return len(number) == 10 and number[0] > "1" and number[3] > "1" and number[1:3] != "11"


def national_phone(text: str) -> bool:
    """A number as people write it at home: 7 to 15 digits that are no run of one digit."""
    number = digits(text)
    return 7 <= len(number) <= 15 and len(set(number)) > 2


def _has_calling_code(number: str) -> bool:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as codes

    return any(int(number[:length]) in codes for length in (1, 2, 3))


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    if size == 0:
        return 0.0
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def secret_value(text: str) -> bool:
    """A value that may be a password: not a placeholder, not a masked value, not a reference."""
    bare = text.strip("'\"")
    if len(bare) < 3 or len(set(bare)) < 2:
        return False
    lowered = bare.lower()
    if lowered in _PLACEHOLDERS or lowered.startswith(("${", "{{", "%(", "$(", "env:", "file:", "[redacted")):
        return False
    return bare[0] not in "<$" or len(bare) > 40


_PLACEHOLDERS = frozenset(
    {
        "null", "none", "nil", "true", "false", "undefined", "redacted", "masked", "hidden", "string", "str",
        "required", "optional", "password", "passwd", "secret", "token", "yes", "no", "empty", "changed",
        "failed", "invalid", "incorrect", "expired", "authentication", "accepted",
    }
)  # fmt: skip


def random_value(text: str) -> bool:
    """A value that looks generated: mixed letters and digits, high entropy, no word or path."""
    has_digit = any(letter.isdigit() for letter in text)
    has_letter = any(letter.isalpha() for letter in text)
    return has_digit and has_letter and entropy(text) >= 3.5


_ISSUERS = _issuer_ranges()

VALIDATORS: dict[str, Callable[[str], bool]] = {
    "card": card,
    "iban": iban,
    "international_phone": international_phone,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "mac": mac,
    "nanp_phone": nanp_phone,
    "national_phone": national_phone,
    "random_value": random_value,
    "secret_value": secret_value,
    "us_ssn": us_ssn,
}
"""Every validator a pack may name."""
