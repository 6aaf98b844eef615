"""What was pruned in the ledger goes from its backup too, with the next moment.

A moment keeps what it has of the packs that stay; the newest proof of the pruning is put into it, so that it
verifies and can be restored as before. A moment whose log still holds pruned entries goes as a whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...ledger import PRUNED_FILE, Published, log_begins, pack_number
from .moments import MANIFEST, PARTIAL, BackupFile, Moment, encode_moment, moments, read_moment, sync


def prune_moments(place: Path, newest: Path, folders: Sequence[str]) -> tuple[int, int]:
    """Take what was pruned out of the moments before `newest`; how many were changed, and how many went.

    Killed in between, each moment is as it was or without what was pruned, and the next backup goes on.

    Args:
        folders: Those of the ledgers, in a moment.
    """
    changed, dropped = set[Path](), set[Path]()
    for folder in folders:
        pruned = Published(newest / folder).pruned()
        for older in moments(place) if pruned.minimum else ():
            moment = read_moment(older)
            packs = _pruned_packs(moment, folder, pruned.packs)
            if older == newest or not packs:
                continue
            # Damaged, it is of no use as a backup, and it may hold what has to go.
            if log_begins(older / folder, _inside(moment, folder)) < pruned.minimum:
                _drop(place, older)
                dropped.add(older)
            else:
                _take_out(older, moment, packs, newest / folder / PRUNED_FILE, f"{folder}/{PRUNED_FILE}")
                changed.add(older)
    return len(changed - dropped), len(dropped)


def _inside(moment: Moment, folder: str) -> list[str]:
    start = f"{folder}/"
    return [file.path.removeprefix(start) for file in moment.files if file.path.startswith(start)]


def _pruned_packs(moment: Moment, folder: str, packs: int) -> list[BackupFile]:
    numbers = ((file, pack_number(file.path.removeprefix(f"{folder}/"))) for file in moment.files)
    return [file for file, number in numbers if number is not None and number < packs]


def _drop(place: Path, older: Path) -> None:
    # Renamed first: a moment is whole or not there.
    older.rename(place / PARTIAL)
    sync(place)
    shutil.rmtree(place / PARTIAL)


def _take_out(older: Path, moment: Moment, packs: list[BackupFile], proof: Path, name: str) -> None:
    size = proof.stat().st_size
    gone = {file.path for file in packs} | {name}
    files = [file for file in moment.files if file.path not in gone]
    _replace(older / name, proof.read_bytes())
    # The list first: whatever it does not name belongs to no backup.
    changed = msgspec.structs.replace(moment, files=(*files, BackupFile(name, size, size)))
    _replace(older / MANIFEST, encode_moment(changed))
    for file in packs:
        (older / file.path).unlink(missing_ok=True)
    sync((older / packs[0].path).parent)


def _replace(path: Path, data: bytes) -> None:
    """Another file of this name; moments share files, so it is never written into."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync(path.parent)
