"""An event of the record with its place: what every way of reading the record gives."""

from __future__ import annotations

import msgspec

from ..events import DEFAULT_LEDGER, place_of


class KnownAs(msgspec.Struct, frozen=True):
    """Who the raw principal of an event is, by which alias (its id), and by what that was asserted."""

    actor: str
    actor_id: str
    alias: str
    asserted: str


class RecordedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event with its place in its ledger; `event` is the stored bytes, never re-encoded.

    `known_as` is said where an alias tells who the raw principal is. Only where fields are `hidden` from the
    reader, it is made anew without them and cannot be proven.
    """

    index: int
    event: msgspec.Raw
    ledger: str = DEFAULT_LEDGER
    hidden: tuple[str, ...] = ()
    known_as: KnownAs | None = None

    def __post_init__(self) -> None:
        # A default is left out by its identity, and an equal text that was read is another object.
        if self.ledger == DEFAULT_LEDGER:
            msgspec.structs.force_setattr(self, "ledger", DEFAULT_LEDGER)

    @property
    def place(self) -> str:
        """The place as people write it, as in `12` or `orders/12`."""
        return place_of(self.ledger, self.index)
