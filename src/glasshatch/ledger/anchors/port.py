"""What a kind of anchor has to offer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Anchor(Protocol):
    """One place that keeps checkpoints."""

    def keep(self, note: bytes) -> None:
        """Add a checkpoint; durable when this returns. What is there already is never changed.

        Raises:
            Unavailable: It could not be kept.
        """


class AnchorKind(Protocol):
    """A kind of anchor: makes one from its path, and reads what one holds."""

    def open(self, place: Path, origin: str) -> Anchor:
        """The anchor at a path; raises `ConfigError` if nothing can be kept there."""

    def recognises(self, place: Path) -> bool:
        """Whether a path is an anchor of this kind."""

    def read(self, place: Path, origin: str) -> bytes:
        """Every checkpoint of the log it holds, one after another; raises `VerificationError`."""
