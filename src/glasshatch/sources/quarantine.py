"""What is kept of an item that is not understood: enough to find and mend it, and nothing secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..events import ACTIONS, Event, Link, Source, foreign
from .items import Item
from .parsed import Arrival, SourceKind

ACTION = "intake.quarantined"
_SHOWN_BYTES = 16 * 1024
_SCANNED_CHARACTERS = 8_192
_EXCERPT_CHARACTERS = 2_048
_MEMBERS = 40
_MEMBER = re.compile(rb'"([A-Za-z_@][\w.@/-]{0,40})"\s*:')
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Redact = Callable[[Sequence[str]], list[str]]


def quarantined(kind: SourceKind, item: Item, reason: str, arrival: Arrival, redact: Redact) -> Event:
    """The event that says that an item came and was not understood.

    An item that is JSON is kept under `item`, and its members' names tell what is personal, as in any
    event. Of broken JSON nobody can say where a value begins or ends: only members' names are kept. Of
    another text its beginning is, which is redacted before it is cut, so that no half of a value stays.
    """
    attrs: dict[str, Any] = {"reason": reason, "bytes": len(item.data)}
    if item.problem == "" and not kind.opaque and len(item.data) <= _SHOWN_BYTES:
        attrs["item"] = foreign(item.value)
    elif text := "" if kind.opaque else _plain_text(item):
        attrs["excerpt"] = redact([text[:_SCANNED_CHARACTERS]])[0][:_EXCERPT_CHARACTERS]
    elif members := _members(item):
        attrs["members"] = members
    return Event(
        id=arrival.new_id(), time=str(arrival.now_ns), action=ACTION,
        source=Source(kind=kind.name, name=arrival.name), severity=ACTIONS[ACTION].severity, attrs=attrs,
        links=sent_by(item.sender),
    )  # fmt: skip


def sent_by(address: str) -> tuple[Link, ...]:
    """From where an item came, as a receiver knows it; what it says of itself is only claimed."""
    return (Link(rel="sent_by", id=address),) if address else ()


def _plain_text(item: Item) -> str:
    """The item as a text, if it is one that people could have written, and no JSON."""
    if item.problem == "" or item.data[:1] in (b"{", b"[", b'"') or b'":' in item.data:
        return ""
    try:
        text = item.data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "" if _CONTROL.search(text) else text


def _members(item: Item) -> list[str]:
    """The names of members, as far as they can be told."""
    if isinstance(item.value, dict):
        names = [name.encode("utf-8", "replace") for name in item.value]
        found = [name for name in names if _MEMBER.fullmatch(b'"' + name + b'":')]
    else:
        found = [match[1] for match in _MEMBER.finditer(item.data[: 1 << 20])]
    return list(dict.fromkeys(name.decode() for name in found))[:_MEMBERS]
