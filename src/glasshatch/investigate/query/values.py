"""What a value in a query means for a field of a kind; shared by both compilers so that they agree."""

from __future__ import annotations

import datetime
import ipaddress
import re

from ...errors import ConfigError
from ...index.columns import lower, words

_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9}
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,9})([smhdw]))?")
_WILD = {"*": "[a-z0-9]*", "?": "[a-z0-9]"}
DECIMAL = r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?"
"""What counts as a number in an open member."""
_DAY_NS = 86_400 * 10**9


def is_pattern(text: str, quoted: bool) -> bool:
    """Whether `*` and `?` stand for other characters in it."""
    return not quoted and ("*" in text or "?" in text)


def like(pattern: str) -> str:
    """A pattern as SQL's LIKE, over text in lower case."""
    escaped = lower(pattern).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def regex_of(pattern: str) -> str:
    """The same pattern as a regular expression over the whole text."""
    parts = re.split(r"([*?])", lower(pattern))
    return "".join(".*" if part == "*" else "." if part == "?" else re.escape(part) for part in parts)


def phrase(text: str) -> str:
    """A word or phrase as it stands in a body: ` rare word `; empty if it has no word."""
    found = words(text)
    return " " + " ".join(found) + " " if found else ""


def word_pattern(text: str) -> str:
    """A word with `*` and `?` as a regular expression over a body; empty if it has nothing else."""
    parts = re.split(r"([*?])", text)
    if not any(words(part) for part in parts):
        return ""
    return " " + "".join(_WILD.get(part) or " ".join(words(part)) for part in parts) + " "


def text_pattern(text: str, quoted: bool) -> str:
    """A word, phrase or pattern as a regular expression over a text in lower case; empty without a word."""
    parts = re.split(r"([*?])", text) if is_pattern(text, quoted) else [text]
    if not any(words(part) for part in parts):
        return ""
    inner = "".join(_WILD.get(part) or "[^a-z0-9]+".join(words(part)) for part in parts)
    return f"(^|[^a-z0-9]){inner}($|[^a-z0-9])"


def number(text: str, field: str) -> int:
    """A whole number within 64 bits.

    Raises:
        ConfigError: It is none.
    """
    if not re.fullmatch(r"[+-]?\d{1,18}", text):
        raise ConfigError(f"{field} holds numbers", key="query", hint="write for example >100")
    return int(text)


def decimal(text: str, field: str) -> float:
    """A number to compare open members with.

    Raises:
        ConfigError: It is none.
    """
    if not re.fullmatch(DECIMAL, text):
        raise ConfigError(f"{field} is compared with numbers", key="query", hint="write for example >12.5")
    return float(text)


def span_ns(text: str, now_ns: int) -> tuple[int, int]:
    """A time as the half-open span of nanoseconds it names: a day is a day, an instant one nanosecond.

    `now`, `now-15m`, ISO 8601 (UTC unless it says another zone), or nanoseconds since the epoch.

    Raises:
        ConfigError: It is none of these.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        shift = int(relative[2]) * _UNITS_NS[relative[3]] if relative[1] else 0
        at = now_ns - shift if relative[1] == "-" else now_ns + shift
        return at, at + 1
    if re.fullmatch(r"\d{15,19}", text):
        return int(text), int(text) + 1
    try:
        moment = datetime.datetime.fromisoformat(text)
        whole = moment.replace(tzinfo=moment.tzinfo or datetime.UTC)
        start = (whole - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
            microseconds=1
        )
    except (ValueError, OverflowError):
        raise ConfigError(
            "a time is not understood", key="query", hint="write now-1h, 2026-11-24 or 2026-11-24T09:30:00Z"
        ) from None
    width = _DAY_NS if len(text) <= 10 else 60 * 10**9 if re.search(r"T\d\d:\d\d$", text) else 1
    if re.search(r":\d\d:\d\d(Z|[+-]\d\d:\d\d)?$", text):
        width = 10**9
    return start * 1_000, start * 1_000 + width


def network(text: str) -> str | None:
    """A range of addresses in its usual form, or None for something else."""
    if "/" not in text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ConfigError(
            "a range of addresses is not understood", key="query", hint="write 10.0.0.0/8"
        ) from None
