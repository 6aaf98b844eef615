"""What a detector's findings are worth against labels: F1, leaks, encoded values, false alarms."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .build import FAMILIES, Sample, Span

_BY_WORD = {
    "ip": ("IPV4", "IPV6", "IP_ADDRESS"),
    "mac": ("MAC_ADDRESS",),
    "passport": ("PASSPORT",),
    "licence": ("DRIVER", "DRIVING", "LICENCE", "LICENSE", "FUEHRERSCHEIN"),
    "email": ("EMAIL",),
    "iban": ("IBAN",),
    "dob": ("BIRTH", "BIRTHDATE", "DOB"),
    "national_id": tuple(
        """SSN ITIN NINO NHS AADHAAR PAN CPF CNPJ NIF NIE DNI CODICE FISCAL NIR INSEE STEUER TAX BSN
        PERSON_NUMBER PERSONNUMMER PERSONAL_ID PERSONAL_NUMBER SIN TFN MEDICARE NATIONAL PERSONAL_IDENTITY
        CITIZEN SOCIAL_SECURITY ID_CARD IDENTITY_CARD HEALTH_CARD RESIDENCE_CARD
        VOTER GSTIN PESEL FIN UEN EIN RVNR""".split()
    ),
    "phone": ("PHONE", "MOBILE_NUMBER", "FAX"),
    "card": ("CARD", "CREDIT"),
    "secret": (
        "SECRET",
        "PASSWORD",
        "TOKEN",
        "KEY",
        "CREDENTIAL",
        "JWT",
        "API",
        "COOKIE",
        "WEBHOOK",
        "PASSPHRASE",
    ),
}
"""By words of a type's name, in this order; types of no family are `other`."""


def family_of(kind: str) -> str:
    """The labelled family that a detector's type belongs to."""
    name = f"_{kind.upper().replace('-', '_').replace(' ', '_')}_"
    if name in {"_IP_", "_MAC_", "_PAN_CARD_"}:
        return {"_IP_": "ip", "_MAC_": "mac"}.get(name, "national_id")
    for family, words in _BY_WORD.items():
        if any(f"_{word}_" in name or f"_{word}S_" in name for word in words):
            return family
    return "other"


@dataclasses.dataclass(frozen=True)
class Found:
    """A detector's finding: offsets in characters and its own type."""

    start: int
    end: int
    kind: str


@dataclasses.dataclass(frozen=True)
class Miss:
    """What went wrong in one text, for people to read."""

    why: str
    span: Span | None
    found: Found | None
    text: str


def exact(span: Span, one: Found) -> bool:
    """Whether the finding is the value: at least all of it, at most the word that carries it."""
    return span.outer_start <= one.start <= span.start and span.end <= one.end <= span.outer_end


def overlaps(span: Span, one: Found) -> bool:
    return one.start < span.end and span.start < one.end


def covered(span: Span, found: Iterable[Found]) -> int:
    """How many of the value's characters lie in findings of whatever type."""
    places: set[int] = set()
    for one in found:
        places.update(range(max(one.start, span.start), min(one.end, span.end)))
    return len(places)


class Score:
    """Counts over a set; `figures()` says what they amount to."""

    def __init__(self) -> None:
        self.strict: Counter[str] = Counter()
        self.lenient: Counter[str] = Counter()
        self.gold: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.told_lenient: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.kinds_hit: Counter[str] = Counter()
        self.encodings: Counter[str] = Counter()
        self.encodings_hit: Counter[str] = Counter()
        self.domains: Counter[str] = Counter()
        self.domains_hit: Counter[str] = Counter()
        self.characters = self.characters_leaked = self.values_leaked = self.other = 0
        self.misses: list[Miss] = []

    def add(self, sample: Sample, found: Sequence[Found]) -> None:
        """Count one text."""
        taken: set[int] = set()
        for span in sample.spans:
            family = span.family
            hit = next(
                (
                    place
                    for place, one in enumerate(found)
                    if place not in taken and family_of(one.kind) == family and exact(span, one)
                ),
                None,
            )
            self.gold[family] += 1
            self._value(sample, span, found, hit is not None)
            if hit is not None:
                taken.add(hit)
                self.strict[family] += 1
            self.lenient[family] += any(
                overlaps(span, one) and family_of(one.kind) == family for one in found
            )
        self._predictions(sample, found, taken)

    def _value(self, sample: Sample, span: Span, found: Sequence[Found], hit: bool) -> None:
        length = span.end - span.start
        seen = covered(span, found)
        self.characters += length
        self.characters_leaked += length - seen
        self.values_leaked += seen < length
        kind = ":".join(span.kind.split(":")[:2]) if span.family == "secret" else span.kind.split(":")[0]
        for total, good, name, well in (
            (self.kinds, self.kinds_hit, kind, hit),
            (self.encodings, self.encodings_hit, span.encoding, seen == length),
            (self.domains, self.domains_hit, sample.domain, hit),
        ):
            total[name] += 1
            good[name] += well
        if not hit:
            why = "leaked" if seen == 0 else "partly leaked" if seen < length else "inexact or other type"
            self.misses.append(Miss(why, span, None, sample.text))

    def _predictions(self, sample: Sample, found: Sequence[Found], taken: set[int]) -> None:
        for place, one in enumerate(found):
            family = family_of(one.kind)
            if family == "other":
                self.other += 1
                continue
            self.told[family] += 1
            near = any(span.family == family and overlaps(span, one) for span in sample.spans)
            self.told_lenient[family] += near
            if place not in taken and not any(overlaps(span, one) for span in sample.spans):
                self.misses.append(Miss("false alarm", None, one, sample.text))

    def figures(self) -> dict[str, Any]:
        """The figures, rounded; `leaks` are shares of values not wholly covered and of characters."""
        values = sum(self.gold.values())
        encoded = sum(count for name, count in self.encodings.items() if name)
        encoded_hit = sum(count for name, count in self.encodings_hit.items() if name)
        return {
            "values": values,
            "strict": _rates(
                sum(self.strict.values()), sum(self.strict.values()), sum(self.told.values()), values
            ),
            "lenient": _rates(
                sum(self.lenient.values()), sum(self.told_lenient.values()), sum(self.told.values()), values
            ),
            "leaked_values": _share(self.values_leaked, values),
            "leaked_characters": _share(self.characters_leaked, self.characters),
            "encoded_covered": _share(encoded_hit, encoded),
            "findings_of_other_types": self.other,
            "types": {
                family: _rates(self.strict[family], self.strict[family], self.told[family], self.gold[family])
                for family in FAMILIES
                if self.gold[family] or self.told[family]
            },
            "recall_by_kind": _table(self.kinds, self.kinds_hit),
            "recall_by_domain": _table(self.domains, self.domains_hit),
            "covered_by_encoding": _table(self.encodings, self.encodings_hit),
        }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _rates(recalled: int, right: int, told: int, gold: int) -> dict[str, float]:
    precision = right / told if told else 1.0
    recall = recalled / gold if gold else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _table(total: Counter[str], hit: Counter[str]) -> dict[str, float]:
    return {name or "plain": _share(hit[name], count) for name, count in sorted(total.items())}


def alarms(lines: Sequence[str], found: Sequence[Sequence[Found]]) -> tuple[dict[str, Any], list[Miss]]:
    """False alarms per 1,000 lines where nothing is to be found: of labelled families, and of any type."""
    by_type: Counter[str] = Counter()
    misses = []
    for line, ones in zip(lines, found, strict=True):
        for one in ones:
            by_type[one.kind] += 1
            misses.append(Miss("false alarm", None, one, line))
    per = 1000 / max(1, len(lines))
    labelled = sum(count for kind, count in by_type.items() if family_of(kind) != "other")
    alarming = sum(bool(ones) for ones in found)
    return {
        "lines": len(lines),
        "per_1000": round(labelled * per, 2),
        "per_1000_of_any_type": round(sum(by_type.values()) * per, 2),
        "lines_with_alarm_per_1000": round(alarming * per, 2),
        "by_type": {kind: round(count * per, 2) for kind, count in by_type.most_common()},
    }, misses
