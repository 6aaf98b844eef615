"""What is put in the place of a value: a token, a part of it, a lookalike, a range, nothing, or itself.

A secret is never shown, kept or made comparable, whatever is asked for.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

import msgspec

from ..errors import ConfigError
from .dates import MOST_DAYS, Coarse, coarse, shift_days, shifted
from .formats import look_alike
from .tokens import Tokens
from .validators import digits

Operator = Literal[
    "token", "partial", "redact", "null", "keep", "format-preserving", "date-shift", "bucket", "seal"
]
OPERATORS: Final[tuple[Operator, ...]] = (
    "token", "partial", "redact", "null", "keep", "format-preserving", "date-shift", "bucket", "seal",
)  # fmt: skip

ValueKind = Literal["text", "integer", "number", "date", "timestamp", "other"]
"""What the place of a value can hold; what cannot stand there becomes NULL."""

FOR_SECRETS: Final[frozenset[str]] = frozenset({"redact", "null"})
MARKED: Final[frozenset[str]] = frozenset({"token", "redact", "null"})
"""Operators after which everybody sees, and counting finds, that something was taken out."""

NOT_SEALED: Final = "values of answers are not sealed: they stay in your database"

_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")
_IPV4 = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}")
_MAKER = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){2}[0-9A-Fa-f]{2}(?=[:-])|[0-9A-Fa-f]{6}")
"""Of a MAC address what names its maker."""

_TOLD_BY_RANGE = 10_000
"""More ranges than this below a number tell the number: of a card 5425233430109900-5425233430109909."""


class Chosen(msgspec.Struct, frozen=True):
    """An operator with its settings, and which rule chose it (for people).

    bucket: the width of a range of numbers. every: the width of a range of dates. days: how far a date may
    move. day_first: how 03/04/2021 is read.
    """

    operator: Operator
    because: str = ""
    bucket: int = 10
    every: Coarse = "year"
    days: int = 365
    day_first: bool = True


def check_operator(name: str, where: str) -> None:
    """Refuse an operator that does not exist.

    Raises:
        ConfigError: Names the ones that do.
    """
    if name not in OPERATORS:
        raise ConfigError(
            f"there is no operator {name!r}", key=where, hint=f"use one of {', '.join(OPERATORS)}"
        )


def check_secret(name: str, where: str) -> None:
    """Refuse an operator that would show a secret or make it comparable.

    Raises:
        ConfigError: Secrets are redacted or NULL.
    """
    if name not in FOR_SECRETS:
        raise ConfigError(
            f"a secret is never revealed: {name} cannot be its operator", key=where,
            hint="redact or null; if it is no secret, give it another type",
        )  # fmt: skip


def check_settings(bucket: int, days: int, where: str) -> None:
    """Refuse widths that are none.

    Raises:
        ConfigError: Names the setting and its bounds.
    """
    if not 1 < bucket <= 10**12:
        raise ConfigError("bucket is no width of a range", key=where, hint="2 to 1000000000000")
    if not 1 <= days <= MOST_DAYS:
        raise ConfigError("days is no distance to move dates", key=where, hint=f"1 to {MOST_DAYS}")


def masked(
    chosen: Chosen, type: str, value: str, tokens: Tokens, *, kind: ValueKind = "text", subject: str = ""
) -> str | None:
    """What stands for a value in a place of its kind, in that kind's own spelling; None means NULL.

    Never raises for what the value holds. What an operator cannot do to this value (a date that is none, a
    range of a word) is a placeholder in a text and NULL elsewhere, never the value.

    Args:
        subject: Whose value it is, where dates move by subject; empty for the tenant's own distance.
    """
    operator = chosen.operator
    if type == "SECRET" and operator != "null":
        operator = "redact"
    if operator == "keep":
        return value
    if operator == "null":
        return None
    if operator in ("date-shift", "bucket", "format-preserving"):
        made = _special(chosen, operator, type, value, tokens, kind, subject)
        return f"<{type}>" if made is None and kind == "text" else made
    if kind != "text":
        return None
    return replacement(operator, type, value, tokens)


def replacement(operator: str, type: str, value: str, tokens: Tokens) -> str | None:
    """The text that stands for a value; None means NULL. A secret never becomes comparable.

    For operators without settings; `masked` knows all of them.
    """
    if type == "SECRET" and operator != "null":
        return "<SECRET>"
    if operator in ("date-shift", "bucket", "format-preserving"):
        return masked(Chosen(operator), type, value, tokens)  # type: ignore[arg-type]
    if operator == "keep":
        return value
    if operator == "null":
        return None
    if operator == "redact":
        return f"<{type}>"
    if operator == "partial":
        return partial(type, value)
    # `seal` shows the token; what it stands for lies in the vault, where there is one.
    return tokens.token(type, value)


def _special(
    chosen: Chosen, operator: str, type: str, value: str, tokens: Tokens, kind: ValueKind, subject: str
) -> str | None:
    if operator == "date-shift":
        if kind not in ("text", "date", "timestamp"):
            return None
        days = shift_days(tokens, subject, chosen.days)
        return shifted(value, days, day_first=chosen.day_first)
    if operator == "bucket":
        return _range(chosen, type, value, kind)
    if kind not in ("text", "integer"):
        # A number with a point, a date: a lookalike of its digits might not be one.
        return None
    made = look_alike(type, value, tokens)
    return made if kind == "text" or re.fullmatch(r"-?[1-9]\d*|0", made) else None


def _range(chosen: Chosen, type: str, value: str, kind: ValueKind) -> str | None:
    """The range that a number or a date lies in: in words, or its lower end where only a value may stand."""
    number = _NUMBER.fullmatch(value.strip()) and type not in ("BIRTHDATE", "DATE")
    if kind in ("date", "timestamp") or (kind == "text" and not number):
        found = coarse(value, chosen.every, day_first=chosen.day_first)
        if found is None:
            return None
        if kind == "timestamp":
            return f"{found[0].isoformat()} 00:00:00"
        return found[0].isoformat() if kind == "date" else found[1]
    try:
        ranges = int(Decimal(value.strip()) // chosen.bucket)
        if abs(ranges) >= _TOLD_BY_RANGE:
            return None
        low = ranges * chosen.bucket
        low -= chosen.bucket if Decimal(value.strip()) < low else 0
    except (InvalidOperation, ValueError, OverflowError):
        return None
    if kind != "text":
        return str(low) if kind in ("integer", "number") else None
    high = low + chosen.bucket - ("." not in value)
    return f"{low}-{high}" if low >= 0 else f"{low} to {high}"


def partial(type: str, value: str) -> str:
    """What a person at a support desk may see: last four digits, first letter and domain, year, maker."""
    if type == "EMAIL" and "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}***@{domain}"
    if type == "IP" and (four := _IPV4.fullmatch(value.strip())):
        return f"{four[1]}.x"
    if type == "BIRTHDATE":
        found = coarse(value, "year")
        return f"{found[1]}-**-**" if found else f"<{type}>"
    if type == "MAC":
        maker = _MAKER.match(value.strip())
        return maker[0] + re.sub(r"[0-9A-Fa-f]", "x", value.strip()[maker.end() :]) if maker else f"<{type}>"
    number = digits(value)
    if len(number) >= 8:
        return "*" * (len(number) - 4) + number[-4:]
    return f"<{type}>"
