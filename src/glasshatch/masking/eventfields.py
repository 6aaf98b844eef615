"""Which strings of an event are scanned, taken out in one order and put back in the same.

Identity and structure stay: who acted (`actor`), ids, the action, the source, addresses of the
workforce, rules and hashes. Everything a person or a foreign system may have written is scanned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..events import Event

Change = Callable[[str], str]
_replace = msgspec.structs.replace

_PLAIN: dict[str, tuple[str, ...]] = {
    "statement": ("text", "shape"),
    "outcome": ("code", "reason"),
    "access": ("reason", "ticket"),
    "decision": ("reason",),
    "client": ("geo", "device", "user_agent"),
    "data": ("purpose", "recipient"),
}
_LONGEST_CLEAR_INTEGER = 10**6
_MAX_DEPTH = 64


def change_texts(event: Event, change: Change) -> Event:
    """The event with `change` applied to every scanned string, always in the same order.

    Keys of maps are strings too. A number of seven or more digits is scanned as text and becomes
    one if the change alters it.
    """
    changes: dict[str, Any] = {}
    for part, names in _PLAIN.items():
        value = getattr(event, part)
        if value is not None:
            changes[part] = _members(value, names, change)
    if event.resource is not None and event.resource.labels:
        changes["resource"] = _replace(event.resource, labels=change_tree(event.resource.labels, change, 0))
    if any(resource.labels for resource in event.resources):
        changes["resources"] = tuple(
            _replace(resource, labels=change_tree(resource.labels, change, 0)) for resource in event.resources
        )
    for name in ("labels", "attrs"):
        if getattr(event, name):
            changes[name] = change_tree(getattr(event, name), change, 0)
    if event.native is not None:
        changes["native"] = change_tree(event.native, change, 0)
    return _replace(event, **changes) if changes else event


def _members(value: Any, names: tuple[str, ...], change: Change) -> Any:
    changed = {name: change(text) for name in names if (text := getattr(value, name))}
    return _replace(value, **changed) if changed else value


def change_tree(value: Any, change: Change, depth: int = 0) -> Any:
    """The JSON-like value with `change` applied to its strings, keys and long numbers."""
    if isinstance(value, str):
        return change(value) if value else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(value, change)
    if depth > _MAX_DEPTH:
        return change(str(value))
    if isinstance(value, dict):
        return {_key(key, change): change_tree(item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [change_tree(item, change, depth + 1) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return change(bytes(value).decode("utf-8", "replace"))
    return value if isinstance(value, float) else change(str(value))


def _key(key: Any, change: Change) -> str:
    # Short plain words cannot hold a finding; scanning them all would double the work.
    text = key if isinstance(key, str) else str(key)
    return change(text) if len(text) >= 6 and not text.isalpha() else text


def _integer(value: int, change: Change) -> Any:
    if abs(value) < _LONGEST_CLEAR_INTEGER:
        return value
    text = str(value)
    changed = change(text)
    return value if changed == text else changed
