"""The public templates of presidio-research, filled as its generator fills them.

The templates and the table of invented people come with the package `presidio-evaluator` and are
read from there; nothing of it is imported. Names, addresses and such are filled in without a
label: they are NER's business, and a finding on them is of another type.
"""

from __future__ import annotations

import csv
import random
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path

from . import people
from .build import Sample, Span
from .nationals import NATIONALS

_PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_LABELLED = {
    "credit_card_number": "card", "phone_number": "phone", "email": "email", "iban": "iban",
    "ssn": "national_id", "ip_address": "ip", "us_driver_license": "licence", "date_of_birth": "dob",
}  # fmt: skip
_COLUMNS = {
    "first_name": "GivenName", "first_name_male": "GivenName", "first_name_female": "GivenName",
    "first_name_nonbinary": "GivenName", "last_name": "Surname", "last_name_male": "Surname",
    "last_name_female": "Surname", "city": "City", "country": "CountryFull", "street_name": "StreetAddress",
    "organization": "Company", "company": "Company", "job": "Occupation", "state_abbr": "State",
    "state": "StateFull", "zipcode": "ZipCode", "postcode": "ZipCode", "url": "Domain", "age": "Age",
    "prefix": "Title", "prefix_male": "Title", "prefix_female": "Title",
}  # fmt: skip
_PHONES = ["international", "national", "e164", "hyphens"]
_PLAIN = {"nationality": "Danish", "nation_woman": "Spaniard", "nation_plural": "Spaniards", "year": "1987",
          "day_of_week": "Tuesday", "date_time": "4 March at 10:15", "building_number": "41",
          "secondary_address": "Apt. 12", "religion": "Buddhist"}  # fmt: skip


def samples(seed: int, count: int) -> list[Sample]:
    """Filled templates; none when the package is not installed."""
    folder = Path(sysconfig.get_path("purelib"), "presidio_evaluator", "data_generator", "raw_data")
    if not folder.is_dir():
        return []
    templates = [line.strip() for line in (folder / "templates.txt").read_text().splitlines() if line.strip()]
    with (folder / "FakeNameGenerator.com_3000.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rng = random.Random(f"presidio-research:{seed}")
    return [_fill(rng, templates[place % len(templates)], rng.choice(rows)) for place in range(count)]


def _fill(rng: random.Random, template: str, row: dict[str, str]) -> Sample:
    text, spans, done = "", [], 0
    for match in _PLACE.finditer(template.replace("\\n", "\n")):
        text += match.string[done : match.start()]
        done = match.end()
        name = match[1]
        value = _value(rng, name, row)
        if name in _LABELLED:
            at, end = len(text), len(text) + len(value)
            spans.append(Span(at, end, _LABELLED[name], name, "", at, end))
        text += value
    return Sample(text + template.replace("\\n", "\n")[done:], tuple(spans), "research")


def _value(rng: random.Random, name: str, row: dict[str, str]) -> str:
    regions = ["US", "GB", "DE", "FR", "ES", "IT", "NL", "SE", "CA", "AU"]
    makers: dict[str, Callable[[], str]] = {
        "credit_card_number": lambda: people.card(rng, rng.choice(["plain", "plain", "spaces", "hyphens"]),
                                                  rng.choice(list(people.CARDS))),
        "phone_number": lambda: people.phone(rng, rng.choice(_PHONES),
                                             rng.choice(regions)),
        "email": lambda: row["EmailAddress"],
        "iban": lambda: people.iban(rng, "plain", rng.choice(["DE", "GB", "FR", "ES", "IT", "NL"])),
        "ssn": lambda: NATIONALS["us_ssn"](rng, "official"),
        "ip_address": lambda: people.ipv4(rng, "public"),
        "us_driver_license": lambda: people.licence(rng, rng.choice(["US-CA", "US-NY", "US-FL"])),
        "date_of_birth": lambda: people.birth(rng, rng.choice(["iso", "american", "words"])),
    }  # fmt: skip
    if name in makers:
        return makers[name]()
    if name in _COLUMNS:
        return row[_COLUMNS[name]]
    if name in _PLAIN:
        return _PLAIN[name]
    if "address" in name:
        return f"{row['StreetAddress']}, {row['City']} {row['ZipCode']}"
    return f"{row['GivenName']} {row['Surname']}"
