"""What was pruned in the ledger goes from its backup too, with the next moment.

A moment keeps what it has of the packs and blobs that stay; the newest proof of the pruning is put into it,
so that it verifies and can be restored as before. A moment whose log still holds pruned entries goes as a
whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...ledger import PRUNED_FILE, Pruning, Published, log_begins, pack_number, pruned_blobs
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
            inside = _inside(moment, folder)
            if older == newest or not inside:
                continue
            # Damaged, it is of no use as a backup, and it may hold what has to go.
            if log_begins(older / folder, inside) < pruned.minimum:
                _drop(place, older)
                dropped.add(older)
            elif going := _pruned_files(older / folder, pruned):
                _take_out(older, moment, folder, going, newest)
                changed.add(older)
    return len(changed - dropped), len(dropped)


def _inside(moment: Moment, folder: str) -> list[str]:
    start = f"{folder}/"
    return [file.path.removeprefix(start) for file in moment.files if file.path.startswith(start)]


def _pruned_files(directory: Path, pruned: Pruning) -> list[Path]:
    """What lies there of pruned packs and blobs, listed or not: a crash may come before it is deleted."""
    found = ((path, pack_number(f"entries/{path.name}")) for path in (directory / "entries").glob("*"))
    packs = sorted(path for path, number in found if number is not None and number < pruned.packs)
    return [*(directory / path for path in pruned_blobs(directory, pruned.minimum)), *packs]


def _drop(place: Path, older: Path) -> None:
    # Renamed first: a moment is whole or not there.
    older.rename(place / PARTIAL)
    sync(place)
    shutil.rmtree(place / PARTIAL)


def _take_out(older: Path, moment: Moment, folder: str, going: Sequence[Path], newest: Path) -> None:
    name, proof = f"{folder}/{PRUNED_FILE}", (newest / folder / PRUNED_FILE).read_bytes()
    _replace(older / name, proof)
    gone = {path.relative_to(older).as_posix() for path in going} | {name}
    files = [file for file in moment.files if file.path not in gone]
    # The list first: whatever it does not name belongs to no backup.
    changed = msgspec.structs.replace(moment, files=(*files, BackupFile(name, len(proof), len(proof))))
    _replace(older / MANIFEST, encode_moment(changed))
    for path in going:
        path.unlink()
    for touched in {path.parent for path in going}:
        sync(touched)


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
