"""Events that are nearly the same: a form has what they share, a draft what is its own.

A busy session says the same thing again and again, with another id, time and number. Whoever records may
prepare a form once and fill it in; whoever wants the event asks the draft for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from .encoded import Encoded
from .model import Event

HoleKind = Literal["own", "number", "text", "texts", "part"]

HOLES: dict[str, HoleKind] = {
    "id": "own",
    "time": "own",
    "session_id": "own",
    "request_id": "own",
    "attrs.decision_id": "own",
    "attrs.seq": "number",
    "attrs.duration_us": "number",
    "attrs.affected": "number",
    "statement.text": "text",
    "attrs.bind": "texts",
    "client": "part",
    "data": "part",
}
"""What may differ between the events of a form.

`own` is an id or a time that we made ourselves, in ASCII; `text` and `texts` are redacted like any text;
a `part` is a struct.
"""

_FILLER: dict[HoleKind, Any] = {"own": "", "number": 0, "text": "", "texts": [], "part": None}


class Form:
    """What some events share.

    Args:
        event: With anything in the place of the holes.
        holes: Names of `HOLES`; of `attrs` only members that stand in the event.
    """

    __slots__ = ("event", "holes", "prepared")

    def __init__(self, event: Event, holes: Sequence[str]) -> None:
        self.event = event
        self.holes = tuple(holes)
        self.prepared: Any = None
        """What a recorder has made of it; it knows itself until when that holds."""


class Draft:
    """One event of a form; `values` are what stands in its holes, in their order."""

    __slots__ = ("form", "values")

    def __init__(self, form: Form, values: Sequence[Any]) -> None:
        self.form = form
        self.values = values

    def event(self) -> Event:
        """The whole event."""
        return filled(self.form.event, self.form.holes, self.values)


def filled(event: Event, holes: Sequence[str], values: Sequence[Any]) -> Event:
    """An event with these values in its holes."""
    members: dict[str, Any] = {}
    attrs = dict(event.attrs)
    for hole, value in zip(holes, values, strict=True):
        name, _, inner = hole.partition(".")
        if name == "attrs":
            attrs[inner] = value
        elif inner:
            members[name] = msgspec.structs.replace(getattr(event, name), **{inner: value})
        else:
            members[name] = value
    return msgspec.structs.replace(event, attrs=attrs, **members)


def blank(form: Form) -> Event:
    """The form's event with nothing in its holes."""
    return filled(form.event, form.holes, [_FILLER[HOLES[hole]] for hole in form.holes])


def event_of(record: Event | Draft | Encoded) -> Event:
    """The event itself, whichever way it was handed over."""
    return record if isinstance(record, Event) else record.event()
