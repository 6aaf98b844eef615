"""What the API says of feeds."""

from __future__ import annotations

import msgspec


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed and how it is doing. Times are nanoseconds since the epoch as texts, empty for never.

    source, name: its kind and instance. state: live, silent, or file for one that only came out of files.
    last_event: the newest time that its events claim. last_delivery: when something came at last.
    lag_seconds: how old the newest event of the last delivery was when it came. rate: events a second over
    the last minutes. error: what was wrong with the item that was quarantined last.
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
