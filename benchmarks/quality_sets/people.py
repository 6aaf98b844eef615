"""Values of people and their machines: checksum-valid, made at random, in the forms asked for.

Every maker takes the random source and a form, and gives the text as it would stand in a line.
"""

from __future__ import annotations

import functools
import ipaddress
import random

import phonenumbers
from phonenumbers import PhoneNumberFormat as Format
from phonenumbers import PhoneNumberType as Kind

from . import checksums as check

Rng = random.Random
FIRST = """maria jonas amelie lukas sofia pierre chloe marco giulia joao ines daan sanne erik astrid kasia
piotr olivia liam noah emma priya arjun fernanda thiago hannah felix lucie hugo carmen pablo""".split()
LAST = """keller schmidt dubois moreau garcia romero rossi bianchi silva santos devries jansen lindqvist berg
nowak kowalska walker nguyen patel sharma oliveira costa weber fischer lefevre martin okafor tanaka""".split()
MONTHS = "January February March April May June July August September October November December".split()


def digits(rng: Rng, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def letters(rng: Rng, count: int, of: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> str:
    return "".join(rng.choice(of) for _ in range(count))


def grouped(text: str, sizes: list[int], by: str) -> str:
    """Cut a text into groups; the last size repeats."""
    parts, place = [], 0
    while place < len(text):
        size = sizes[min(len(parts), len(sizes) - 1)]
        parts.append(text[place : place + size])
        place += size
    return by.join(parts)


def email(rng: Rng, form: str) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    number = rng.randrange(10, 99)
    local = {
        "dot": f"{first}.{last}",
        "short": f"{first[0]}{last}{number}",
        "plus": f"{first}+{rng.choice(['billing', 'shop', 'news'])}@",
        "under": f"{first}_{last}{number}",
        "title": f"{first.title()}.{last.title()}",
        "dash": f"{first}-{last}",
        "apostrophe": f"{first}.o'{last}",
        "upper": f"{first}.{last}".upper(),
        "digits": f"{digits(rng, 8)}",
        "dots": f"{first[0]}.{last[0]}.{last}",
    }[form].rstrip("@")
    host = rng.choice(
        """gmail.com gmx.de orange.fr telefonica.es libero.it uol.com.br mail.nl telia.se wp.pl outlook.com
        nordwind-handel.de cliniquesud.fr atelier.studio team.example.org post.co.uk bigpond.net.au
        dept.uni-lund.se firma.com.pl hospital.health""".split()
    )
    return f"{local}@{host.upper() if form == 'upper' else host}"


@functools.cache
def _example(region: str) -> str:
    number = phonenumbers.example_number_for_type(region, Kind.MOBILE)
    return str(number.national_number)


def phone(rng: Rng, form: str, region: str) -> str:
    """A valid number of the region; `form` says how it is written."""
    country = phonenumbers.country_code_for_region(region)
    while True:
        base = _example(region)
        keep = 3 if len(base) > 8 else 2
        number = phonenumbers.parse(f"+{country}{base[:keep]}{digits(rng, len(base) - keep)}")
        if phonenumbers.is_valid_number_for_region(number, region):
            break
    international = phonenumbers.format_number(number, Format.INTERNATIONAL)
    national = phonenumbers.format_number(number, Format.NATIONAL)
    plain = phonenumbers.format_number(number, Format.E164)
    rest = international.split(" ", 1)[1] if " " in international else plain
    return {
        "e164": plain,
        "international": international,
        "national": national,
        "hyphens": international.replace(" ", "-"),
        "dots": international.replace(" ", ".").replace("-", "."),
        "zeros": "00" + plain[1:],
        "zeros-spaced": f"00{country} {rest}",
        "trunk": f"+{country} (0){rest}" if region in {"DE", "GB", "NL", "SE", "FR"} else international,
        "tel": plain,
        "brackets": f"(+{country}) {rest}",
    }[form]


CARDS = {
    "visa": ("4", 16),
    "mastercard": ("5[1-5]", 16),
    "mastercard2": ("2[3-6]", 16),
    "amex": ("3[47]", 15),
    "discover": ("6011", 16),
    "diners": ("36", 14),
    "jcb": ("35[3-8]", 16),
    "unionpay": ("62", 16),
}


def card(rng: Rng, form: str, brand: str) -> str:
    head, length = CARDS[brand]
    if "[" in head:
        before, _, span = head.partition("[")
        low, high = (span[0], span[2]) if "-" in span else (span[0], span[1])
        picks = [str(n) for n in range(int(low), int(high) + 1)] if "-" in span else [low, high]
        head = before + rng.choice(picks)
    body = head + digits(rng, length - 1 - len(head))
    number = body + check.luhn(body)
    sizes = {15: [4, 6, 5], 14: [4, 6, 4]}.get(length, [4])
    return {
        "plain": number,
        "spaces": grouped(number, sizes, " "),
        "hyphens": grouped(number, sizes, "-"),
        "dots": grouped(number, sizes, "."),
        "wide": grouped(number, sizes, "  "),
    }[form]


def _bban(rng: Rng, country: str) -> str:
    if country == "ES":
        bank, account = digits(rng, 8), digits(rng, 10)
        return bank + check.spanish_account(bank, account) + account
    if country == "IT":
        body = digits(rng, 22)
        return check.italian_account(body) + body
    if country == "BE":
        body = rng.choice(["001", "068", "363", "737"]) + digits(rng, 7)
        return body + f"{int(body) % 97 or 97:02d}"
    if country == "PT":
        body = digits(rng, 19)
        return body + f"{98 - int(body + '00') % 97:02d}"
    if country == "FR":
        body = digits(rng, 21)
        bank, desk, account = int(body[:5]), int(body[5:10]), int(body[10:])
        return body + f"{97 - (89 * bank + 15 * desk + 3 * account) % 97:02d}"
    if country == "NO":
        while True:
            body = digits(rng, 10)
            rest = 11 - check.weighted(body, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
            if rest != 10:
                return body + str(rest % 11)
    if country == "NL":
        while True:
            account = "0" + digits(rng, 9)
            if check.weighted(account, list(range(10, 0, -1))) % 11 == 0:
                return letters(rng, 1, "ABIR") + rng.choice(["BNA", "NGB", "ABO"]) + account
    heads = {"GB": 4, "IE": 4}
    counts = {
        "DE": 18,
        "GB": 14,
        "IE": 14,
        "SE": 20,
        "PL": 24,
        "AT": 16,
        "CH": 17,
        "DK": 14,
        "FI": 14,
        "LU": 16,
    }
    return letters(rng, heads.get(country, 0)) + digits(rng, counts[country])


def iban(rng: Rng, form: str, country: str) -> str:
    bban = _bban(rng, country)
    number = country + check.mod97(country, bban) + bban
    return {
        "plain": number,
        "spaces": grouped(number, [4], " "),
        "lower": number.lower(),
        "hyphens": grouped(number, [4], "-"),
    }[form]


def ipv4(rng: Rng, form: str) -> str:
    heads = {"public": (81, 93, 185, 203, 46, 151, 77), "private": (10,), "home": (192,)}[form]
    head = rng.choice(heads)
    second = 168 if head == 192 else rng.randrange(1, 255)
    return f"{head}.{second}.{rng.randrange(0, 255)}.{rng.randrange(1, 255)}"


def ipv6(rng: Rng, form: str) -> str:
    prefix = rng.choice(["2001:470", "2a02:8108", "2a00:1450", "2600:1f18", "2804:14c"])
    groups = ":".join(f"{rng.randrange(16, 65536):x}" for _ in range(6))
    full = f"{prefix}:{groups}"
    if form == "full":
        return ipaddress.ip_address(full).exploded
    if form == "compressed":
        return f"{prefix}:{rng.randrange(16, 65536):x}::{rng.randrange(1, 65536):x}"
    if form == "link":
        middle, last = rng.randrange(256, 65536), rng.randrange(256, 65536)
        return f"fe80::{middle:x}:{middle:x}ff:fe{rng.randrange(16, 256):02x}:{last:x}"
    return full.upper() if form == "upper" else full


def mac(rng: Rng, form: str) -> str:
    pairs = [f"{rng.randrange(256):02x}" for _ in range(6)]
    pairs[0] = rng.choice(["00", "3c", "a4", "f0", "84", "b8"])
    return {
        "colons": ":".join(pairs),
        "upper": ":".join(pairs).upper(),
        "hyphens": "-".join(pairs).upper(),
        "cisco": grouped("".join(pairs), [4], "."),
    }[form]


def birth(rng: Rng, form: str) -> str:
    year, month, day = rng.randrange(1938, 2006), rng.randrange(1, 13), rng.randrange(1, 29)
    return {
        "iso": f"{year}-{month:02d}-{day:02d}",
        "dots": f"{day:02d}.{month:02d}.{year}",
        "slashes": f"{day:02d}/{month:02d}/{year}",
        "american": f"{month:02d}/{day:02d}/{year}",
        "words": f"{day} {MONTHS[month - 1]} {year}",
        "words-us": f"{MONTHS[month - 1]} {day}, {year}",
        "short": f"{day}/{month}/{year % 100:02d}",
        "abbreviated": f"{day:02d}-{MONTHS[month - 1][:3]}-{year}",
        "compact": f"{year}{month:02d}{day:02d}",
        "hyphens": f"{day:02d}-{month:02d}-{year}",
        "stamp": f"{year}-{month:02d}-{day:02d}",
        "japanese": f"{year}年{month}月{day}日",
    }[form]


def passport(rng: Rng, country: str) -> str:
    german = "CFGHJK"
    return {
        "US": lambda: rng.choice(["A", "5", "4"]) + digits(rng, 8),
        "GB": lambda: rng.choice("13579") + digits(rng, 8),
        "DE": lambda: rng.choice(german) + letters(rng, 3, "0123456789CFGHJKLMNPRTVWXYZ") + digits(rng, 5),
        "FR": lambda: digits(rng, 2) + letters(rng, 2) + digits(rng, 5),
        "IN": lambda: letters(rng, 1, "JKLMNPRSTUVZ") + digits(rng, 7),
        "IT": lambda: "Y" + letters(rng, 1, "ABC") + digits(rng, 7),
        "ES": lambda: letters(rng, 3, "ABCDEFGHJKLM") + digits(rng, 6),
        "NL": lambda: "N" + letters(rng, 1, "PRSTUVWX") + letters(rng, 1, "BCDFHJKLMN") + digits(rng, 6),
        "CA": lambda: letters(rng, 2, "ABGHP") + digits(rng, 6),
        "AU": lambda: rng.choice(["N", "E", "PA"]) + digits(rng, 7),
        "BR": lambda: letters(rng, 2, "FGYC") + digits(rng, 6),
        "SE": lambda: rng.choice(["AA", "AB"]) + digits(rng, 6),
    }[country]()


def licence(rng: Rng, country: str) -> str:
    def british() -> str:
        return (
            letters(rng, 5) + digits(rng, 1) + f"{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
            + digits(rng, 1) + letters(rng, 2) + rng.choice("29") + letters(rng, 2)
        )  # fmt: skip

    return {
        "GB": british,
        "US-CA": lambda: letters(rng, 1) + digits(rng, 7),
        "US-FL": lambda: letters(rng, 1) + grouped(digits(rng, 12), [3, 3, 2, 3, 1], "-"),
        "US-NY": lambda: digits(rng, 9),
        "DE": lambda: (
            letters(rng, 1) + digits(rng, 2) + letters(rng, 1) + digits(rng, 6) + rng.choice("X123456789")
        ),
        "FR": lambda: digits(rng, 12),
        "IT": lambda: rng.choice(["U1", "MI", "RM"]) + digits(rng, 7) + letters(rng, 1),
        "AU": lambda: digits(rng, 8),
        "IN": lambda: (
            rng.choice(["MH", "KA", "DL"]) + digits(rng, 2) + f" 20{digits(rng, 2)}{digits(rng, 7)}"
        ),
        "CA": lambda: letters(rng, 1) + grouped(digits(rng, 14), [4, 5, 5], "-"),
    }[country]()
