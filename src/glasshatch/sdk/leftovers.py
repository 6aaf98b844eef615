"""What processes that are no more left in their spools, brought into the spool of one that lives."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, Conflict, GlasshatchError
from .held import Held
from .spool import Spool

if TYPE_CHECKING:
    from .recorder import Recorder

_AGAIN_SECONDS = 30.0
_BATCH_EVENTS, _BATCH_BYTES = 1_000, 1 << 20


def moved(into: Recorder, directory: Path, key: bytes) -> int:
    """Bring another spool's events here, and what it held back; how many.

    Each is here before it is gone there: killed between the two, it is in both under one id, which the server
    knows as one.

    Raises:
        Conflict: The other spool's process lives.
        ConfigError: The key does not open it.
        Unavailable: There is no room here; what was not brought stays there.
    """
    # Nothing but what is held back is appended there, so its limit does not matter.
    other = Spool(directory, key=key, limit_bytes=1 << 40, durable=into.durable)
    number = 0
    try:
        held = Held(directory / "held", other.other_frames(), into.keep)
        try:
            held.tell()
        finally:
            held.close()
        while (batch := other.read(_BATCH_EVENTS, _BATCH_BYTES)).events:
            for event, end in zip(batch.events, batch.ends, strict=True):
                into.append(event)
                other.acknowledge(end)
                number += 1
    finally:
        other.close()
    return number


def collect(into: Recorder, base: Path, own: Path) -> threading.Thread:
    """Bring here, in the background, what lies in the spools of a service whose processes are no more.

    Now and again while the recorder is open: a child that was killed leaves its own, and its parent may run
    for weeks.
    """
    told: set[Path] = set()

    def work() -> None:
        while True:
            _sweep(into, base, own, told)
            if into.ended.wait(_AGAIN_SECONDS):
                return

    thread = threading.Thread(target=work, name="glasshatch-leftovers", daemon=True)
    thread.start()
    return thread


def _sweep(into: Recorder, base: Path, own: Path, told: set[Path]) -> None:
    """Once through all spools; `told` are those that cannot be opened, which is said once."""
    for directory in sorted(base.iterdir()):
        if directory == own or not any([*directory.glob("*.spool"), *directory.glob("held")]):
            continue
        try:
            into.take_over(directory)
        except Conflict:
            continue
        except ConfigError as error:
            if directory not in told:
                told.add(directory)
                into.problem(f"what an earlier process left cannot be sent: {error}")
        except (GlasshatchError, OSError):
            return  # there is no room, or this process ends; the next time goes on
