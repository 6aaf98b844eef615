"""The sentence that says why an alert was raised: names of actors and things, and counts; never values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..events import Actor, Event
from .fields import kind_of, reader

Explain = Callable[[Event, Any, Mapping[str, str]], str]
"""Makes the sentence from the event that raised, the item of `each`, and what was measured."""

MEASURED = frozenset({"count", "sum", "threshold", "window", "new"})
"""What a rule may say of its own measurement; `new` is what was seen for the first time."""

# Names of the workforce and of things are what a record is for. Whatever people typed or rows held
# stays out, although the record has it redacted: an alert travels further than the record does.
NAMES = frozenset(
    {
        *("action", "actor.id", "actor.name", "actor.type", "session_id", "source.kind", "source.name"),
        *("resource.id", "resource.name", "resource.type", "resource.env"),
        *("resources.id", "resources.name", "each.id", "each.name", "each.type"),
        *("data.classes", "data.columns", "decision.rule", "outcome.status", "outcome.code"),
    }
)
_PLACE = re.compile(r"\{([a-z_.]+)\}")
_MOST_NAMES = 8


def compile_explanation(template: str, each: str) -> Explain:
    """Check a template and make it a function.

    Raises:
        ValueError: It names what may not be named, or its braces do not pair.
    """
    for name in _PLACE.findall(template):
        if name not in MEASURED and name not in NAMES:
            known = ", ".join(sorted(MEASURED | NAMES))
            raise ValueError(f"{{{name}}} may not stand in an explanation; these may: {known}")
        if name in NAMES:
            kind_of(name, each)
    if re.search(r"[{}]", _PLACE.sub("", template)):
        raise ValueError("a brace without its partner, or something other than a name between two")

    def explain(event: Event, item: Any, measured: Mapping[str, str]) -> str:
        return _PLACE.sub(lambda place: _shown(place[1], event, item, measured), template)

    return explain


def actor_name(actor: Actor | None) -> str:
    """How an actor is called; a name that nobody vouched for says so."""
    if actor is None:
        return ""
    if actor.id:
        return actor.name or actor.id
    return f"{actor.name} (claimed)" if actor.name else ""


def joined(names: list[str]) -> str:
    """Names in a row, the first few of them."""
    shown = names[:_MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _shown(name: str, event: Event, item: Any, measured: Mapping[str, str]) -> str:
    if name in MEASURED:
        return measured.get(name, "")
    if name == "actor.name":
        return actor_name(event.actor) or "somebody"
    value = reader(name)(event, item)
    if isinstance(value, tuple) and value:
        return joined([str(one) for one in value])
    return "unknown" if value in (None, "", ()) else str(value)
