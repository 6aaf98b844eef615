"""What is put in the place of a value: token, partial, redact, null or keep."""

from __future__ import annotations

from typing import Literal

from ..errors import ConfigError
from .tokens import Tokens
from .validators import digits

Operator = Literal["token", "partial", "redact", "null", "keep"]
OPERATORS: tuple[Operator, ...] = ("token", "partial", "redact", "null", "keep")


def check_operator(name: str, where: str) -> None:
    """Refuse an operator that does not exist.

    Raises:
        ConfigError: Names the ones that do.
    """
    if name not in OPERATORS:
        raise ConfigError(
            f"there is no operator {name!r}", key=where, hint=f"use one of {', '.join(OPERATORS)}"
        )


def replacement(operator: str, type: str, value: str, tokens: Tokens) -> str | None:
    """The text that stands for a value; None means NULL. A secret never becomes comparable."""
    if operator == "keep":
        return value
    if operator == "null":
        return None
    if operator == "redact" or type == "SECRET":
        return f"<{type}>"
    if operator == "partial":
        return partial(type, value)
    return tokens.token(type, value)


def partial(type: str, value: str) -> str:
    """What a person at a support desk may see: the last four digits, the first letter and the domain."""
    if type == "EMAIL" and "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}***@{domain}"
    number = digits(value)
    if len(number) >= 8:
        return "*" * (len(number) - 4) + number[-4:]
    return f"<{type}>"
