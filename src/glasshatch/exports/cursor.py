"""How far an export is, in one small file: all of a change or nothing of it, whenever the process ends.

A lane is advanced after the destination has acknowledged. A crash between the two delivers the parcel once
more, under the same name; a crash before leaves the range that was set in the file, so that the next start
cuts the very same parcel.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..errors import ConfigError, Unavailable
from ..wholefiles import write_whole

FORMAT = 1
MOST_ASIDE = 100
"""So many of the events that were set aside are kept here; the record has each."""


class Lane(msgspec.Struct, frozen=True, omit_defaults=True):
    """An export's way through one ledger.

    next: the first entry that was not delivered yet. intent: where the parcel under way ends; 0 if there is
    none. last: SHA-256 of the entry before `next`, by which the ledger is known again. noted: up to where the
    record says what left; unnoted: how many events have left since then.
    """

    next: int = 0
    intent: int = 0
    last: str = ""
    noted: int = 0
    unnoted: int = 0


class Aside(msgspec.Struct, frozen=True):
    """An event that the destination refused and that was left out: its place, its id, and the answer."""

    ledger: str
    index: int
    event: str
    why: str


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole file. delivered_ns: when something was delivered last. stopped: whether the record says that
    the export stands still. set_aside: how many events were ever left out; aside: the newest of them. line:
    what tells the parcels after a restore from those before it, which may have had the same ranges of a
    ledger that went on otherwise; empty where nothing was restored."""

    format: int
    lanes: dict[str, Lane] = {}
    sent: int = 0
    delivered_ns: int = 0
    stopped: bool = False
    set_aside: int = 0
    aside: tuple[Aside, ...] = ()
    line: str = ""

    def lane(self, ledger: str) -> Lane:
        """The way through a ledger; a new one begins at its first entry."""
        return self.lanes.get(ledger, Lane())

    def with_lane(self, ledger: str, lane: Lane) -> Cursor:
        """The same with another lane."""
        return msgspec.structs.replace(self, lanes={**self.lanes, ledger: lane})

    def with_aside(self, left: tuple[Aside, ...]) -> Cursor:
        """The same with these set aside too."""
        kept = (*self.aside, *left)[-MOST_ASIDE:]
        return msgspec.structs.replace(self, set_aside=self.set_aside + len(left), aside=kept)


class CursorFile:
    """Keeps a cursor. One process writes it; others may read it at any moment."""

    def __init__(self, folder: Path, export: str) -> None:
        self.path = folder / f"{export}.json"

    def load(self) -> Cursor | None:
        """What was kept; None if nothing ever was.

        Raises:
            ConfigError: The file is damaged, or a newer version wrote it. It is not begun anew silently:
                everything would leave a second time.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=str(self.path)) from None
        try:
            cursor = msgspec.json.decode(data, type=Cursor)
        except (msgspec.DecodeError, UnicodeDecodeError):
            hint = "glasshatch exports reset NAME --to INDEX, or remove it to begin anew"
            raise ConfigError("is no cursor of an export", file=str(self.path), hint=hint) from None
        if cursor.format > FORMAT:
            raise ConfigError(
                f"format {cursor.format} is newer than {FORMAT}",
                file=str(self.path),
                hint="upgrade glasshatch",
            )
        return cursor

    def save(self, cursor: Cursor) -> None:
        """Keep it for good before this returns.

        Raises:
            Unavailable: The disk is full or cannot be written; what was kept before still is.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, msgspec.json.encode(cursor))
        except OSError as error:
            raise Unavailable(
                f"the cursor cannot be kept: {error.strerror}",
                hint=f"look at the disk under {self.path.parent}",
            ) from None
