"""The plain form of a log record: what its binary and its JSON form have in common. Pure.

A plain record is a dictionary with OTLP's own names: `resource` (its attributes), `scope` (`name`,
`version`, `attributes`), `timeUnixNano`, `observedTimeUnixNano`, `severityNumber`, `severityText`, `body`,
`attributes`, `traceId` and `spanId` in hexadecimal, `eventName`, `flags`, `droppedAttributesCount`. Values
are JSON's, attributes one dictionary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ...events import Resource, Source

_SAFE_INTEGER: Final = 2**53 - 1


class Origin(msgspec.Struct, frozen=True):
    """What the records of one resource and scope have in common, in an event's own places.

    kubernetes: the object in which they arose. attrs: what of resource and scope has no other place.
    digest: of the bytes that both came as. placeless: as `attrs`, with the environment too, for an event
    that names no resource which could be in it.
    """

    source: Source
    kubernetes: Resource | None = None
    env: str = ""
    attrs: dict[str, Any] = {}
    digest: bytes = b""
    placeless: dict[str, Any] = {}


class PlainRecord(dict[str, Any]):
    """A plain record made by a reader of ours, so that its values are in canonical form already.

    number: which of the equal records of its delivery it is, from 1. delivery: gives what tells its delivery
    from others.
    """

    __slots__ = ("delivery", "number", "origin")

    def __init__(
        self,
        record: dict[str, Any],
        origin: Origin,
        number: int = 1,
        delivery: Callable[[], bytes] = bytes,
    ) -> None:
        super().__init__(record)
        self.origin = origin
        self.number = number
        self.delivery = delivery


def canonical_key(key: str) -> str:
    """An attribute's name in ASCII."""
    return key if key.isascii() else key.encode("ascii", "backslashreplace").decode("ascii")


def canonical_text(text: str) -> str:
    """A text without halves of surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def canonical_number(number: int) -> int | str:
    """A number that every reader of JSON holds exactly, or its digits."""
    return number if -_SAFE_INTEGER <= number <= _SAFE_INTEGER else str(number)


def fraction(number: float) -> str:
    """A fraction as its digits; what is no number by the words that protobuf's JSON has for it."""
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
