"""Ledgers to be damaged: a pristine copy in memory, written back before every blow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from glasshatch.clock import ManualClock
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import Ledger, LedgerOptions

TINY = LedgerOptions(segment_bytes=1024, max_segment_bytes=1024, pack_bundles=1)


class Victim:
    """A closed, sound ledger that can be damaged file by file and made whole again."""

    def __init__(self, directory: Path, keyring: Keyring, entries: list[bytes], key: str) -> None:
        self.directory = directory
        self.keyring = keyring
        self.entries = entries
        self.key = key
        self.files = {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}

    def write(self, name: Path, data: bytes) -> None:
        (self.directory / name).write_bytes(data)

    def heal(self, name: Path) -> None:
        self.write(name, self.files[name])

    def heal_all(self) -> None:
        """The directory as it was, whatever happened to it."""
        for part in ("wal", "entries", "hashes", "checkpoints"):
            shutil.rmtree(self.directory / part, ignore_errors=True)
            (self.directory / part).mkdir()
        for name in self.files:
            self.heal(name)

    def unchanged(self) -> bool:
        found = {
            p.relative_to(self.directory): p.read_bytes() for p in self.directory.rglob("*") if p.is_file()
        }
        return found == self.files


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    master = create_master_key_file(tmp_path / "master.key")
    return Keyring.create(tmp_path / "keyring.json", "default", "example.com/audit", master)


@pytest.fixture
def victim(tmp_path: Path, keyring: Keyring) -> Callable[..., Victim]:
    def make(count: int, name: str = "victim", options: LedgerOptions = TINY) -> Victim:
        directory = tmp_path / name
        entries = [b"entry %d" % number for number in range(count)]
        with Ledger.create(directory, keyring, ManualClock(), options) as ledger:
            for number, entry in enumerate(entries):
                if number % 3:
                    ledger.submit(entry)
                else:
                    ledger.append(entry)
                if number % 100 == 3:
                    ledger.checkpoint(fresh=True)
        return Victim(directory, keyring, entries, str(ledger.key))

    return make
