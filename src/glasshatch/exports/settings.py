"""How an export works, whatever its form and destination."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..events import Event
from .cursor import Aside


class Gate(msgspec.Struct, frozen=True):
    """What may leave at this moment.

    matches: whether an event may be seen by the export and is asked for; given with its ledger.
    stripped: the stored bytes without the members that the export may not see; None if it may see all.
    """

    matches: Callable[[Event, str], bool]
    stripped: Callable[[bytes], bytes] | None = None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """When a parcel is cut and how long it is tried.

    rows, bytes: a parcel has at most so many entries and bytes. linger_s: it goes after so long, however
    small. held_bytes: so much is read ahead. first_s, longest_s: the pause after a failure doubles from one
    to the other. behind_s: how long an export may stand behind before the record says so. note_s: how often
    the record says what left.
    """

    rows: int = 500
    bytes: int = 1 << 20
    linger_s: float = 0.2
    held_bytes: int = 16 << 20
    first_s: float = 1.0
    longest_s: float = 60.0
    behind_s: float = 900.0
    note_s: float = 60.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an export is doing.

    state: `live`, `behind` (it delivers, and has not come to the end), `failing` (the last try failed),
    `stopped` (behind for longer than it may be), `refused` (it may not, or not any more) or `idle`. behind:
    entries to go. lag_seconds: how old the oldest of them is. failures: how often the try under way failed.
    set_aside: how many events the destination refused and that were left out; aside: the newest of them.
    """

    name: str
    form: str
    where: str
    state: str
    positions: dict[str, int]
    behind: int
    lag_seconds: float
    rate: float
    sent: int
    delivered_ns: int
    failures: int = 0
    error: str = ""
    set_aside: int = 0
    aside: tuple[Aside, ...] = ()
