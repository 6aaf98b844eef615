"""The examples in the file of a mapping, tried: what each event should have, and what it has instead."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from .mapping import Example
from .parsed import Arrival, Rejected, SourceKind

_NOW_NS = 1_700_000_000 * 10**9


def try_examples(source: SourceKind, examples: Sequence[Example]) -> list[str]:
    """What does not hold, a sentence for each, naming the example by its number; empty if all hold.

    The values are the file's own, written by who reads this.
    """
    return [
        f"example {number}: {wrong}"
        for number, example in enumerate(examples, 1)
        for wrong in _wrong(source, example)
    ]


def _wrong(source: SourceKind, example: Example) -> list[str]:
    data = example.item.encode()
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        return [f"the item is no JSON: {error}"]
    ids = itertools.count()
    arrival = Arrival(_NOW_NS, "example", "default", lambda: f"00000000-0000-7000-8000-{next(ids):012}")
    parsed = source.parse(value, data, arrival)
    if isinstance(parsed, Rejected):
        return [] if example.rejected else [f"is rejected: it {parsed.reason}"]
    if example.rejected:
        return ["should be rejected, and is an event"]
    event = msgspec.to_builtins(parsed.event)
    return [
        f"{path} is {_at(event, path)!r}, not {wanted!r}"
        for path, wanted in example.event.items()
        if _at(event, path) != wanted
    ]


def _at(event: object, path: str) -> str:
    """A member of an event as text; empty if it has none of that name."""
    for part in path.split("."):
        if isinstance(event, dict):
            event = event.get(part)
        elif isinstance(event, (list, tuple)) and part.isdecimal() and int(part) < len(event):
            event = event[int(part)]
        else:
            event = None
    return "" if event is None else str(event)
