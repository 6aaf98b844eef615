"""What every check needs: the digits of a text and what it measures."""

from __future__ import annotations

import re

_NOT_DIGITS = re.compile(r"[^0-9]+")


def digits(text: str) -> str:
    """The ASCII digits of a text."""
    return text if text.isascii() and text.isdigit() else _NOT_DIGITS.sub("", text)


def compact(text: str) -> str:
    """The ASCII letters and digits of a text, in upper case."""
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum()).upper()
