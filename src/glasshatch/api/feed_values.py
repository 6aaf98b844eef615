"""What the API says of feeds."""

from __future__ import annotations

import msgspec


class ReceiverView(msgspec.Struct, frozen=True, kw_only=True):
    """A way in besides HTTP, since the server started: where it listens, connections that are open, whole
    items that came, senders turned away, what came and could not be taken, and what is wrong now."""

    protocol: str
    address: str
    connections: int = 0
    received: int = 0
    refused: int = 0
    lost: int = 0
    problem: str = ""


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed and how it is doing. Times are nanoseconds since the epoch as texts, empty for never.

    source, name: its kind and instance. state: live, silent, file for one that only came out of files, or
    listening for one that has receivers and never delivered.
    last_event: the newest time that its events claim. last_delivery: when something came at last.
    lag_seconds: how old the newest event of the last delivery was when it came. rate: events a second over
    the last minutes. error: what was wrong with the item that was quarantined last, or what is
    wrong with a receiver now.
    """

    source: str
    name: str
    state: str
    ledger: str = "default"
    last_event: str = ""
    last_delivery: str = ""
    lag_seconds: str = ""
    rate: str = "0"
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    error: str = ""
    receivers: tuple[ReceiverView, ...] = ()
