"""The control store killed with -9 at any moment: what was acknowledged is there, and it opens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glasshatch.control import ControlStore

WORK = """
import os, sys
from pathlib import Path
from glasshatch.control import ControlStore

store = ControlStore.open(Path(sys.argv[1]), tenant="default", mac_key=b"k" * 32, random=os.urandom)
alice, bob = store.actors.named("alice"), store.actors.named("bob")
now = int(sys.argv[2])
print("ready", flush=True)
while True:
    now += 1_000_000
    wish = store.requests.create(
        alice, resource="postgres/orders", verbs=["write"], duration_ns=10**12, reason="it hangs", now_ns=now
    )
    print("asked", wish.id, flush=True)
    _, grant = store.requests.approve(wish.id, bob, now)
    print("granted", grant.id, flush=True)
    store.grants.revoke(grant.id, bob.id, now)
    print("revoked", grant.id, flush=True)
"""


@pytest.mark.parametrize("after_ms", [0, 37, 110, 250])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, after_ms: int) -> None:
    path, now = tmp_path / "control.db", 1_800_000_000_000_000_000
    store = ControlStore.create(path, tenant="default", mac_key=b"k" * 32, random=os.urandom)
    for name in ("alice", "bob"):
        store.actors.create(name, now_ns=now)
    store.close()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORK, str(path), str(now)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout
    assert worker.stdout.readline() == "ready\n"
    time.sleep(after_ms / 1000)
    worker.kill()
    said = [line.split() for line in worker.communicate()[0].splitlines() if line.count(" ") == 1]

    # Opening verifies every row and that they are exactly the rows that were committed.
    store = ControlStore.open(path, tenant="default", mac_key=b"k" * 32, random=os.urandom)
    for what, id in said:
        if what == "asked":
            assert store.requests.get(id)
        elif what == "granted":
            assert store.requests.get(store.grants.get(id).request_id).state == "approved"
        else:
            assert store.grants.get(id).revoked_ns
    granted = {grant.request_id for grant in store.grants.list()}
    assert granted == {request.id for request in store.requests.list("approved")}
    store.close()
