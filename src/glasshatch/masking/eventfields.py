"""Which strings of an event are scanned, taken out in one order and put back in the same.

Identity and structure stay: who acted (`actor`, once somebody vouches for it), ids, the action, the
source, addresses of the workforce, rules and hashes. Everything a person or a foreign system may
have written is scanned, and what stands under a telling key, such as `password` or `first_name`,
is replaced unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..events import Event
from .columnnames import guess_by_name

Change = Callable[[str, str], str]
"""Takes a text and the type its key tells, or an empty string; gives the text to stand there."""

EVENT_HINTS = frozenset({"SECRET", "NAME", "BIRTHDATE"})
"""Types that an event's keys are believed. Other keys (`address`, `ip`) mostly speak of machines."""

_replace = msgspec.structs.replace
_PLAIN: dict[str, tuple[str, ...]] = {
    "statement": ("text", "shape"),
    "outcome": ("code", "reason"),
    "access": ("reason", "ticket"),
    "decision": ("reason",),
    "client": ("geo", "device", "user_agent"),
    "data": ("purpose", "recipient"),
}
_SHORT_INTEGER = 10**6
_MAX_DEPTH = 64


def change_texts(event: Event, change: Change) -> Event:
    """The event with `change` applied to every scanned string, always in the same order."""
    changes: dict[str, Any] = {}
    for part, names in _PLAIN.items():
        value = getattr(event, part)
        if value is not None:
            changed = {name: change(text, "") for name in names if (text := getattr(value, name))}
            changes[part] = _replace(value, **changed)
    if event.actor is not None and not event.actor.id:
        changes.update(_claimed(event, change))
    elif event.resource is not None and event.resource.labels:
        changes["resource"] = _labelled(event.resource, change)
    if any(resource.labels for resource in event.resources):
        changes["resources"] = tuple(_labelled(resource, change) for resource in event.resources)
    for name in ("labels", "attrs", "native"):
        if getattr(event, name):
            changes[name] = change_tree(getattr(event, name), change, EVENT_HINTS)
    return _replace(event, **changes) if changes else event


def _claimed(event: Event, change: Change) -> dict[str, Any]:
    """Who and what somebody unknown says to be and to want: whatever they typed, so it is scanned."""
    assert event.actor is not None
    names: dict[str, Any] = {
        name: change(text, "") for name in ("id", "name") if (text := getattr(event.actor, name))
    }
    if event.actor.raw is not None and event.actor.raw.principal:
        names["raw"] = _replace(event.actor.raw, principal=change(event.actor.raw.principal, ""))
    changes: dict[str, Any] = {"actor": _replace(event.actor, **names)}
    if event.resource is not None:
        resource = _labelled(event.resource, change) if event.resource.labels else event.resource
        typed = {name: change(text, "") for name in ("id", "name") if (text := getattr(resource, name))}
        changes["resource"] = _replace(resource, **typed)
    return changes


def _labelled(resource: Any, change: Change) -> Any:
    return _replace(resource, labels=change_tree(resource.labels, change, EVENT_HINTS))


def change_tree(value: Any, change: Change, hints: frozenset[str], hint: str = "", depth: int = 0) -> Any:
    """The JSON-like value with `change` applied to its strings and keys, in one fixed order.

    A number of seven or more digits is scanned as text, and becomes one if the change alters it.

    Args:
        hints: The types that keys are believed.
    """
    if isinstance(value, str):
        return change(value, hint) if value else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return _number(value, change, hint)
    if depth > _MAX_DEPTH:
        return change(str(value), hint)
    if isinstance(value, dict):
        return {
            _key(key, change): change_tree(item, change, hints, _hint(key, hints) or hint, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [change_tree(item, change, hints, hint, depth + 1) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return change(bytes(value).decode("utf-8", "replace"), hint)
    return change(str(value), hint)


def _hint(key: Any, hints: frozenset[str]) -> str:
    guess = guess_by_name(key) if isinstance(key, str) and len(key) <= 64 else None
    return guess.type if guess is not None and guess.type in hints else ""


def _key(key: Any, change: Change) -> str:
    # A short plain word cannot hold a finding; scanning them all would double the work.
    text = key if isinstance(key, str) else str(key)
    return change(text, "") if len(text) >= 6 and not text.isalpha() else text


def _number(value: float, change: Change, hint: str) -> Any:
    if abs(value) < _SHORT_INTEGER and not hint:
        return value
    text = str(value)
    changed = change(text, hint)
    return value if changed == text else changed
