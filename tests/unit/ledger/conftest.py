"""A keyring and small ledgers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glasshatch.clock import ManualClock
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import Ledger, LedgerOptions

SMALL = LedgerOptions(segment_bytes=2048, max_segment_bytes=2048, pack_bundles=1)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    master = create_master_key_file(tmp_path / "master.key")
    return Keyring.create(tmp_path / "keyring.json", "default", "example.com/audit", master)


@pytest.fixture
def make(tmp_path: Path, keyring: Keyring) -> Callable[..., Ledger]:
    def make_ledger(name: str = "default", options: LedgerOptions = SMALL) -> Ledger:
        return Ledger.create(tmp_path / "ledgers" / name, keyring, ManualClock(), options)

    return make_ledger
