"""Fills the templates of a blind set: places as in `build.py`, with the makers and wraps of this folder."""

# ruff: noqa: E501

from __future__ import annotations

import random
from pathlib import Path

from ..build import Builder, Sample, Span, templates
from . import keys, numbers, own, papers  # noqa: F401  (their makers enter themselves)
from .draw import make
from .wraps import WRAPS

_LOOSE = """email email email phone phone digits_only card:visa card:master card:amex/none iban:de/none iban:fr
iban:nl/none ip ip6:short key:github key:stripe_short key:aws_id key:slack_bot key:gitlab key:sendgrid jwt""".split()
"""Values that need nothing beside them, for the texts that carry encodings."""


class WorldBuilder(Builder):
    """One blind set, by the name of its folder: `plain.txt`, `carriers.txt`, `clean.txt`."""

    def __init__(self, name: str, seed: int) -> None:
        self._rng = random.Random(f"{name}:{seed}")
        folder = Path(__file__).resolve().parent.parent / name
        self._plain = templates(folder / "plain.txt")
        self._carriers = templates(folder / "carriers.txt")
        self._clean = templates(folder / "clean.txt")

    def labelled(self, count: int) -> list[Sample]:
        """Every template in turn; a quarter of the texts carry encodings, every one with every carrier."""
        wraps = list(WRAPS)
        samples = [self.fill(*self._plain[place % len(self._plain)]) for place in range(count * 3 // 4)]
        for place in range(count - len(samples)):
            domain, template = self._carriers[place % len(self._carriers)]
            wrap = wraps[(place + place // len(wraps)) % len(wraps)]
            samples.append(self.fill(domain, template.replace("[[?]]", f"[[?|{wrap}]]")))
        return samples

    def clean(self, count: int) -> list[str]:
        """Lines without a value, however much they look like one."""
        return [self.fill(*self._clean[place % len(self._clean)]).text for place in range(count)]

    def _place(self, name: str, encoder: str, at: int) -> tuple[str, Span]:
        for _ in range(200):
            kind = self._rng.choice(_LOOSE) if name == "?" else name
            family, (value, start, end) = make(self._rng, *[*kind.split(":", 1), ""][:2])
            if not encoder:
                return value, Span(at + start, at + end, family, kind, "", at, at + len(value))
            text, start, end, outer, outer_end = WRAPS[encoder](self._rng, value)
            if text != value or name != "?":
                return text, Span(at + start, at + end, family, kind, encoder, at + outer, at + outer_end)
        raise AssertionError(f"no value of {name} changes by {encoder}")
