"""Templates into labelled samples.

A template is text with places: `[[email]]`, `[[phone:national:DE]]`, `[[secret:stripe]]`,
`[[email|base64_1]]` (encoded), `[[?|hex_lower]]` (any type that needs no context), `[[~iso]]` (filler).
"""

from __future__ import annotations

import dataclasses
import random
import re
import tomllib
from pathlib import Path
from typing import Any

from . import people
from .encodings import ENCODINGS
from .fillers import FILLERS
from .nationals import NATIONALS
from .secrets import KINDS

_PLACE = re.compile(r"\[\[([^\[\]]+)\]\]")
FAMILIES = "email phone card iban ip mac dob passport licence national_id secret".split()


@dataclasses.dataclass(frozen=True)
class Span:
    """A value in a text: least and most that a finding may cover to be exact."""

    start: int
    end: int
    family: str
    kind: str
    encoding: str
    outer_start: int
    outer_end: int


@dataclasses.dataclass(frozen=True)
class Sample:
    """One text with its values; `domain` says where such text comes from."""

    text: str
    spans: tuple[Span, ...]
    domain: str


class Half:
    """One half as its folder describes it: `plain.txt`, `carriers.txt`, `clean.txt` and `forms.toml`."""

    def __init__(self, name: str) -> None:
        folder = Path(__file__).with_name(name)
        self.name = name
        self.plain = templates(folder / "plain.txt")
        self.carriers = templates(folder / "carriers.txt")
        self.clean = templates(folder / "clean.txt")
        told: dict[str, Any] = tomllib.loads((folder / "forms.toml").read_text())
        self.encoders: list[str] = told["encoders"]
        self.free_standing: list[str] = told["free_standing"]
        self.tokens: list[str] = told["tokens"]
        self.forms: dict[str, list[str]] = told["forms"]


def templates(path: Path) -> list[tuple[str, str]]:
    """Domain and template: `## domain` opens a domain, `%%` stands between templates."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^## ", path.read_text(), flags=re.MULTILINE):
        domain, _, body = part.partition("\n") if not part.startswith("%%") else ("", "", part)
        found += [(domain, text.rstrip("\n")) for text in body.split("\n%%\n") if text.strip()]
    return found


class Builder:
    """Fills the templates of one half, with one random source."""

    def __init__(self, of: Half, seed: int) -> None:
        self._set = of
        self._rng = random.Random(f"{of.name}:{seed}")

    def labelled(self, count: int) -> list[Sample]:
        """Every template in turn, each time with other values; a fifth of the texts carry encodings."""
        plain, carriers, encoders = self._set.plain, self._set.carriers, self._set.encoders
        samples = [self.fill(*plain[place % len(plain)]) for place in range(count * 4 // 5)]
        for place in range(count - len(samples)):
            domain, template = carriers[place % len(carriers)]
            # The quotient turns the wheel, so that every encoding meets every carrier.
            encoder = encoders[(place + place // len(encoders)) % len(encoders)]
            samples.append(self.fill(domain, template.replace("[[?]]", f"[[?|{encoder}]]")))
        return samples

    def clean(self, count: int) -> list[str]:
        """Lines that hold nothing to find, however much they look like it."""
        templates = self._set.clean
        return [self.fill(*templates[place % len(templates)]).text for place in range(count)]

    def fill(self, domain: str, template: str) -> Sample:
        text, spans, done = "", [], 0
        for match in _PLACE.finditer(template):
            text += template[done : match.start()]
            done = match.end()
            name, _, encoder = match[1].partition("|")
            if name.startswith("~"):
                text += FILLERS[name[1:]](self._rng)
                continue
            written, span = self._place(name, encoder, len(text))
            text += written
            spans.append(span)
        return Sample(text + template[done:], tuple(spans), domain)

    def _place(self, name: str, encoder: str, at: int) -> tuple[str, Span]:
        for _ in range(200):
            kind = self._rng.choice(self._set.free_standing) if name == "?" else name
            family, value = self._value(kind)
            if not encoder:
                # Of a webhook's address, what stands before its secret part may stay.
                secret = at + (value.find("/services/") + 10 if "/services/" in value else 0)
                return value, Span(secret, at + len(value), family, kind, "", at, at + len(value))
            if encoder in {"no_break", "narrow_space"} and " " not in value:
                continue
            text, start, end, most_start, most_end = ENCODINGS[encoder](self._rng, value)
            if text != value or name != "?":
                return text, Span(at + start, at + end, family, kind, encoder, at + most_start, at + most_end)
        raise AssertionError(f"no value of {name} changes by {encoder}")

    def _value(self, kind: str) -> tuple[str, str]:
        rng, (name, form, extra) = self._rng, (*kind.split(":"), "", "")[:3]
        forms = self._set.forms
        if name == "secret":
            return "secret", KINDS[form or rng.choice(self._set.tokens)](rng)
        if name in NATIONALS:
            return "national_id", NATIONALS[name](rng, form or rng.choice(["official", "plain"]))
        if name == "phone":
            return name, people.phone(
                rng, form or rng.choice(forms[name]), extra or rng.choice(forms["region"])
            )
        if name == "card":
            return name, people.card(
                rng, form or rng.choice(forms[name]), extra or rng.choice(forms["brand"])
            )
        if name == "iban":
            return name, people.iban(rng, form or rng.choice(forms[name]), extra or rng.choice(forms["bank"]))
        if name in {"ip", "ip6"}:
            maker = people.ipv4 if name == "ip" else people.ipv6
            return "ip", maker(rng, form or rng.choice(forms[name]))
        if name == "userpass":
            return "secret", f"{rng.choice(people.FIRST)}:{KINDS['password'](rng)}"
        maker = {
            "email": people.email, "mac": people.mac, "dob": people.birth, "passport": people.passport,
            "licence": people.licence,
        }[name]  # fmt: skip
        return name, maker(rng, form or rng.choice(forms[name]))
