"""A ledger against the checkpoints that anchors keep of it: each must be one of its own trees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ..errors import GlasshatchError, VerificationError
from .anchors import anchored_checkpoints, read_anchor
from .log import Checkpoint, VerifierKey, open_checkpoint
from .published import Published
from .verify import Problem, VerifyReport


def check_anchors(report: VerifyReport, directory: Path, anchors: Sequence[Path]) -> VerifyReport:
    """The report with what the anchors showed: a ledger that was rolled back, rewritten, or signed anew.

    Uses the key of the report: the one that was given, else the directory's own, which shows that the key
    was replaced because the anchored checkpoints do not open under it.
    """
    found = [problem for place in anchors for problem in _check(report, Published(directory), place)]
    return msgspec.structs.replace(report, problems=(*report.problems, *found))


def check_since(report: VerifyReport, directory: Path, notes: Sequence[tuple[Path, bytes]]) -> VerifyReport:
    """The report with what earlier checkpoints showed, of which those of other ledgers are left out."""
    found: list[Problem] = []
    for place, note in notes:
        if note.partition(b"\n")[0].decode("utf-8", "replace") == report.origin:
            found += _check_note(report, Published(directory), place, note)
    return msgspec.structs.replace(report, problems=(*report.problems, *found))


def _check_note(report: VerifyReport, published: Published, place: Path, note: bytes) -> Sequence[Problem]:
    try:
        earlier = open_checkpoint(note, published.keys(VerifierKey.parse(report.key)))
    except VerificationError as error:
        return [Problem(str(place), 0, error.message, error.expected, error.found)]
    if earlier.size > report.size:
        says = "the ledger was rolled back: the checkpoint that was given is newer"
        return [Problem(str(place), 0, says, f"at least {earlier.size} entries", str(report.size))]
    return _compare(published, [earlier], place)


def _check(report: VerifyReport, published: Published, place: Path) -> Iterable[Problem]:
    try:
        key = published.keys(VerifierKey.parse(report.key))
        checkpoints = anchored_checkpoints(read_anchor(place, key.name), key)
        # Looked at after the anchor: a server that runs may have anchored more than the report knows.
        size = max(report.size, open_checkpoint(published.note(), key).size)
    except VerificationError as error:
        return [Problem(str(place), 0, f"anchor: {error.message}", error.expected, error.found)]
    if not checkpoints:
        return [Problem(str(place), 0, "the anchor holds no checkpoint of this ledger", key.name)]
    newest = max(checkpoints, key=lambda one: one.size)
    if newest.size > size:
        says = "the ledger was rolled back: an anchored checkpoint is newer"
        return [Problem(str(place), 0, says, f"at least {newest.size} entries", str(size))]
    return _compare(published, checkpoints, place)


def _compare(published: Published, checkpoints: Sequence[Checkpoint], place: Path) -> list[Problem]:
    for checkpoint in checkpoints:
        try:
            found = published.root(checkpoint.size)
        except GlasshatchError as error:
            return [Problem(str(place), 0, f"at size {checkpoint.size}: {error.message}")]
        if found != checkpoint.root:
            says = f"the ledger was rewritten: it had another tree at size {checkpoint.size}"
            return [Problem(str(place), 0, says, checkpoint.root.hex(), found.hex())]
    return []
