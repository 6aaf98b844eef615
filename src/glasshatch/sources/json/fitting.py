"""Foreign objects fitted into canonical parts: what fits goes there, the rest is left for `attrs`."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any, TypeVar

import msgspec

from ...events import Client

T = TypeVar("T", bound=msgspec.Struct)


def fitted(given: dict[str, Any], kind: type[T], defaults: dict[str, Any]) -> tuple[T, dict[str, Any]]:
    """A part out of an object's members, and the members that are no part of it or of another type.

    Args:
        given: Went through `foreign`.
        defaults: For members that the part must have.
    """
    try:
        if kind is not Client and given.keys() <= _types(kind).keys():
            return msgspec.convert({**defaults, **given}, kind), {}
    except msgspec.ValidationError:
        pass
    taken: dict[str, Any] = dict(defaults)
    left: dict[str, Any] = {}
    types = _types(kind)
    for name, value in given.items():
        try:
            if name not in types:
                raise ValueError
            fitting = str(value) if types[name] is str and _is_number(value) else value
            taken[name] = msgspec.convert(fitting, types[name])
        except ValueError:  # a ValidationError is one
            left[name] = value
    if kind is Client:
        _check_address(taken, left)
    return kind(**taken), left


@cache
def _types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_address(taken: dict[str, Any], left: dict[str, Any]) -> None:
    """An address is kept in clear, so it must be one."""
    try:
        ipaddress.ip_address(taken.get("ip") or "::")
    except ValueError:
        left["ip"] = taken.pop("ip")
    if not 0 <= taken.get("port", 0) <= 65_535:
        left["port"] = taken.pop("port")
