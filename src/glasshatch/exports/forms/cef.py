"""ArcSight's Common Event Format, version 0 (the revision of CEF 1.x keeps its header and escapes).

`CEF:0|vendor|product|version|class|name|severity|extension`. In the header a backslash and a pipe are
escaped by a backslash, in the extension a backslash and an equals sign; a line break in a value of the
extension is written `\\n`. Texts are cut to the lengths that the format's dictionary gives them: the event's
id, which is never cut, finds the whole one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from ... import __version__
from ...events import ACTIONS, DEFAULT_LEDGER, Event
from ..parcel import Item

_HEADER = str.maketrans({"\\": r"\\", "|": r"\|", "\r": " ", "\n": " "})
_EXTENSION = str.maketrans({"\\": r"\\", "=": r"\=", "\n": r"\n", "\r": r"\r"})
# Control characters, and what some readers take for the end of a line: U+0085, U+2028 and U+2029.
_CONTROLS = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_SEVERITY = (0, 1, 3, 5, 7, 9, 10)
_OUTCOMES = {"success": "success", "failure": "failure"}
_TEXT, _LONG, _SHORT = 1023, 4000, 255


class Cef:
    """One line an event."""

    name = "cef"
    suffix = ".cef"
    media_type = "text/plain"

    def line(self, item: Item) -> bytes:
        """One event; holds no line break, whatever the event holds."""
        header = _header_of(item.event.action, item.event.severity)
        members = " ".join(
            [f"{key}={_value(text, longest)}" for key, text, longest in _members(item) if text]
        )
        return f"{header}|{members}".encode("utf-8", "replace")

    def file(self, items: tuple[Item, ...]) -> bytes:
        """One event a line."""
        return b"".join([self.line(item) + b"\n" for item in items])


def _members(item: Item) -> Iterator[tuple[str, str, int]]:
    """Keys of the format's dictionary, their values, and how long these may be."""
    event = item.event
    yield "externalId", event.id, _SHORT
    yield "rt", _milliseconds(event.time), _SHORT
    yield "cat", f"{event.source.kind}/{event.source.name}" if event.source.name else event.source.kind, _TEXT
    yield from _people(event)
    if event.outcome is not None:
        yield "outcome", _OUTCOMES.get(event.outcome.status, ""), 63
        yield "reason", event.outcome.reason or event.outcome.code, _TEXT
    if event.decision is not None:
        yield "act", event.decision.effect, 63
    if event.resource is not None:
        yield "destinationServiceName", event.resource.id or event.resource.name, _TEXT
    if event.statement is not None:
        yield "msg", event.statement.text or event.statement.shape, _TEXT
    yield "cnt", str(event.data.rows) if event.data is not None else "", 20
    yield from _labelled(item)


def _people(event: Event) -> Iterator[tuple[str, str, int]]:
    if event.actor is not None:
        yield "suser", event.actor.name or event.actor.id, 1023
        yield "suid", event.actor.id, 1023
        yield "spriv", ",".join(event.actor.roles), 1023
    if event.client is not None:
        # `src` takes an IPv4 address; a version 6 one has a field of its own.
        yield ("c6a2" if ":" in event.client.ip else "src"), event.client.ip, 64
        yield "c6a2Label", "Source IPv6 Address" if ":" in event.client.ip else "", 64
        yield "spt", str(event.client.port) if event.client.port else "", 5
        yield "requestClientApplication", event.client.user_agent, _TEXT


def _labelled(item: Item) -> Iterator[tuple[str, str, int]]:
    """What the dictionary has no word for, in its numbered fields."""
    event = item.event
    place = str(item.index) if item.ledger == DEFAULT_LEDGER else f"{item.ledger}/{item.index}"
    access = event.access
    values = (
        ("session", event.session_id), ("trace", event.trace_id), ("place", place),
        ("grant", access.grant_id if access else ""), ("tenant", event.tenant),
        ("classes", ",".join(event.data.classes) if event.data else ""),
    )  # fmt: skip
    for number, (label, value) in enumerate(values, 1):
        yield f"cs{number}", value, _LONG
        yield f"cs{number}Label", label if value else "", _TEXT


@functools.lru_cache(4_096)
def _header_of(action: str, severity: int) -> str:
    """The seven fields in front of the extension, which most events share with others."""
    known = ACTIONS.get(action)
    return "|".join((
        "CEF:0", "Glasshatch", "glasshatch", __version__, _header(action),
        _header(known.meaning if known else action), str(_severity(severity)),
    ))  # fmt: skip


def _severity(severity: int) -> int:
    return _SEVERITY[min(max(severity, 0), len(_SEVERITY) - 1)]


def _milliseconds(time_ns: str) -> str:
    return str(int(time_ns) // 1_000_000) if time_ns.isdecimal() else ""


def _header(text: str) -> str:
    return _CONTROLS.sub(" ", text[:512]).translate(_HEADER)


def _value(text: str, longest: int) -> str:
    # Cut before it is escaped, so that no escape is torn; a blank at an end would be taken for a separator.
    if len(text) > longest:
        text = text[:longest]
    if not text.isprintable():
        return _CONTROLS.sub(" ", text).strip(" ").translate(_EXTENSION)
    if "=" in text or "\\" in text:
        text = text.translate(_EXTENSION)
    return text.strip(" ")


FORM = Cef()
