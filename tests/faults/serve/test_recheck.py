"""A server on a record that was damaged where a start does not look: it finds it and stops, with the cure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixtures.glasshatch import RunningServer
from glasshatch.clock import SystemClock
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions

pytestmark = pytest.mark.slow
VERIFICATION = 5


def test_a_server_stops_on_a_record_that_is_not_whole(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    keys = server.home / "keys"
    keyring = Keyring.open(keys / "default.json", open_master_key(f"file:{keys / 'master.key'}"))
    # A start looks at the log and the tree's edge: so enough that the first entries lie behind both.
    small = LedgerOptions(segment_bytes=1 << 16, max_segment_bytes=1 << 16, pack_bundles=1)
    with Ledger.open(server.home / "ledgers" / "default", keyring, SystemClock(), small) as ledger:
        entry = json.dumps(json.loads(ledger.read(0)) | {"attrs": {"filler": "x" * 12_000}}).encode()
        for _ in range(600):
            ledger.submit(entry)
        ledger.append(entry)
    with open(server.home / "ledgers" / "default" / "hashes" / "level-0", "r+b") as file:
        os.pwrite(file.fileno(), bytes(32), 64)
    server.start(ready=False)
    assert server.process is not None
    assert server.process.wait(240) == VERIFICATION
    said = server.log.read_text()
    assert "hashes/level-0 at 0" in said
    assert "glasshatch verify" in said
