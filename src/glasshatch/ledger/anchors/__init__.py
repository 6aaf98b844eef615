"""Keeping checkpoints elsewhere, where the operator of the ledger cannot quietly change them.

Every module of this folder that has an `ANCHOR` is a kind of anchor; a new one needs no other edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path

from ...errors import VerificationError
from ..log import Checkpoint, LogKey, open_checkpoint, split_notes
from .port import Anchor, AnchorKind

ANCHORS: dict[str, AnchorKind] = {
    module.name: importlib.import_module(f"{__name__}.{module.name}").ANCHOR
    for module in pkgutil.iter_modules(__path__)
    if module.name != "port"
}
"""The kinds there are, by the name the configuration gives as `type`."""

__all__ = ["ANCHORS", "Anchor", "AnchorKind", "anchored_checkpoints", "read_anchor"]


def read_anchor(place: Path, origin: str) -> bytes:
    """The notes that an anchor holds of a log: of the first kind that recognises the place."""
    for kind in ANCHORS.values():
        if kind.recognises(place):
            return kind.read(place, origin)
    raise VerificationError("is no anchor", where=str(place), hint="give the file or the git repository")


def anchored_checkpoints(notes: bytes, key: LogKey) -> list[Checkpoint]:
    """The log's checkpoints out of an anchor, as they were put there.

    Raises:
        VerificationError: One is not signed by the key, or the notes are not whole.
    """
    whole, end = split_notes(notes)
    if notes[end:].strip():
        raise VerificationError("the anchor ends in the middle of a checkpoint", found=str(end))
    return list(_opened(whole, key))


def _opened(notes: Iterable[bytes], key: LogKey) -> Iterable[Checkpoint]:
    for note in notes:
        if note.split(b"\n", 1)[0].decode("utf-8", "replace") == key.name:
            yield open_checkpoint(note, key)
