"""Break-glass where workers serve: the front fails while they do, and the next one serves sheets alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.servers import PostgresServer
from glasshatch.app.breakglass.opening import open_book
from glasshatch.app.breakglass.records import Printed
from glasshatch.app.breakglass.sheets import digest_of, make_secret, spell
from glasshatch.app.config import load_config
from glasshatch.app.opening import open_keyring
from glasshatch.clock import SystemClock
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions

from .conftest import PolicyServer
from .test_break_glass import WHY, connect, refused

FILLERS = 600


@pytest.fixture
def crowd(postgres: PostgresServer, open_directory: Path) -> Iterator[PolicyServer]:
    folder = open_directory / "glass-workers"
    folder.mkdir()
    postgres.sql("CREATE DATABASE glasscrowd")
    postgres.sql(
        "CREATE TABLE orders (id int, cents int); INSERT INTO orders VALUES (1, 1)", database="glasscrowd"
    )
    server = PolicyServer(folder, postgres)
    server.config.write_text(server.config.read_text().replace('"policyshop"', '"glasscrowd"'))
    server.options = ("--workers", "2")
    yield server
    server.stop()
    postgres.sql("DROP DATABASE glasscrowd WITH (FORCE)")


def printed(server: PolicyServer) -> str:
    """A sheet for alice, as it is printed: the server is not there for it."""
    loaded, clock, secret = load_config(server.config), SystemClock(), make_secret(os.urandom)
    book = open_book(loaded, open_keyring(loaded))
    book.append(
        [
            Printed(
                at_ns=clock.now_ns(), number=1, digest=digest_of(1, secret), holder_id="alice",
                holder="alice", tenant="default", roles=("engineer",), resources=("postgres/*",),
                verbs=("*",), window_s=3_600, until_ns=clock.now_ns() + 3_600 * 10**9, by="admin",
            )
        ]
    )  # fmt: skip
    book.close()
    return spell(1, secret)


def damage(server: PolicyServer) -> None:
    """Fill the ledger of a stopped server, and change what a start does not look at."""
    keys = server.home / "keys"
    keyring = Keyring.open(keys / "default.json", open_master_key(f"file:{keys / 'master.key'}"))
    small = LedgerOptions(segment_bytes=1 << 16, max_segment_bytes=1 << 16, pack_bundles=1)
    with Ledger.open(server.home / "ledgers" / "default", keyring, SystemClock(), small) as ledger:
        entry = json.dumps(json.loads(ledger.read(0)) | {"attrs": {"filler": "x" * 12_000}}).encode()
        for _ in range(FILLERS):
            ledger.submit(entry)
        ledger.append(entry)
    with open(server.home / "ledgers" / "default" / "hashes" / "level-0", "r+b") as file:
        os.pwrite(file.fileno(), bytes(32), 64)


def test_with_workers_the_front_serves_sheets_alone_once_the_ledger_fails(crowd: PolicyServer) -> None:
    sheet = printed(crowd)
    damage(crowd)
    # It starts, workers serve, and then the look at the whole record finds it.
    crowd.start(ready=False)
    crowd.wait_for("BREAK-GLASS ONLY")
    assert "only break-glass opens" in refused(crowd, "alice", "a token")
    with connect(crowd, "alice", f"{sheet} {WHY}") as alice:
        assert alice.execute("UPDATE orders SET cents = %s WHERE id = 1", (12,)).rowcount == 1
    assert crowd.database.sql("SELECT cents FROM orders", database="glasscrowd") == "12"
    assert "begins anew for break-glass" in crowd.log.read_text()
    assert crowd.process is not None
    crowd.process.send_signal(signal.SIGTERM)
    assert crowd.process.wait(40) == 0
