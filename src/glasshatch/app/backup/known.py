"""The newest checkpoint that anybody at hand has seen of a ledger, so that no older state passes for new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import ConfigError, GlasshatchError, VerificationError
from ...ledger import Checkpoint, Published, Succession, open_checkpoint
from ...ledger.anchors import anchored_checkpoints, read_anchor
from ...ledger.log import split_notes
from .moments import moments, read_moment


def newest_known(
    moment: Path, key: Succession, signed: Checkpoint, places: Sequence[Path]
) -> Checkpoint | None:
    """The newest checkpoint in the places and in the moments beside this one.

    Raises:
        ConfigError: A place holds no checkpoint of this ledger.
        VerificationError: A known checkpoint is not of the tree in the backup: one of them was rewritten.
    """
    found = list(_beside(moment, key))
    for place in places:
        there = list(_checkpoints(place, key))
        if not there:
            raise ConfigError("holds no checkpoint of this ledger", file=str(place), key="--newer-than")
        found += there
    published = Published(moment / "ledgers" / "default")
    for one in found:
        if 0 < one.size <= signed.size and published.root(one.size) != one.root:
            raise VerificationError(
                f"the backup is of another history: a known checkpoint has another tree of size {one.size}",
                where=str(moment), expected=one.root.hex(), found=published.root(one.size).hex(),
                hint="keep everything as it is and find out how",
            )  # fmt: skip
    return max(found, key=lambda one: one.size, default=None)


def _beside(moment: Path, key: Succession) -> Iterator[Checkpoint]:
    for other in moments(moment.parent):
        try:
            yield open_checkpoint(read_moment(other).checkpoint.encode(), key)
        except GlasshatchError:
            continue  # of another ledger, or damaged: it says nothing about this one


def _checkpoints(place: Path, key: Succession) -> Iterator[Checkpoint]:
    """Out of a note, an anchor, or an old data directory, whatever state that is in."""
    ledgers = place / "ledgers"
    if not ledgers.is_dir():
        yield from anchored_checkpoints(read_anchor(place, key.name), key)
        return
    key = _newer_keys(ledgers / "default", key)
    files = [*ledgers.glob("*/checkpoint"), *place.glob("witnessed/*/checkpoint")]
    files += sorted(ledgers.glob("*/checkpoints/*.notes"))[-1:]
    for file in files:
        try:
            notes, _ = split_notes(file.read_bytes())
        except OSError:
            continue
        for note in notes:
            try:
                yield open_checkpoint(note, key)
            except VerificationError:
                continue


def _newer_keys(ledger: Path, key: Succession) -> Succession:
    """With the keys that came after those of the backup, if the old directory still shows them."""
    try:
        found = Published(ledger).keys(key.newest)
    except (GlasshatchError, OSError):
        return key
    return found if found.extends(key) else key
