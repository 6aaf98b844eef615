"""What may be a secret that only a word somewhere near it tells: stricter than right behind that word."""

from __future__ import annotations

import re

from .secrets import chosen_secret, entropy, random_value, spoken_secret, typed_secret

_SIGNS = frozenset("!#$%^&*+~=")
# `Base64Encoder`, `default-token2`: words of at least two letters, short numbers, and joints.
_PART = r"[A-Z][a-z]+|[a-z]{2,}|[A-Z]{1,6}(?![a-z])|\d{1,5}|[-_.:#@&']"
_NAME = re.compile(rf"(?:{_PART})+")
_PARTS, _NUMBERS = re.compile(_PART), re.compile(r"\d+")
_ELSEWHERE = re.compile(
    r"\w*://|[A-Za-z_.-]+=(?!=*$)|[^@]*@[\w-]+\.[a-z]|\d{4}-\d\d-\d\d|[0-9A-Fa-f:.]+$|(?i:sha\d|md5|sha\d-)\S{0,4}[:-]"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$|\w+::|0x[0-9a-fA-F]+$|v?\d+\.\d+|%[a-z_]+[.%]"
)
"""Addresses, pairs, mail, times, digests, identifiers: what stands beside such words every day."""
_WORDY = re.compile(r"(?:^|[-_./:])[a-z]{4,}(?=$|[-_./:])")
_WORDED = re.compile(r"(?:^|[-_./:])[A-Za-z][a-z]{3,}(?=$|[-_./:])")
_CHANGES = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", re.IGNORECASE)


def sure_secret(text: str) -> bool:
    """A value that is no word, name, number or address wherever it stands: with signs, or generated."""
    if not spoken_secret(text) or _ELSEWHERE.match(text) or entropy(text) < 2.8 or len(text) < 8:
        return False
    signs = any(letter in _SIGNS for letter in text.rstrip("=!"))
    if "/" in text and not _dense(text):
        return False
    if signs and not _WORDY.search(text):
        return True
    return not _is_name(text) and ((_has_cases(text) and not _WORDED.search(text)) or _generated(text))


def _has_cases(text: str) -> bool:
    return text.lower() != text != text.upper() and any(map(str.isdigit, text))


def _is_name(text: str) -> bool:
    """Few and long parts: of what is generated each has two characters or so."""
    named = _NAME.fullmatch(text) is not None and len(_NUMBERS.findall(text)) <= 2
    return named and len(_PARTS.findall(text)) <= max(3, len(text) / 3)


def _generated(text: str) -> bool:
    """Without capitals only a long one that goes to and fro between letters and digits is believed."""
    return (
        len(text) >= 16
        and random_value(text)
        and len(_CHANGES.findall(text)) >= 4
        and _WORDY.search(text) is None
    )


def _dense(text: str) -> bool:
    return len(text) >= 20 and random_value(text) and _has_cases(text) and _WORDY.search(text) is None


def assigned_secret(text: str) -> bool:
    """What stands in quotes behind a name of a secret: chosen or generated, and no address, path or name."""
    if _ELSEWHERE.match(text) and not re.fullmatch(r"[0-9a-f]{16,}", text):
        return False
    if "/" in text:
        return typed_secret(text) and _dense(text)
    if text == text.lower() and _WORDY.search(text) and not _SIGNS & set(text):
        # `default-token-x7k2p`, `client-v2`: most often the name of a secret.
        return False
    return chosen_secret(text) or typed_secret(text)


def random_session(text: str) -> bool:
    """The identifier of a session: generated, also a digest's form, but no UUID and no joined words."""
    mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return mixed and entropy(text) >= 3.0 and "-" not in text and _WORDY.search(text) is None
