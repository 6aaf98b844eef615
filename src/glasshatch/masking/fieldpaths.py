"""Paths into an event, as in `native.customer.email`, `attrs.lines[*].note` or `attrs."enduser.id"`.

    path   = member { "." name | "[" number "]" | "[*]" }
    name   = letters, digits, "_" and "-", or a JSON string in quotes
    member = native, attrs or labels, below which everything is named, or a text that people may be told by:
             actor.id, actor.name, client.ip, client.geo, client.device, client.user_agent, outcome.reason,
             access.reason, access.ticket

`[*]` means every element of a list; names have no wildcard, so a path never says what only an event knew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ..errors import ConfigError
from ..events import Event

Part = str | int
"""A name, or the place of an element."""


class _Every(msgspec.Struct, frozen=True):
    """Stands for `[*]`."""


EVERY: Final = _Every()
Path = tuple["Part | _Every", ...]
Exact = tuple[Part, ...]

_TREES = frozenset({"native", "attrs", "labels"})
_TEXTS: dict[str, tuple[str, ...]] = {
    "actor": ("id", "name"),
    "client": ("ip", "geo", "device", "user_agent"),
    "outcome": ("reason",),
    "access": ("reason", "ticket"),
}
_OWN = (("labels", "dedup"), ("labels", "clock"))
"""What the intake itself writes and reads."""

_PIECE = re.compile(
    r'(?P<dot>\.)?(?:(?P<bare>[A-Za-z0-9_-]+)|(?P<quoted>"(?:[^"\\\x00-\x1f]|\\.)*"))|\[(?P<at>\*|\d{1,6})\]'
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HINT = 'write it like native.customer.email, attrs.lines[*].note or attrs."enduser.id"'

Change = Callable[[Exact, Any], Any]
"""Takes where a scalar stands and what it is; gives what shall stand there."""


def parse_path(text: str, *, every: bool = True) -> Path:
    """Read a path; with `every` false, one without `[*]`.

    Raises:
        ConfigError: It is none, or leads where nothing may be sealed.
    """
    parts: list[Part | _Every] = []
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or bool(piece["dot"]) != (bool(parts) and piece["at"] is None):
            raise _no_path(text)
        parts.append(_part(piece, text))
        at = piece.end()
    if not parts or (not every and EVERY in parts):
        raise _no_path(text)
    _check_place(tuple(parts), text)
    return tuple(parts)


def spell(path: Path | Exact) -> str:
    """The one spelling of a path; equal paths have equal spellings."""
    out = ""
    for part in path:
        if isinstance(part, str):
            name = part if _BARE.fullmatch(part) else json.dumps(part)
            out += f".{name}" if out else name
        else:
            out += "[*]" if isinstance(part, _Every) else f"[{part}]"
    return out


def bound(path: Path, field: Path, exact: Exact) -> Path:
    """The path with its `[*]`s replaced, in order, by the elements that those of `field` are in `exact`."""
    places = iter([at for part, at in zip(field, exact, strict=True) if isinstance(part, _Every)])
    return tuple(next(places, part) if isinstance(part, _Every) else part for part in path)


def change_at(event: Event, path: Path, change: Change) -> Event:
    """The event with every scalar at a path changed; shares all that does not change with the one given."""
    root = path[0]
    assert isinstance(root, str)
    old = getattr(event, root)
    new = _changed(old, path, (root,), change)
    return event if new is old else msgspec.structs.replace(event, **{root: new})


def scalar_at(event: Event, path: Path) -> Any:
    """The first scalar at a path; None if there is none."""
    found: list[Any] = []

    def look(_exact: Exact, value: Any) -> Any:
        found.append(value)
        return value

    change_at(event, path, look)
    return found[0] if found else None


def _changed(value: Any, path: Path, done: Exact, change: Change) -> Any:
    if len(done) == len(path):
        # An empty text says nothing about anybody.
        return change(done, value) if isinstance(value, (str, int, float)) and value != "" else value
    part = path[len(done)]
    if isinstance(part, str):
        return _member(value, part, path, done, change)
    if not isinstance(value, (list, tuple)):
        return value
    places = range(len(value)) if isinstance(part, _Every) else [part] if part < len(value) else []
    new: list[Any] | None = None
    for place in places:
        item = _changed(value[place], path, (*done, place), change)
        if item is not value[place]:
            new = list(value) if new is None else new
            new[place] = item
    return value if new is None else new


def _member(value: Any, name: str, path: Path, done: Exact, change: Change) -> Any:
    if isinstance(value, msgspec.Struct):
        old = getattr(value, name, None)
        new = _changed(old, path, (*done, name), change)
        return value if new is old else msgspec.structs.replace(value, **{name: new})
    if not isinstance(value, dict) or name not in value:
        return value
    new = _changed(value[name], path, (*done, name), change)
    return value if new is value[name] else {**value, name: new}


def _part(piece: re.Match[str], text: str) -> Part | _Every:
    if piece["at"] is not None:
        return EVERY if piece["at"] == "*" else int(piece["at"])
    if piece["bare"] is not None:
        return piece["bare"]
    try:
        name = json.loads(piece["quoted"])
    except ValueError:
        raise _no_path(text) from None
    if not name or not name.isprintable():
        raise _no_path(text)
    # As the names of foreign members are stored: ASCII, the rest escaped.
    return str(name.encode("ascii", "backslashreplace").decode("ascii"))


def _check_place(path: Path, text: str) -> None:
    root = path[0]
    inside = root in _TREES and len(path) > 1 and path[:2] not in _OWN
    if not inside and not (len(path) == 2 and path[1] in _TEXTS.get(str(root), ())):
        places = [*sorted(_TREES), *(f"{member}.{name}" for member in _TEXTS for name in _TEXTS[member])]
        raise ConfigError(
            f"nothing can be sealed at {text[:80]}", key="seal.fields", hint=f"below {', '.join(places)}"
        )


def _no_path(text: str) -> ConfigError:
    return ConfigError(f"{text[:80]!r} is no path into an event", key="seal.fields", hint=_HINT)
