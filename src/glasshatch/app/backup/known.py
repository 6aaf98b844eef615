"""The newest checkpoint that anybody at hand has seen of a ledger, so that no older state passes for new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ...errors import ConfigError, GlasshatchError, VerificationError
from ...ledger import Checkpoint, Published, Succession, open_checkpoint
from ...ledger.anchors import anchored_checkpoints, read_anchor
from ...ledger.log import split_notes
from .moments import moments, read_moment


class BackedUp(msgspec.Struct, frozen=True):
    """A ledger in a backup: the keys that signed it, its checkpoint, and the newest that is known of it."""

    name: str
    keys: Succession
    signed: Checkpoint
    known: Checkpoint | None = None

    @property
    def newest(self) -> int:
        """The size of the newest state that is known."""
        return max(self.known.size if self.known else 0, self.signed.size)

    @property
    def missing(self) -> int:
        """How many entries are known to have been recorded and are not in the backup."""
        return self.newest - self.signed.size


def with_newest_known(moment: Path, ledgers: Sequence[BackedUp], places: Sequence[Path]) -> list[BackedUp]:
    """The ledgers with the newest checkpoint of each in the places and in the moments beside this one.

    Raises:
        ConfigError: A place holds no checkpoint of any of these ledgers.
        VerificationError: A known checkpoint is not of the tree in the backup: one of them was rewritten.
    """
    found = {ledger.name: list(_beside(moment, ledger)) for ledger in ledgers}
    for place in places:
        there = {ledger.name: list(_checkpoints(place, ledger, len(ledgers) > 1)) for ledger in ledgers}
        if not any(there.values()):
            raise ConfigError("holds no checkpoint of this ledger", file=str(place), key="--newer-than")
        for name, checkpoints in there.items():
            found[name] += checkpoints
    return [
        msgspec.structs.replace(ledger, known=_newest(moment, ledger, found[ledger.name]))
        for ledger in ledgers
    ]


def _newest(moment: Path, ledger: BackedUp, found: Sequence[Checkpoint]) -> Checkpoint | None:
    published, signed = Published(moment / "ledgers" / ledger.name), ledger.signed
    for one in found:
        if 0 < one.size <= signed.size and published.root(one.size) != one.root:
            raise VerificationError(
                f"the backup is of another history: a known checkpoint has another tree of size {one.size}",
                where=str(moment), expected=one.root.hex(), found=published.root(one.size).hex(),
                hint="keep everything as it is and find out how",
            )  # fmt: skip
    return max(found, key=lambda one: one.size, default=None)


def _beside(moment: Path, ledger: BackedUp) -> Iterator[Checkpoint]:
    for other in moments(moment.parent):
        try:
            note = read_moment(other).checkpoints().get(ledger.name, "")
            yield open_checkpoint(note.encode(), ledger.keys)
        except GlasshatchError:
            continue  # of another ledger, or damaged: it says nothing about this one


def _checkpoints(place: Path, ledger: BackedUp, several: bool) -> Iterator[Checkpoint]:
    """Out of a note, an anchor, or an old data directory, whatever state that is in."""
    ledgers = place / "ledgers"
    if not ledgers.is_dir():
        try:
            anchored = read_anchor(place, ledger.keys.name)
        except VerificationError:
            if not several:
                raise
            return  # of another of these ledgers, maybe
        yield from anchored_checkpoints(anchored, ledger.keys)
        return
    key = _newer_keys(ledgers / ledger.name, ledger.keys)
    folder = ledgers / ledger.name
    files = [folder / "checkpoint", place / "witnessed" / ledger.name / "checkpoint"]
    files += sorted(folder.glob("checkpoints/*.notes"))[-1:]
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
