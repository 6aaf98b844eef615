"""Which files a ledger consists of: none may be missing, and none may lie there that does not belong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from ..log.blobs import BlobPlace, folder_number, is_digest
from ..log.layout import (
    BLOBS,
    CHECKPOINT_FILE,
    CHECKPOINTS,
    DIRECTORIES,
    ENTRIES,
    FORMAT_FILE,
    HASHES,
    KEY_FILE,
    LOCK_FILE,
    PRUNED_FILE,
    PRUNING_FILE,
    SUCCESSION_FILE,
    TEMPORARY_SUFFIX,
    WAL,
    file_number,
)
from .report import Findings

_SINGLE_FILES = (FORMAT_FILE, KEY_FILE, LOCK_FILE, CHECKPOINT_FILE)
_OPTIONAL_FILES = (SUCCESSION_FILE, PRUNED_FILE, PRUNING_FILE)
"""There once the key was changed, or entries were pruned."""


class Inventory(msgspec.Struct):
    """The numbers of the numbered files, by directory, and the totals."""

    numbers: dict[str, list[int]]
    blobs: list[BlobPlace] = []
    files: int = 0
    bytes: int = 0


def take_inventory(directory: Path, findings: Findings) -> Inventory:
    """List everything; unknown names, links and gaps in the numbers are problems."""
    inventory = Inventory({name: [] for name in DIRECTORIES})
    present = set()
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        present.add(entry.name)
        if entry.name in DIRECTORIES:
            if not entry.is_dir(follow_symlinks=False):
                findings.add(entry.name, 0, "must be a directory")
        elif entry.name == BLOBS and entry.is_dir(follow_symlinks=False):
            _list_blobs(directory, inventory, findings)
        elif entry.name in (*_SINGLE_FILES, *_OPTIONAL_FILES):
            _count(entry, entry.name, inventory, findings)
        else:
            _unknown(entry.name, findings)
    for name in (*_SINGLE_FILES, *DIRECTORIES):
        if name not in present:
            findings.add(name, 0, "is missing")
        elif name in DIRECTORIES and (directory / name).is_dir():
            _list_directory(directory, name, inventory, findings)
    return inventory


def _list_directory(directory: Path, part: str, inventory: Inventory, findings: Findings) -> None:
    for entry in sorted(os.scandir(directory / part), key=lambda entry: entry.name):
        number = file_number(part, entry.name)
        if number is None:
            _unknown(f"{part}/{entry.name}", findings)
        elif _count(entry, f"{part}/{entry.name}", inventory, findings):
            inventory.numbers[part].append(number)
    inventory.numbers[part].sort()
    _check_gaps(part, inventory.numbers[part], findings)


def _list_blobs(directory: Path, inventory: Inventory, findings: Findings) -> None:
    for folder in sorted(os.scandir(directory / BLOBS), key=lambda entry: entry.name):
        number, name = folder_number(folder.name), f"{BLOBS}/{folder.name}"
        if number is None or not folder.is_dir(follow_symlinks=False):
            _unknown(name, findings)
            continue
        for entry in _entries_of(folder):
            if not is_digest(entry.name):
                _unknown(f"{name}/{entry.name}", findings)
            elif _count(entry, f"{name}/{entry.name}", inventory, findings):
                inventory.blobs.append(BlobPlace(number, entry.name))


def _entries_of(folder: os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []  # a live server pruned all that was in it


def _check_gaps(part: str, numbers: list[int], findings: Findings) -> None:
    if part in (WAL, CHECKPOINTS) and not numbers:
        findings.add(part, 0, "has no file")
    # Segments are retired and packs pruned from the front; how far is checked with their contents.
    start = numbers[0] if part in (WAL, ENTRIES) and numbers else 0
    if part in (WAL, ENTRIES, HASHES, CHECKPOINTS) and numbers != list(range(start, start + len(numbers))):
        findings.add(part, 0, "a file is missing in between", found=numbers[-1] if numbers else "")


def _count(entry: os.DirEntry[str], name: str, inventory: Inventory, findings: Findings) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        # A live server retires segments; the caller looks again.
        findings.add(name, 0, "vanished while it was looked at")
        return False
    if not stat.S_ISREG(status.st_mode):
        findings.add(name, 0, "must be a regular file")
        return False
    inventory.files += 1
    inventory.bytes += status.st_size
    return True


def _unknown(name: str, findings: Findings) -> None:
    if name.endswith(TEMPORARY_SUFFIX):
        findings.add(name, 0, "is left over from an interrupted write", kind="unfinished")
    else:
        findings.add(name, 0, "does not belong to a ledger")
