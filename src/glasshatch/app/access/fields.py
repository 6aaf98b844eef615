"""Classes of fields that somebody may not see: left out of events, and not to be asked for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ...api.access_values import AccessView
from ...api.values import RecordedEvent
from ...errors import Denied

_MEMBERS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "statement": (("statement",), ("attrs",), ("native",)),
    "subjects": (("data", "subjects"), ("redaction", "sealed")),
    "client": (("client",),),
    "detail": (("attrs",), ("labels",), ("native",)),
}
"""What belongs to each class. Bind values stand in open members, so those go with statements."""


def shown(found: RecordedEvent, hidden: tuple[str, ...]) -> RecordedEvent:
    """The event without what is hidden from the caller, which it names then; else as it is stored."""
    if not hidden:
        return found
    event: dict[str, Any] = msgspec.json.decode(found.event)
    for name in hidden:
        for path in _MEMBERS[name]:
            _drop(event, path)
    return msgspec.structs.replace(found, event=msgspec.Raw(msgspec.json.encode(event)), hidden=hidden)


def refuse_hidden(view: AccessView, what: str, *classes: str) -> None:
    """Refuse what would show, or let be guessed, fields of these classes (of any, if none is named).

    Raises:
        Denied: The caller may not see one of them.
    """
    refused = [name for name in view.hidden if not classes or name in classes]
    if refused:
        raise Denied(
            f"{what} would show fields that {view.actor} may not see: {', '.join(refused)}",
            hint="glasshatch access show says what you may see; ask an administrator",
        )


def _drop(event: dict[str, Any], path: tuple[str, ...]) -> None:
    *outer, last = path
    place: Any = event
    for name in outer:
        place = place.get(name)
        if not isinstance(place, dict):
            return
    place.pop(last, None)
