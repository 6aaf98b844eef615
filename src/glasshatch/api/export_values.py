"""What the API says of exports, and takes about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from .values import RecordedEvent


class AsideView(msgspec.Struct, frozen=True):
    """An event that a destination refused and that did not leave: its place, its id, and the answer."""

    ledger: str
    index: int
    event: str
    why: str


class ExportView(msgspec.Struct, frozen=True, kw_only=True):
    """An export of the configuration and how it is doing.

    form, destination: how events look and where they go; nothing secret. state: live; behind, it delivers
    and has not come to the end; failing, the last try failed; stopped, behind for longer than it may be;
    refused, its roles do not let it; or idle, no server runs. positions: of each ledger the entry that goes
    next. behind: entries to go. lag_seconds: how old the oldest of them is. rate: events a second over the
    last minute. sent: events delivered ever, a repeat counted once. last_delivery: nanoseconds since the
    epoch, empty for never. set_aside: events ever that the destination refused, each by itself, while it
    takes others; they were left out. aside: the newest of them, a hundred at most.
    """

    name: str
    form: str
    destination: str
    state: str
    positions: dict[str, int]
    behind: int
    lag_seconds: str = "0"
    rate: str = "0"
    sent: int = 0
    last_delivery: str = ""
    failures: int = 0
    error: str = ""
    set_aside: int = 0
    aside: tuple[AsideView, ...] = ()


class ExportResetForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an export goes on in a ledger. to: an entry's index, or -1 for behind the newest one."""

    to: Annotated[int, msgspec.Meta(ge=-1)]
    ledger: str = "default"


class ExportReset(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: from which entry the export would have gone on, and from which it goes on now."""

    name: str
    ledger: str
    before: int
    after: int


class ExportForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to take out once: a query, and a span of time in nanoseconds or as queries have it.

    form: how they will look; for the record only.
    """

    query: str = ""
    since: str = ""
    until: str = ""
    form: str = "jsonl"


class Exported(msgspec.Struct, frozen=True):
    """How many events match, and the events themselves by time, oldest first; to be read once."""

    count: int
    events: Iterator[RecordedEvent]


class ExportHead(msgspec.Struct, frozen=True):
    """The first line of an export."""

    count: int


class ExportEnd(msgspec.Struct, frozen=True):
    """The last line of an export that is whole: how many events stood before it."""

    end: int
