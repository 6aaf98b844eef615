"""What a value in a query means for a field of a kind; shared by both compilers so that they agree."""

from __future__ import annotations

import datetime
import ipaddress
import re

from ...errors import ConfigError
from ...events import TIME_MAX_NS
from ...index.columns import LETTERS, lower, words

_SECOND_NS = 10**9
_UNITS_NS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,6})([smhdw]))?")
_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d\d))?")
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:?\d\d)?"
)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_WILD = {"*": f"[{LETTERS}]*", "?": f"[{LETTERS}]"}
_EVENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EDGE = f"[^{LETTERS}]"
DECIMAL = r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?"
"""What counts as a number in an open member: also nanoseconds, and 1e-07, as small ones are recorded."""


MAX_WILDCARDS = 24
"""In one pattern: what a pattern costs grows with them, and no time limit is looked at inside a match."""


def is_pattern(text: str, quoted: bool) -> bool:
    """Whether `*` and `?` stand for other characters in it.

    Raises:
        ConfigError: There are too many of them.
    """
    count = 0 if quoted else text.count("*") + text.count("?")
    if count > MAX_WILDCARDS:
        raise ConfigError(
            f"a pattern has at most {MAX_WILDCARDS} of * and ?", key="query",
            hint="put a text that holds them in quotes",
        )  # fmt: skip
    return count > 0


def like(pattern: str) -> str:
    """A pattern as SQL's LIKE, over text in lower case."""
    escaped = lower(pattern).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def regex_of(pattern: str) -> str:
    """The same pattern as a Python expression over the whole text; linear in the text, whatever it is.

    Between stars the first place that fits is as good as any later one, so it is never given up again
    (an atomic group); only what follows the last star is bound to the end.
    """
    first, *later = (_literal(part) for part in re.split(r"\*+", lower(pattern)))
    if not later:
        return first
    middle = "".join(f"(?>.*?{part})" for part in later[:-1] if part)
    return f"{first}{middle}.*{later[-1]}"


def _literal(part: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in part)


def phrase(text: str) -> str:
    """A word or phrase as it stands in a body: ` rare word `; empty if it has no word."""
    found = words(text)
    return " " + " ".join(found) + " " if found else ""


def event_id(text: str) -> str:
    """The event that a word names, by its whole id, whose words are not among an event's; empty if none."""
    return text.lower() if _EVENT_ID.fullmatch(text) else ""


def word_pattern(text: str) -> str:
    """A word with `*` and `?` as a regular expression over a body; empty if it has nothing else."""
    parts = _parts(text.lower())
    if not any(words(part) for part in parts):
        return ""
    return " " + "".join(_WILD.get(part) or " ".join(words(part)) for part in parts) + " "


def text_pattern(text: str, quoted: bool) -> str:
    """A word, phrase or pattern as a regular expression over a text in lower case; empty without a word."""
    parts = _parts(lower(text)) if is_pattern(text, quoted) else [lower(text)]
    found = [_WILD.get(part) or f"{_EDGE}+".join(_runs(part)) for part in parts]
    if not any(_runs(part) for part in parts):
        return ""
    return f"(^|{_EDGE}){''.join(found)}($|{_EDGE})"


def in_linear_time(pattern: str) -> str:
    """A pattern of the two above for Python's engine, which unlike ClickHouse's would try every way to
    share a text among several stars; the first that fits is as good as any (see `regex_of`)."""
    star = _WILD["*"]
    first, *later = pattern.split(star)
    if not later:
        return first
    middle = "".join(f"(?>{star}?{part})" for part in later[:-1])
    return f"{first}{middle}{star}{later[-1]}"


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"([*?])", re.sub(r"\*+", "*", text)) if part]


def _runs(text: str) -> list[str]:
    return re.findall(f"[{LETTERS}]+", text)


def number(text: str, field: str) -> int:
    """A whole number within 64 bits.

    Raises:
        ConfigError: It is none.
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
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


def address(text: str) -> tuple[int, str] | None:
    """An address as its version and 32 hexadecimal digits that sort as it does; None for another text.

    An IPv4 address inside an IPv6 one, as listeners for both write it, is an IPv4 address. One with a zone
    (`fe80::1%eth0`) is none: ClickHouse does not read it either.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if "%" in text:
        return None
    return _placed(found)


def _placed(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[int, str]:
    if isinstance(found, ipaddress.IPv4Address):
        return 4, f"{_MAPPED + int(found):032X}"
    return 4 if found.ipv4_mapped else 6, f"{int(found):032X}"


_MAPPED = 0xFFFF << 32
IPV4_FROM, IPV4_TO = f"{_MAPPED:032X}", f"{_MAPPED + 2**32 - 1:032X}"
"""Between these lie the IPv4 addresses."""


def compared_address(text: str, field: str) -> tuple[int, str]:
    """An address to compare others of its version with.

    Raises:
        ConfigError: It is none.
    """
    found = address(text)
    if found is None:
        raise ConfigError(
            f"{field} is compared with addresses", key="query", hint="write for example >=10.0.0.1"
        )
    return found


def span_ns(text: str, now_ns: int) -> tuple[int, int]:
    """A time as the half-open span of nanoseconds it names: a day is a day, an instant one nanosecond.

    `now`, `now-15m`, ISO 8601 (UTC unless it says another zone) down from a year, or nanoseconds since
    the epoch (15 to 19 digits). Kept within 64 bits.

    Raises:
        ConfigError: It is none of these.
    """
    try:
        start, stop = _span_ns(text, now_ns)
    except (ValueError, OverflowError):
        raise ConfigError(
            "a time is not understood", key="query",
            hint="write now-1h, 2026-11, 2026-11-24, 2026-11-24T09:30 or 2026-11-24T09:30:00Z",
        ) from None  # fmt: skip
    return _bounded(start), _bounded(stop)


def _bounded(time_ns: int) -> int:
    return min(max(time_ns, -TIME_MAX_NS), 2 * TIME_MAX_NS)


def _span_ns(text: str, now_ns: int) -> tuple[int, int]:
    if relative := _RELATIVE.fullmatch(text):
        shift = int(relative[2]) * _UNITS_NS[relative[3]] * _SECOND_NS if relative[1] else 0
        at = now_ns - shift if relative[1] == "-" else now_ns + shift
        return at, at + 1
    if re.fullmatch(r"[0-9]{15,19}", text):
        return int(text), int(text) + 1
    if wide := _YEAR_OR_MONTH.fullmatch(text):
        year, month = int(wide[1]), int(wide[2] or 1)
        after = (year, month + 1) if wide[2] and month < 12 else (year + 1, 1)
        return _ns(datetime.datetime(year, month, 1)), _ns(datetime.datetime(*after, 1))
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError
    day, hour, minute, second, fraction, zone = found.groups()
    whole = f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone or ''}"
    moment = datetime.datetime.fromisoformat(whole)
    start = _ns(moment) + int((fraction or "").ljust(9, "0"))
    if fraction:
        return start, start + 10 ** (9 - len(fraction))
    width_s = 1 if second else 60 if minute else 3_600 if hour else 86_400
    return start, start + width_s * _SECOND_NS


def _ns(moment: datetime.datetime) -> int:
    whole = moment.replace(tzinfo=moment.tzinfo or datetime.UTC)
    return (whole - _EPOCH) // datetime.timedelta(microseconds=1) * 1_000


def network(text: str) -> tuple[int, str, str] | None:
    """A range of addresses as its version, its first and its last one as `address` has them; None for
    something else.

    Raises:
        ConfigError: It is meant as one, and is none.
    """
    if "/" not in text:
        return None
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError(
            "a range of addresses is not understood", key="query", hint="write 10.0.0.0/8"
        ) from None
    (low, first), (high, last) = _placed(found[0]), _placed(found[-1])
    return low if low == high else 6, first, last
