"""Canaries: values that occur once in the world, in every encoding, and all forms to look for them in."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import msgspec

from quality_sets import people
from quality_sets.encodings import ENCODINGS
from quality_sets.nationals import NATIONALS
from quality_sets.secrets import KINDS as SECRETS

Make = Callable[[random.Random], str]


def _email(rng: random.Random) -> str:
    name = "".join(rng.choice(string.ascii_lowercase + string.digits) for _ in range(14))
    return f"q{name}.bird@mail.example.com"


def _password(rng: random.Random) -> str:
    return "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(24))


SORTS: dict[str, tuple[Make, str]] = {
    "email": (_email, "{}"),
    "card": (lambda rng: people.card(rng, "plain", "visa"), "{}"),
    "iban": (lambda rng: people.iban(rng, "plain", "DE"), "{}"),
    "phone": (lambda rng: people.phone(rng, "e164", rng.choice(["DE", "FR", "IT", "GB"])), "{}"),
    "ipv6": (lambda rng: people.ipv6(rng, "full"), "{}"),
    "mac": (lambda rng: people.mac(rng, "colons"), "{}"),
    "ssn": (lambda rng: NATIONALS["us_ssn"](rng, "official"), "social security number {}"),
    "cpf": (lambda rng: NATIONALS["br_cpf"](rng, "official"), "CPF {}"),
    "codice": (lambda rng: NATIONALS["it_cf"](rng, "plain"), "codice fiscale {}"),
    "nino": (lambda rng: NATIONALS["uk_nino"](rng, "plain"), "national insurance number {}"),
    "birth": (lambda rng: people.birth(rng, "iso"), "date of birth: {}"),
    "github": (SECRETS["github"], "{}"),
    "aws": (SECRETS["aws_id"], "{}"),
    "stripe": (SECRETS["stripe"], "{}"),
    "jwt": (SECRETS["jwt"], "{}"),
    "password": (_password, "password={}"),
}
"""How a value is made, and the words it stands among when it needs some."""

FORMS: dict[str, tuple[str, ...]] = {
    "raw": (), "upper": (), "url": ("url_full",), "escape": ("escape_u",), "base64_0": ("base64_0",),
    "base64_1": ("base64_1",), "base64_2": ("base64_2",), "hex": ("hex_lower",), "gzip": ("gzip_base64",),
}  # fmt: skip
"""What a canary is sent as; `split` is raw, in packets of a few bytes."""
_CASED = {"github", "stripe", "jwt", "password", "aws"}
# Words give a value its meaning; encoded, the word is outside of what is decoded, and nothing can be known.
_NEED_WORDS = {"ssn", "birth", "password", "nino"}


class Canary(msgspec.Struct, frozen=True):
    """One value: by which way it goes in, of what sort, in which form, and the text that is sent."""

    way: str
    sort: str
    form: str
    value: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.way} {self.sort} {self.form}"


class Aviary:
    """Makes canaries, each once, and remembers them."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(f"aviary:{seed}")
        self._made: set[str] = set()
        self.canaries: list[Canary] = []

    def one(self, way: str, sort: str, form: str = "raw") -> Canary:
        make, words = SORTS[sort]
        while (value := make(self._rng)) in self._made:
            pass
        self._made.add(value)
        canary = Canary(way, sort, form, value, words.format(self._formed(value, form)))
        self.canaries.append(canary)
        return canary

    def _formed(self, value: str, form: str) -> str:
        if form == "upper":
            return value.upper()
        encoders = FORMS.get(form, ())
        return ENCODINGS[encoders[0]](self._rng, value)[0] if encoders else value

    def flock(self, way: str, sorts: Sequence[str] = (), forms: Sequence[str] = ()) -> list[Canary]:
        """One of each sort in each form that makes sense for it."""
        return [
            self.one(way, sort, form)
            for sort in sorts or SORTS
            for form in forms or FORMS
            if not (form == "upper" and sort in _CASED)
            and not (form not in {"raw", "upper"} and sort in _NEED_WORDS)
        ]

    def text(self, way: str, sorts: Sequence[str] = (), forms: Sequence[str] = (), by: str = ";\n") -> str:
        """A flock as one text; a sign between, lest lines of base64 be one wrapped text."""
        return by.join(canary.text for canary in self.flock(way, sorts, forms))


def needles(canary: Canary) -> set[tuple[bytes, bool]]:
    """Every form in which somebody might have left the value, and whether its case may differ."""
    plain = {canary.value}
    if canary.sort in {"card", "iban", "phone", "ssn", "cpf"}:
        plain.add("".join(char for char in canary.value if char.isalnum()))
    return {needle for text in plain for needle in (*_plain(text), *_base64(text, canary.sort in _CASED))}


def _plain(text: str) -> Iterator[tuple[bytes, bool]]:
    data = text.encode()
    yield data, True
    yield data.hex().encode(), True
    yield quote(text, safe="").encode(), True
    yield json.dumps(text)[1:-1].encode(), True
    for escape in ("\\u{:04x}", "\\\\u{:04x}", "\\x{:02x}", "%{:02x}"):
        yield "".join(escape.format(ord(char)) for char in text).encode(), True


def _base64(text: str, one_case: bool) -> Iterator[tuple[bytes, bool]]:
    """At each place of a base64 text, without the letters that its neighbours share in."""
    for case in {text} if one_case else {text, text.upper()}:
        for shift in range(3):
            encoded = base64.b64encode(b"x" * shift + case.encode())
            part = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
            yield part, False
            yield part.replace(b"+", b"-").replace(b"/", b"_"), False
