"""Texts made of an item's members: `{actor.name} of {org}`. Pure.

A place in braces is a path of names, with `[0]` for an item of a list and `[]` for its first that is not
empty; `:last` takes what stands after the last slash, `:kind` what stands before the first colon. A text of
which a place is missing is empty. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..errors import ConfigError

Template = Callable[[Any], str]
"""From an item to a text; empty where a place of it is missing."""

Step = str | int | None
"""A member's name, a place in a list, or None for the first item that is not empty."""

_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]")
_STEP = re.compile(r"(?P<name>[^.\[\]]+)|\[(?P<place>(?:-?[0-9]{1,6})?)\]")
_PATH = re.compile(r"(?:^|\.)[^.\[\]]+|\[(?:-?[0-9]{1,6})?\]")


_FILTERS: dict[str, Callable[[str], str]] = {
    "last": lambda text: text.rpartition("/")[2],
    "kind": lambda text: text.partition(":")[0] if ":" in text else "",
}


def template(texts: str | Sequence[str]) -> Template:
    """The first of these texts that is not empty.

    Raises:
        ConfigError: One of them cannot be read; says what is wrong.
    """
    readers = [_one(text) for text in ([texts] if isinstance(texts, str) else texts)]
    if len(readers) == 1:
        return readers[0]

    def first(item: Any) -> str:
        for read in readers:
            if found := read(item):
                return found
        return ""

    return first


def path_of(text: str) -> tuple[Step, ...]:
    """The steps of a path.

    Raises:
        ConfigError: It is none.
    """
    if not text or "".join(_PATH.findall(text)) != text:
        raise ConfigError(
            f"{text!r} is no path", hint="write a.b, a[0].b, or a[].b for the first that is not empty"
        )
    steps: list[Step] = []
    for found in _STEP.finditer(text):
        place = found["place"]
        steps.append(found["name"] if found["name"] else int(place) if place else None)
    return tuple(steps)


def at(item: Any, steps: Sequence[Step]) -> Any:
    """The member at a path; None if there is none."""
    for number, step in enumerate(steps):
        if isinstance(step, str):
            item = item.get(step) if isinstance(item, dict) else None
        elif not isinstance(item, list):
            return None
        elif step is None:
            rest = steps[number + 1 :]
            return next((found for one in item if (found := at(one, rest)) not in (None, "")), None)
        else:
            item = item[step] if -len(item) <= step < len(item) else None
        if item is None:
            return None
    return item


def as_text(value: Any) -> str:
    """A scalar as it is written; empty for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else ""


def _one(text: str) -> Template:
    parts: list[str | Template] = []
    for found in _PARTS.finditer(text):
        whole = found[0]
        if whole in ("{{", "}}"):
            parts.append(whole[0])
        elif found[1] is not None:
            parts.append(_place(found[1]))
        elif whole in "{}":
            raise ConfigError(
                f"{text!r} has a brace without its other", hint="write {{ or }} for a brace itself"
            )
        else:
            parts.append(whole)
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]

    def join(item: Any) -> str:
        made = ""
        for part in parts:
            piece = part if isinstance(part, str) else part(item)
            if not piece:
                return ""
            made += piece
        return made

    return join


def _member(names: Sequence[Any], item: Any) -> str:
    """What stands under names only, as most places do, as text."""
    for name in names:
        if not isinstance(item, dict):
            return ""
        item = item.get(name)
    return item if type(item) is str else as_text(item)


def _place(text: str) -> Template:
    path, _, filter = text.partition(":")
    if filter and filter not in _FILTERS:
        raise ConfigError(f"{filter!r} is no filter", hint=f"there are {', '.join(_FILTERS)}")
    steps = path_of(path)
    if len(steps) == 1 and isinstance(steps[0], str) and not filter:
        name = steps[0]
        return lambda item: as_text(item.get(name)) if isinstance(item, dict) else ""
    if not filter and all(isinstance(step, str) for step in steps):
        return partial(_member, steps)
    if filter:
        cut = _FILTERS[filter]
        return lambda item: cut(as_text(at(item, steps)))
    return lambda item: as_text(at(item, steps))
