"""The port through which every room records: events in, acknowledgements out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ..errors import GlasshatchError
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


class EventSink(Protocol):
    """Takes events and says when each is durable."""

    def submit(self, event: Event, done: Done | None = None) -> None:
        """Queue an event for recording; never blocks and never raises for the event's content.

        Events are redacted and recorded in the order of submission.
        """
