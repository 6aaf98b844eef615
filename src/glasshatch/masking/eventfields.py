"""Which strings of an event are scanned, taken out in one order and put back in the same.

Identity and structure stay where somebody vouches for them: who acted, what was reached, ids, the
action, the source, addresses of the workforce, rules and hashes. Everything a person or a foreign
system may have written is scanned, and what stands under a telling key, such as `password` or
`first_name`, is replaced unseen. Of an event that nobody vouches for, every text is scanned.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import is_not
from typing import Any

import msgspec

from ..events import Event
from .telling import SECRET_ITEM, SECRET_PARTS, flagged, named_values, secret_parts, told_by
from .tokens import UNSCANNED

Change = Callable[[str, str], str]
"""Takes a text and the type its key tells, or an empty string; gives the text to stand there."""

EVENT_HINTS = frozenset({"SECRET", "NAME", "BIRTHDATE"})
"""Types that an event's keys are believed. Other keys (`address`, `ip`) mostly speak of machines."""

OWN_KINDS = frozenset({"gateway", "glasshatch"})
"""Kinds of source that speak of the workforce: the gateway has seen a token for each name."""

_replace = msgspec.structs.replace
UNTOUCHED = frozenset(
    {"schema", "tenant", "id", "time", "observed_time", "severity", "trace_id", "span_id", "redaction"}
)
"""Members whose form the parser has checked, or which are our own."""

_SCANNED = tuple(name for name in Event.__struct_fields__ if name not in UNTOUCHED)

_SCANNED_BUT_ACTOR = tuple(name for name in _SCANNED if name != "actor")

NAMED = frozenset({"labels", "attrs", "native"})
"""Members whose keys are foreign too."""

PLAIN: dict[str, tuple[str, ...]] = {
    "statement": ("text", "shape"),
    "outcome": ("code", "reason"),
    "access": ("reason", "ticket"),
    "decision": ("reason",),
    "client": ("geo", "device", "user_agent"),
    "data": ("purpose", "recipient"),
}
_SHORT_INTEGER = 10**6
_MAX_DEPTH = 64
_NOTHING: dict[Any, str] = {}
_TELLING = frozenset({"kind", "value", "Value", "parameterValue", "ParameterValue"})
"""Members without which an object tells nothing of its others."""


def change_texts(
    event: Event, change: Change, vouched: frozenset[str] = OWN_KINDS, *, actor_clear: bool = False
) -> Event:
    """The event with `change` applied to every scanned string, always in the same order.

    Args:
        vouched: Kinds of source whose actors and resources are the workforce's own, kept in clear.
        actor_clear: Whether the actor alone is.
    """
    if event.source.kind in vouched:
        return _known(event, change)
    return _foreign(event, change, _SCANNED_BUT_ACTOR if actor_clear else _SCANNED)


def closed(event: Event) -> Event:
    """The event with every scanned part closed."""
    try:
        return change_texts(event, lambda _text, _hint: UNSCANNED)
    except Exception:
        return msgspec.structs.replace(
            event, statement=None, outcome=None, access=None, data=None, resources=(), labels={}, attrs={},
            native=UNSCANNED,
        )  # fmt: skip


def _foreign(event: Event, change: Change, scanned: tuple[str, ...]) -> Event:
    """An application's event: its actor may be a customer, and any member may hold what was typed."""
    changes: dict[str, Any] = {}
    for name in scanned:
        value = getattr(event, name)
        if not value:
            continue
        if name in NAMED:
            changed = change_tree(value, change, EVENT_HINTS)
        elif name == "client":
            plain = _plain(name, value, change)
            changed = _replace(value, **plain) if plain else value
        else:
            changed = _part(value, change)
        if changed is not value:
            changes[name] = changed
    return _replace(event, **changes) if changes else event


def _part(value: Any, change: Change) -> Any:
    """The same value where nothing changes: most of an event does not, and copies cost more than the scan."""
    if isinstance(value, str):
        return change(value, "") if _can_hold(value) else value
    if isinstance(value, tuple):
        items = [_part(item, change) for item in value]
        return tuple(items) if any(map(is_not, items, value)) else value
    if isinstance(value, msgspec.Struct):
        changes: dict[str, Any] = {}
        for name in value.__struct_fields__:
            item = getattr(value, name)
            if not item or item is True:
                continue
            changed = (
                change_tree(item, change, EVENT_HINTS) if isinstance(item, dict) else _part(item, change)
            )
            if changed is not item:
                changes[name] = changed
        return _replace(value, **changes) if changes else value
    return value


def _known(event: Event, change: Change) -> Event:
    """An event of the workforce, whose names are the point of the record."""
    changes: dict[str, Any] = {}
    for part in PLAIN:
        value = getattr(event, part)
        if value is not None and (changed := _plain(part, value, change)):
            changes[part] = _replace(value, **changed)
    if event.actor is not None and not event.actor.id:
        changes.update(_claimed(event, change))
    elif event.resource is not None and event.resource.labels:
        changes["resource"] = _labelled(event.resource, change)
    if event.resources:
        # What a statement names is what somebody typed between quotation marks, whether it exists or not.
        changes["resources"] = tuple(_typed(resource, change) for resource in event.resources)
    for name in ("labels", "attrs", "native"):
        if (tree := getattr(event, name)) and (changed := change_tree(tree, change, EVENT_HINTS)) != tree:
            changes[name] = changed
    return _replace(event, **changes) if changes else event


def _plain(part: str, value: Any, change: Change) -> dict[str, str]:
    """What changes of the plain members: mostly nothing, and a copy costs more than the scan."""
    return {
        name: changed
        for name in PLAIN[part]
        if (text := getattr(value, name)) and (changed := change(text, "")) is not text
    }


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
        changes["resource"] = _typed(event.resource, change)
    return changes


def _typed(resource: Any, change: Change) -> Any:
    """A resource whose name somebody typed."""
    if resource.labels:
        resource = _labelled(resource, change)
    names = {name: text for name in ("id", "name") if _can_hold(text := getattr(resource, name))}
    changed = {name: new for name, text in names.items() if (new := change(text, "")) != text}
    return _replace(resource, **changed) if changed else resource


def _labelled(resource: Any, change: Change) -> Any:
    return _replace(resource, labels=change_tree(resource.labels, change, EVENT_HINTS))


def change_tree(value: Any, change: Change, hints: frozenset[str], hint: str = "", depth: int = 0) -> Any:
    """The JSON-like value with `change` applied to its strings and keys, in one fixed order.

    What nothing changes in is given back as it is, and not copied: most of an event, and all of it while its
    texts are only gathered.

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
        return _change_object(value, change, hints, hint, depth + 1)
    if isinstance(value, (list, tuple)):
        secret = flagged(value) if len(value) > 1 and not hint and type(value[0]) is str else ()
        if secret:
            items = [
                change_tree(item, change, hints, "SECRET" if place in secret else "", depth + 1)
                for place, item in enumerate(value)
            ]
        else:
            items = [change_tree(item, change, hints, hint, depth + 1) for item in value]
        return items if any(map(is_not, items, value)) else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return change(bytes(value).decode("utf-8", "replace"), hint)
    return change(str(value), hint)


def _change_object(
    value: dict[Any, Any], change: Change, hints: frozenset[str], hint: str, depth: int
) -> dict[Any, Any]:
    told = _NOTHING if _TELLING.isdisjoint(value) else _told_inside(value, hints)
    if hint == SECRET_ITEM:
        told, hint = SECRET_PARTS, ""
    names: list[Any] = []
    items: list[Any] = []
    same = True
    for key, item in value.items():
        kind, scanned = key_facts(key) if isinstance(key, str) else ("", True)
        name = change(str(key), "") if scanned else key
        kind = kind if kind in hints else hint
        if told:
            kind = told.get(key) or kind
        # Most members are texts, and a call for each would cost a third of the walk.
        if isinstance(item, str):
            changed = change(item, kind) if item else item
        else:
            changed = change_tree(item, change, hints, kind, depth)
        same = same and changed is item and name is key
        names.append(name)
        items.append(changed)
    return value if same else dict(zip(names, items, strict=True))


@lru_cache(maxsize=16_384)
def key_facts(key: str) -> tuple[str, bool]:
    """What a key tells of its value, and whether it may hold something itself."""
    return told_by(key), _can_hold(key)


def _told_inside(value: dict[Any, Any], hints: frozenset[str]) -> dict[Any, str]:
    """What members of an object tell of each other; for most objects, nothing."""
    if "kind" in value and (parts := secret_parts(value)):
        return parts
    return {key: type for key, type in named_values(value).items() if type in hints}


def _can_hold(text: str) -> bool:
    """A short plain word cannot hold a finding; scanning them all would double the work."""
    return len(text) >= 6 and not text.isalpha()


def _number(value: float, change: Change, hint: str) -> Any:
    if abs(value) < _SHORT_INTEGER and not hint:
        return value
    text = str(value)
    changed = change(text, hint)
    return value if changed == text else changed
