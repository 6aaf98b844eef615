"""Draws values from patterns: the one small language that the makers beside it are written in.

`#` a digit, `@` a capital letter, `?` a small letter, `*` a letter or digit, `%` a small letter or digit,
`!` a capital letter or digit, `~` a hexadecimal digit; `{n}` after one of them repeats it; all else stands
for itself, and `\\` before a sign takes its meaning away.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

Rng = random.Random
Value = tuple[str, int, int]
"""Text, and where in it the least lies that must be found; the whole text is the most."""
_SETS = {
    "#": string.digits,
    "@": string.ascii_uppercase,
    "?": string.ascii_lowercase,
    "*": string.ascii_letters + string.digits,
    "%": string.ascii_lowercase + string.digits,
    "!": string.ascii_uppercase + string.digits,
    "~": "0123456789abcdef",
}
_PIECE = re.compile(r"\\(.)|([#@?*%!~])(?:\{(\d+)\})?|(.)", re.DOTALL)
MAKERS: dict[str, tuple[str, Callable[[Rng, str], str | Value]]] = {}
"""By name: the family of the values, and their maker, which is handed what follows the colon."""


def draw(rng: Rng, pattern: str) -> str:
    """A value of the pattern."""
    done = ""
    for match in _PIECE.finditer(pattern):
        plain, kind, count, other = match.groups()
        if kind:
            done += "".join(rng.choice(_SETS[kind]) for _ in range(int(count or 1)))
        else:
            done += plain or other
    return done


def spread(text: str, sizes: list[int], sign: str) -> str:
    """The text in groups of these sizes; what is left over is a last group."""
    parts, done = [], 0
    for size in sizes:
        parts.append(text[done : done + size])
        done += size
    return sign.join(part for part in [*parts, text[done:]] if part)


def maker(family: str) -> Callable[[Callable[[Rng, str], str | Value]], Callable[[Rng, str], str | Value]]:
    """Enter a maker under its own name."""

    def enter(made: Callable[[Rng, str], str | Value]) -> Callable[[Rng, str], str | Value]:
        MAKERS[made.__name__] = (family, made)
        return made

    return enter


def make(rng: Rng, name: str, form: str) -> tuple[str, Value]:
    """The family and the value of a place; a value without bounds of its own is all of its text."""
    family, made = MAKERS[name]
    value = made(rng, form)
    return family, (value, 0, len(value)) if isinstance(value, str) else value
