"""Items on their way in: parts of a delivery, copies of one fact among them, and their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ..events import ACTIONS, Actor, Encoded, Event, Link, event_of
from .forms import Form
from .items import Item, Piece, read_item
from .parsed import Arrival, SourceKind
from .seen import LABEL

BATCH_ITEMS: Final = 1_000
"""How many items are parsed and recorded at once."""

COMPLETED_ACTION: Final = "recording.completed"
"""Under it a fuller copy of a recorded event is recorded beside it."""

_BATCH_BYTES = 4 * 1024 * 1024
_SKEW_AHEAD_NS = 86_400 * 10**9
_SKEW_BEHIND_NS = 7 * 86_400 * 10**9


class Delivery(msgspec.Struct, frozen=True):
    """One delivery, whatever it holds."""

    kind: SourceKind
    name: str
    by: Actor | None
    now_ns: int
    file: str
    first_line: int


class Taken(msgspec.Struct, frozen=True, gc=False):
    """An item on its way in. `short` is the parser's key, `key` the stored one; `record` what is recorded, as
    bytes if it was made in one step."""

    given: Item | Piece
    record: Event | Encoded
    time_ns: int
    key: str
    short: str
    weight: int
    problem: str = ""
    skewed: bool = False
    is_gap: bool = False
    content: str = ""
    """A digest of what it says, where copies of a fact are equal."""
    completes: str = ""
    """Of a fuller copy of a fact that is in the record: the fact's key there."""

    @property
    def noted(self) -> str:
        """What is noted beside its key, to compare later copies by: what it says, or how much."""
        return self.content or (f"{self.weight:04x}" if 0 < self.weight < 1 << 16 else "")

    @property
    def item(self) -> Item:
        """The item itself, read if it was not yet."""
        return self.given if isinstance(self.given, Item) else read_item(self.given)

    @property
    def event(self) -> Event:
        """What is recorded of it, read anew each time if it is bytes."""
        return event_of(self.record)

    @property
    def place(self) -> int:
        """Its place in the delivery or file."""
        return self.given.place if isinstance(self.given, Item) else self.given[0]


def batches(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Parts that are parsed and recorded at once; between them others have their turn."""
    start = size = 0
    for at, piece in enumerate(pieces):
        length = len(piece[1])
        if at - start >= BATCH_ITEMS or (size and size + length > _BATCH_BYTES):
            yield pieces[start:at]
            start, size = at, 0
        size += length
    if start < len(pieces):
        yield pieces[start:]


def fullest(kind: SourceKind, form: Form, pieces: list[Piece]) -> dict[str, int]:
    """By key, the place of the fullest copy in a delivery of several batches."""
    best: dict[str, tuple[int, int]] = {}
    for piece in pieces if kind.weigh is not None else ():
        item = form.read(piece)
        key, weight = ("", 0) if item.problem or kind.weigh is None else kind.weigh(item.value)
        if key and (key not in best or weight > best[key][0]):
            best[key] = (weight, item.place)
    return {key: place for key, (_, place) in best.items()}


def in_order(gaps: list[Taken], fresh: list[Taken]) -> list[Taken]:
    """Every gap before the event that shows it."""
    if not gaps:
        return fresh
    before: dict[int, list[Taken]] = {}
    for gap in gaps:
        before.setdefault(gap.place, []).append(gap)
    return [one for event in fresh for one in (*before.get(event.place, ()), event)]


def heaviest(items: list[Taken]) -> list[Taken]:
    """Of several copies of a fact in one batch the fullest one, at the place of the first. Of those that say
    something else than the first, one of each."""
    keys = {one.key for one in items}
    if len(keys) == len(items) and "" not in keys:
        return items
    best: dict[str, Taken] = {}
    for number, one in enumerate(items):
        name = one.key + one.content if one.key else f"-{number}"
        known = best.get(name)
        if known is None or one.weight > known.weight:
            best[name] = one
    return list(best.values())


def key_of_rejected(item: Item, arrival: Arrival) -> str:
    """What is not understood comes once as well, if its place in a file or its own id tells it again."""
    content = arrival.digest(item.data)
    if arrival.line:
        return f"rejected line {arrival.file} {arrival.line} {content}"
    if item.received:
        return f"rejected received {item.received}"
    given = item.value.get("id") if isinstance(item.value, dict) else None
    return f"rejected id {given} {content}" if isinstance(given, str) and given else ""


def content_of(item: Item, arrival: Arrival) -> str:
    """A digest of what an item says, in whatever order its members stand."""
    return arrival.digest(msgspec.json.encode(item.value, order="sorted"))


def contradicting(items: Sequence[Taken], known: Mapping[str, str]) -> list[int]:
    """The places in this list of those whose key stands for another content: in the record, or of an earlier
    one of the list. What was recorded before contents were noted contradicts nothing."""
    if not known and len({one.key for one in items}) == len(items):
        return []
    first = dict(known)
    places = []
    for place, one in enumerate(items):
        if one.content and (first.setdefault(one.key, one.content) or one.content) != one.content:
            places.append(place)
    return places


def fuller(items: Sequence[Taken], known: Mapping[str, str]) -> list[int]:
    """The places in this list of copies that hold more than the one in the record. Of one that was recorded
    before weights were noted nobody can tell."""
    return [
        place
        for place, one in enumerate(items)
        if one.weight and not one.content and (noted := known.get(one.key)) and one.weight > int(noted, 16)
    ]


def completion(one: Taken, key: str) -> Taken:
    """A fuller copy as an event beside the recorded one, which never changes. It repeats neither who acted
    nor with what outcome, so that whoever counts finds the fact once."""
    event = one.event
    told = msgspec.structs.replace(
        event, action=COMPLETED_ACTION, severity=ACTIONS[COMPLETED_ACTION].severity, actor=None, client=None,
        outcome=None, labels={**event.labels, LABEL: key},
        links=(*event.links, Link(rel="completes", id=one.key)),
    )  # fmt: skip
    return msgspec.structs.replace(one, record=told, key=key, short=more_of(one), completes=one.key)


def more_of(one: Taken) -> str:
    """The parser's key of a fuller copy: each that holds more comes once."""
    return f"{one.short} with {one.weight}"


def skewed(event: Event, now_ns: int, *, live: bool) -> tuple[Event, bool]:
    """The event, marked if its clock is far off: a day ahead, or a week behind in a live delivery."""
    ahead = event.time_ns - now_ns
    off = "ahead" if ahead > _SKEW_AHEAD_NS else "behind" if live and -ahead > _SKEW_BEHIND_NS else ""
    if not off:
        return event, False
    return msgspec.structs.replace(event, labels={**event.labels, "clock": off}), True
