"""Numbers as records and rules write them."""

from __future__ import annotations

import math


def plain_number(number: float) -> str:
    """The text of a number as it is compared: a whole one has no fraction, however it was written."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e16:
        return str(int(number))
    return str(number)


def as_number(value: object) -> float | None:
    """A number, or a text that is one; anything else is None."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number
