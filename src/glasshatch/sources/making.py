"""What the intake makes of items: whole events with their keys, or what says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ..errors import GlasshatchError
from ..events import Encoded, Event, Link, StatementText, uuid7
from .forms import Form
from .items import Item, Piece
from .parsed import Arrival, Circumstances, Gap, Parsed, Ready, Rejected, SourceKind
from .quarantine import quarantined
from .remembering import gap_event, gap_key, missed_event
from .seen import LABEL, key_of
from .taken import Delivery, Taken, completion, content_of, key_of_rejected, more_of, skewed

PARAMETERS: Final = "parameters"
"""Under this name in `attrs` stand the values that a statement was given."""

_CONTESTED = "has the id of another event, which says something else"
_TOO_LARGE = "is too large to be kept"

Read = Callable[[Sequence[Piece]], list[Taken]]
"""What makes the items of a delivery, many at once."""


class Maker:
    """Makes events of items; safe from any thread. See `Intake` for the arguments."""

    def __init__(
        self,
        random: Callable[[int], bytes],
        tenant: str,
        redact: Callable[[Sequence[str]], list[str]],
        secret: bytes,
        names: Callable[[Sequence[Event], str], list[Event]] | None,
        statements: Callable[[Sequence[Event], str], list[Event]] | None,
    ) -> None:
        self._random = random
        self._tenant = tenant
        self._redact = redact
        self._secret = secret
        self._names = names
        self._statements = statements

    def reader(self, delivery: Delivery, form: Form) -> Read:
        """What reads the pieces of a delivery: most at once, if its kind has a quick way, else each alone."""
        quick = delivery.kind.quick and delivery.kind.quick(self._circumstances(delivery))

        def one_by_one(pieces: Sequence[Piece]) -> list[Taken]:
            return [self.item(delivery, form.read(piece)) for piece in pieces]

        def at_once(pieces: Sequence[Piece]) -> list[Taken]:
            assert quick is not None
            return [
                self.item(delivery, form.read(piece)) if ready is None else _ready(piece, ready)
                for piece, ready in zip(pieces, quick(pieces), strict=True)
            ]

        return one_by_one if quick is None else at_once

    def item(self, delivery: Delivery, item: Item) -> Taken:
        """An item's event, or the one that says that it was not understood."""
        kind, arrival = delivery.kind, self._arrival(delivery, item.place)
        parsed = Rejected(item.problem) if item.problem else _parsed(kind, item, arrival)
        if isinstance(parsed, Rejected):
            return self._rejected(delivery, item, parsed.reason, arrival)
        key = self._key(delivery, parsed.key) if parsed.key else ""
        event, off = skewed(parsed.event, delivery.now_ns, live=not delivery.first_line)
        content = content_of(item, arrival) if key and kind.one_content else ""
        whole = self._complete(event, delivery, key)
        return Taken(item, whole, event.time_ns, key, parsed.key, parsed.weight, skewed=off, content=content)

    def cleaned(self, delivery: Delivery, taken: list[Taken]) -> list[Taken]:
        """Without what stands in statements, and names in free text."""
        if self._names is None and not delivery.kind.language:
            return taken
        before = [one.event for one in taken]
        events = before
        if delivery.kind.language:
            events = (self._statements or _without_statements)(events, delivery.kind.language)
        if self._names is not None:
            events = self._names(events, f"{delivery.kind.name}/{delivery.name}")
        return [
            one if event is old else msgspec.structs.replace(one, record=event)
            for one, old, event in zip(taken, before, events, strict=True)
        ]

    def missed(self, delivery: Delivery, of: str, count: int, reason: str) -> Taken:
        """That so many of something came and could not be taken."""
        event = missed_event(delivery.kind, of, count, reason, self._arrival(delivery, 0))
        event = self._complete(event, delivery, "")
        return Taken(Item(0, None, b""), event, event.time_ns, "", "", 0, is_gap=True)

    def gap(self, delivery: Delivery, gap: Gap, before: Taken) -> Taken:
        """What is missing before an item."""
        event = gap_event(delivery.kind, gap, before.event, self._arrival(delivery, before.place))
        key = self._key(delivery, gap_key(gap))
        event = self._complete(event, delivery, key)
        return Taken(before.given, event, event.time_ns, key, gap_key(gap), 0, is_gap=True)

    def contested(self, delivery: Delivery, one: Taken) -> Taken:
        """In the place of an item whose id stands for another content; each content of an id comes once."""
        short = f"other {one.short} {one.content}"
        return self._quarantined(delivery, one.item, _CONTESTED, short)

    def completion(self, delivery: Delivery, one: Taken) -> Taken:
        """In the place of a copy that is fuller than the recorded one; each that holds more comes once."""
        return completion(one, self._key(delivery, more_of(one)))

    def too_large(self, delivery: Delivery, one: Taken) -> Taken:
        """In the place of an item of which no event can be kept."""
        return self._quarantined(delivery, msgspec.structs.replace(one.item, problem=_TOO_LARGE), _TOO_LARGE)

    def _quarantined(self, delivery: Delivery, item: Item, reason: str, short: str = "") -> Taken:
        rejected = self._rejected(delivery, item, reason, self._arrival(delivery, item.place), short)
        return self.cleaned(delivery, [rejected])[0]

    def _rejected(
        self, delivery: Delivery, item: Item, reason: str, arrival: Arrival, short: str = ""
    ) -> Taken:
        where = f"{'line' if delivery.first_line else 'item'} {item.place}"
        event = quarantined(delivery.kind, item, f"{where} {reason}", arrival, self._redact)
        short = short or key_of_rejected(item, arrival)
        key = self._key(delivery, short) if short else ""
        event = self._complete(event, delivery, key)
        return Taken(item, event, event.time_ns, key, short, 0, reason)

    def _arrival(self, delivery: Delivery, place: int) -> Arrival:
        now_ns = delivery.now_ns
        line = place if delivery.first_line else 0
        return Arrival(
            now_ns, delivery.name, self._tenant, lambda: uuid7(now_ns, self._random(10)), delivery.file, line,
            self._secret,
        )  # fmt: skip

    def _circumstances(self, delivery: Delivery) -> Circumstances:
        return Circumstances(
            now_ns=delivery.now_ns, name=delivery.name, tenant=self._tenant, by=delivery.by,
            file=delivery.file, from_file=bool(delivery.first_line), secret=self._secret, random=self._random,
        )  # fmt: skip

    def _key(self, delivery: Delivery, key: str) -> str:
        return key_of(
            self._tenant, delivery.kind.name, delivery.name if delivery.kind.one_instance else "", key
        )

    def _complete(self, event: Event, delivery: Delivery, key: str) -> Event:
        """What only the intake knows: tenant, when it was seen, who delivered it, its key."""
        changes: dict[str, Any] = {"tenant": self._tenant, "observed_time": str(delivery.now_ns)}
        if key:
            changes["labels"] = {**event.labels, LABEL: key}
        if delivery.by is not None:
            changes["links"] = (*event.links, Link(rel="delivered_by", id=delivery.by.id))
        return msgspec.structs.replace(event, **changes)


def _ready(piece: Piece, ready: Ready | tuple[Any, ...]) -> Taken:
    record, kind, key, short, content, time_ns = ready
    return Taken(piece, Encoded(record, kind), time_ns, key, short, 0, "", False, False, content)


def _without_statements(events: Sequence[Event], language: str) -> list[Event]:
    """Where nobody can take out what is personal, nothing of a statement is kept."""
    hidden = StatementText(text="[UNSCANNED]")
    return [
        event
        if event.statement is None
        else msgspec.structs.replace(
            event,
            statement=hidden,
            attrs={name: one for name, one in event.attrs.items() if name != PARAMETERS},
        )
        for event in events
    ]


def _parsed(kind: SourceKind, item: Item, arrival: Arrival) -> Parsed | Rejected:
    try:
        return kind.parse(item.value, item.data, arrival)
    except (GlasshatchError, ValueError, TypeError, RecursionError) as error:
        # Whatever a foreign item holds, it is kept and counted, and stops nobody.
        return Rejected(f"is not understood ({type(error).__name__})")
