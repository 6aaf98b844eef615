"""What leaves at once: some events of one ledger, in its order, under a name that a repeat has too."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ..errors import Unavailable
from ..events import Event


class Refused(Unavailable):
    """The other side does not take this parcel and would not the next time: it dislikes what is in it.

    Who is away, overloaded, or takes nothing from us at all says something else, and is waited for.
    """


class Item(msgspec.Struct, frozen=True, gc=False):
    """One event on its way out. data: its stored bytes, without what the export may not see."""

    ledger: str
    index: int
    data: bytes
    event: Event

    @property
    def recorded_ns(self) -> int:
        """When it was recorded, as far as it says so; 0 if it says nothing that is a time."""
        text = self.event.observed_time or self.event.time
        return int(text) if text.isdecimal() else 0


class Parcel(msgspec.Struct, frozen=True):
    """Events of a ledger out of the entries `first` to before `stop`; what did not match is left out.

    The range is set before the first try and kept until it is delivered, so a repeat, also after a crash,
    has the same name, the same range and, while configuration and access stay, the same events.
    """

    export: str
    ledger: str
    first: int
    stop: int
    items: tuple[Item, ...]
    line: str = ""
    """The cursor's: a ledger that was restored goes on otherwise than the one that is lost."""

    @property
    def range(self) -> str:
        """The entries that were looked through, as names of files have them."""
        return f"{self.first:020d}-{self.stop:020d}{self._behind()}"

    @property
    def id(self) -> str:
        """The same for each try; no other parcel has it."""
        return f"{self.export}/{self.ledger}/{self.first}-{self.stop}{self._behind()}"

    def _behind(self) -> str:
        return f".{self.line}" if self.line else ""


class Form(Protocol):
    """How events look outside."""

    name: str
    suffix: str
    """Of a file in this form, with its point."""
    media_type: str
    """Of one event; empty if events only go together, in files."""

    def line(self, item: Item) -> bytes:
        """One event, without a line break in or behind it."""

    def file(self, items: tuple[Item, ...]) -> bytes:
        """Many events; the same bytes for the same events."""


class Destination(Protocol):
    """Where parcels go."""

    where: str
    """In words for people and the record; holds nothing secret."""

    def deliver(self, parcel: Parcel) -> None:
        """Returns once the other side has it; raises a `GlasshatchError` that says why not otherwise."""

    def close(self) -> None:
        """Let connections go; may be called from another thread to end a wait."""
