"""Exports after a restore: each goes on where the backup has it, under names that nothing had before.

A backup's cursors were read before its ledgers were cut, so none is ahead of what is restored, and nothing is
left out. What had left since leaves again: it has the same event ids. The ledger goes on otherwise than the
one that is lost, so the same range of entries may hold something else: its parcels get another name, or a
file would replace another one, and a receiver would pass over what it takes for a repeat.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from ...errors import ConfigError
from ...exports import CURSOR_FORMAT, Cursor, CursorFile, Lane
from ..config import Config


def renew_cursors(folder: Path, config: Config, sizes: Mapping[str, int], now_ns: int) -> dict[str, str]:
    """Give every export's cursor in a restored directory a new line; from where each goes on, in words.

    Args:
        folder: Where the cursors lie.
        sizes: How many entries each ledger has that was restored.

    Raises:
        Unavailable: A cursor cannot be written.
    """
    line = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ns // 10**9))
    told = {}
    for name in sorted({path.stem for path in folder.glob("*.json")} | set(config.exports)):
        file = CursorFile(folder, name)
        try:
            before = file.load()
        except ConfigError:
            told[name] = "its cursor cannot be read"
            continue
        section = config.exports.get(name)
        if before is None and section is not None and section.start == "now":
            told[name] = "what is new"
            continue
        after = _renewed(before or Cursor(CURSOR_FORMAT), sizes, line)
        file.save(after)
        told[name] = _words(after, section.ledgers if section is not None and section.ledgers else sizes)
    return told


def _renewed(cursor: Cursor, sizes: Mapping[str, int], line: str) -> Cursor:
    lanes = {ledger: _lane(lane, sizes.get(ledger, 0)) for ledger, lane in cursor.lanes.items()}
    return msgspec.structs.replace(cursor, lanes=lanes, line=line, stopped=False)


def _lane(lane: Lane, size: int) -> Lane:
    """The parcel under way begins anew. A lane that is ahead, which no backup of ours has, goes on behind."""
    if lane.next > size:
        return Lane(next=size, noted=size)
    return msgspec.structs.replace(lane, intent=0)


def _words(cursor: Cursor, ledgers: Iterable[str]) -> str:
    return ", ".join(f"{ledger}/{cursor.lane(ledger).next}" for ledger in sorted(ledgers))
