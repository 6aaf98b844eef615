"""Paths to the members of a canonical event, checked when a rule is read and compiled into readers.

A path is what the event's JSON shows: `actor.name`, `data.rows`, `labels.team`, `native.verb`. Inside a
list of values the path goes to each of them: `resources.name` is the names of all resources.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, get_args

import msgspec

from ..events import Event

Kind = Literal["text", "number", "flag", "texts", "structs", "open"]
"""What a path leads to; `open` is where only the event itself knows (labels, attrs, native)."""

Read = Callable[[Event, Any], Any]
"""Reads a path from an event; the second argument is the item that `each` stands for."""

EACH = "each"
_PLAIN: dict[type, Kind] = {str: "text", int: "number", bool: "flag"}


def kind_of(path: str, each: str = "") -> Kind:
    """What a path leads to.

    Args:
        each: The list whose items `each.…` stands for; nothing if the rule has none.

    Raises:
        ValueError: No event has such a member; says where the path breaks off.
    """
    first, _, rest = path.partition(".")
    if first != EACH:
        return _kind_of(Event, path.split("."), path)
    if not each:
        raise ValueError(f"{path}: the rule has no `each`")
    return _kind_of(item_type(each), rest.split("."), path)


def item_type(each: str) -> type:
    """The struct that a list member's items are of; raises `ValueError` if it is no such list."""
    for field in msgspec.structs.fields(Event):
        found = _struct_in(field.type) if field.name == each and _is_list(field.type) else None
        if isinstance(found, type):
            return found
    raise ValueError(f"{each} is no list of things; take `resources` or `links`")


def reader(path: str) -> Read:
    """A function that reads a path which `kind_of` accepted; None where an event lacks it.

    Of a list the answer is a tuple.
    """
    parts = tuple(path.split("."))
    if parts[0] == EACH:
        inner = parts[1:]
        return lambda _event, item: _walk(item, inner)
    if len(parts) == 1:
        (name,) = parts
        return lambda event, _item: getattr(event, name)
    if len(parts) == 2 and kind_of(path) in ("text", "number", "flag"):
        outer, name = parts
        # Most paths of most rules are of this form, and it is the fastest.
        return lambda event, _item: (
            None if (value := getattr(event, outer)) is None else getattr(value, name, None)
        )
    return lambda event, _item: _walk(event, parts)


def whole_number(value: Any) -> int:
    """The number a member holds; canonical decimal text counts, anything else is 0."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return 0


def _kind_of(owner: type, parts: list[str], path: str) -> Kind:
    fields = _members(owner)
    name, *rest = parts
    if name not in fields:
        raise ValueError(f"{path}: an event has no `{name}` there; it has {', '.join(sorted(fields))}")
    found = fields[name]
    struct = _struct_in(found)
    if struct is None:
        return _leaf(found, rest, path)
    if not rest:
        raise ValueError(f"{path}: name a member, such as `{path}.{struct.__struct_fields__[0]}`")
    inner = _kind_of(struct, rest, path)
    return "texts" if _is_list(found) and inner != "open" else inner


@functools.cache
def _members(owner: type) -> dict[str, Any]:
    """Type by name. Working it out takes a millisecond, and every rule asks a hundred times."""
    return {field.name: field.type for field in msgspec.structs.fields(owner)}


def _leaf(found: Any, rest: list[str], path: str) -> Kind:
    if found is Any or getattr(found, "__origin__", None) is dict:
        if not rest and found is not Any:
            raise ValueError(f"{path}: name a member of it")
        return "open"
    if rest:
        raise ValueError(f"{path}: there is nothing below `{path.removesuffix('.' + '.'.join(rest))}`")
    return "texts" if _is_list(found) else _PLAIN.get(found, "text")


def _is_list(found: Any) -> bool:
    return getattr(found, "__origin__", None) is tuple


def _struct_in(found: Any) -> Any:
    for candidate in (found, *get_args(found)):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _walk(value: Any, parts: tuple[str, ...]) -> Any:
    for place, name in enumerate(parts):
        if value is None:
            return None
        if isinstance(value, (tuple, list)):
            return _of_items(value, parts[place:])
        if isinstance(value, dict):
            whole = ".".join(parts[place:])
            if whole in value:
                # A label's own name may have dots: `labels.app.kubernetes.io/name`.
                value = value[whole]
                break
            value = value.get(name)
        else:
            value = getattr(value, name, None)
    return tuple(value) if isinstance(value, list) else value


def _of_items(values: tuple[Any, ...] | list[Any], parts: tuple[str, ...]) -> tuple[Any, ...]:
    found: list[Any] = []
    for item in values:
        inner = _walk(item, parts)
        if isinstance(inner, tuple):
            found.extend(inner)
        elif inner is not None:
            found.append(inner)
    return tuple(found)
