"""The port through which every room records: events in, acknowledgements out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from ..errors import GlasshatchError
from .forms import Draft
from .model import Event

DEFAULT_LEDGER = "default"
"""The ledger that every data directory has; a place in it is told by its index alone."""


class Receipt(msgspec.Struct, frozen=True):
    """The ledger's word that an event is durable: its place and its leaf hash (RFC 6962 §2.1)."""

    index: int
    leaf_hash: bytes
    ledger: str = DEFAULT_LEDGER
    """In which ledger of the data directory that place is."""


Done = Callable[[Receipt | GlasshatchError], None]
"""Called exactly once, possibly from another thread: with a receipt once the event is durable,
or with the error because of which it was not recorded."""


@runtime_checkable
class Answers(Protocol):
    """Who hears of many events, of each exactly once and by its place, possibly from another thread."""

    def __call__(self, place: int, answer: Receipt | GlasshatchError, /) -> None:
        """One has its answer, as by `Done`."""

    def together(self, places: Sequence[int], answer: Receipt | GlasshatchError, /) -> None:
        """These have the same: the receipt of the last of them, or the error because of which not all of them
        were recorded."""


Submission = tuple[Event | Draft, Done | None]
"""An event and who hears of it."""


class EventSink(Protocol):
    """Takes events and says when each is durable."""

    def submit_many(self, items: Sequence[Submission]) -> None:
        """Queue events for recording; never blocks and never raises for what they hold.

        Events are redacted and recorded in the order of submission.
        """
