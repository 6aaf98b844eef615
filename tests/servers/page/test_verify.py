"""Verify really verifies: what was changed on the disk, in the index or in the ledger, is shown as broken."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.glasshatch import run
from glasshatch.ledger.log import leaf_hash

from .conftest import PageServer

# In a process of its own: one process opens one index, once.
FORGE = """
import sys
from pathlib import Path
from glasshatch.index.embedded import Embedded
engine = Embedded(Path(sys.argv[1]), 1024)
engine.run("ALTER TABLE events UPDATE rest = replaceOne(rest, 'paid 100', 'paid 999')"
           " WHERE rest LIKE '%paid 100%' SETTINGS mutations_sync = 2")
((found,),) = engine.select("SELECT count() FROM events WHERE rest LIKE '%paid 999%'")
assert found == 1, found
engine.close()
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[PageServer]:
    """A server of the test's own, to be damaged."""
    server = PageServer(tmp_path)
    server.start()
    yield server.populate()
    server.stop()


def address_of(server: PageServer, words: str) -> str:
    found = re.search(r'href="(/events/\d+)"', server.visitor("carol").get(f"/search?q=%22{words}%22").text)
    assert found
    return found[1]


def test_a_whole_event_is_proven_and_its_proof_holds_elsewhere(server: PageServer, tmp_path: Path) -> None:
    server.feed({"action": "bill.paid", "message": "paid 300 in cash"})
    carol = server.visitor("carol")
    address = address_of(server, "paid+300")
    text = carol.get(f"{address}?verify=1").text
    assert "These very bytes are in the log." in text
    proof = carol.get(f"{address}/proof")
    file = tmp_path / "event.proof"
    file.write_text(proof.text)
    assert "attachment" in proof.headers["Content-Disposition"]
    key = (server.home / "ledgers/default/key.vkey").read_text().strip()
    held = run("verify", str(file), "--key", key)
    assert held.returncode == 0, held.stderr
    root = re.search(r'<code class="hash">([0-9a-f]{64})</code>', text)
    assert root


def test_an_event_that_was_forged_in_the_index_is_shown_as_broken(own: PageServer) -> None:
    own.feed(
        {"action": "bill.paid", "message": "paid 100 in cash"}, {"action": "bill.paid", "message": "another"}
    )
    carol = own.visitor("carol")
    address = address_of(own, "in+cash")
    assert "These very bytes are in the log." in carol.get(f"{address}?verify=1").text
    own.stop()
    forged = subprocess.run(
        [sys.executable, "-c", FORGE, str(own.home / "derived/index/chdb")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert forged.returncode == 0, forged.stderr
    own.start(ready=False).wait_for("ready:", times=2)
    shown = carol.get(address).text
    assert "paid 999" in shown
    broken = carol.get(f"{address}?verify=1")
    assert broken.status == 200
    assert "The proof does not hold." in broken.text
    assert "not what is shown here" in broken.text
    assert "These very bytes" not in broken.text


def test_a_hash_that_was_changed_in_the_ledger_breaks_the_proof(own: PageServer) -> None:
    own.feed(*({"action": "bill.paid", "message": f"paid {number} in cash"} for number in range(500, 504)))
    carol = own.visitor("carol")
    address = address_of(own, "paid+501")
    index = int(address.rpartition("/")[2])
    with own.client("carol") as client:
        neighbour = bytes(client.show_event(str(index ^ 1)).event)
    file = own.home / "ledgers/default/hashes/level-0"
    # A leaf stands in the tree's file from the next checkpoint on, within a second.
    deadline_s = time.monotonic() + 120
    while (at := (data := bytearray(file.read_bytes())).find(leaf_hash(neighbour))) < 0:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    data[at] ^= 1
    file.write_bytes(data)
    broken = carol.get(f"{address}?verify=1")
    assert "The proof does not hold." in broken.text, broken.text
    assert "These very bytes" not in broken.text
