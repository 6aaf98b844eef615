"""Makes an archive of a small data directory with the version that is checked out; README.md says how."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from fixtures.glasshatch import RunningServer
from glasshatch.app.config import load_config
from glasshatch.app.opening import open_keyring
from glasshatch.app.template import commented_config
from glasshatch.clock import SystemClock
from glasshatch.events import Event, Source, encode, uuid7
from glasshatch.ledger import Ledger, LedgerOptions

# Small packs and segments, so that a small directory has every kind of file.
SMALL = LedgerOptions(segment_bytes=64 << 10, max_segment_bytes=64 << 10, pack_bundles=1)
NOTES = 240
RESOURCE = """
[resources.orders]
type = "postgres"
host = "127.0.0.1"
port = 1
database = "orders"
user = "glasshatch"
password = "env:ORDERS_PASSWORD"
tls = "disable"
"""


def people(server: RunningServer) -> None:
    """Every table of the control store gets a row, and every change its event."""
    server.invite("dora", "engineer")
    server.invite("emil", "engineer", "approver")
    server.jsonl("actors", "add", "robot", "--type", "agent", "--on-behalf-of", "dora")


def access(server: RunningServer) -> None:
    """A request that somebody else approves, and whose grant is taken back; another is denied."""
    ask = ("request", "postgres/orders", "--verb", "update", "--reason", "a stuck order")
    (first,) = server.jsonl(*ask, person="dora")
    (second,) = server.jsonl(*ask, person="dora")
    (granted,) = server.jsonl("approve", first["id"], person="emil")
    server.jsonl("revoke", granted["grant_id"], person="emil")
    server.jsonl("deny", second["id"], "--comment", "once is enough", person="emil")


def notes(home: Path) -> None:
    """Enough entries for a pack, hashes of two levels, several checkpoints and a segment that was retired."""
    loaded = load_config(home / "glasshatch.toml")
    clock, source = SystemClock(), Source(kind="json", name="old")
    with closing(Ledger.open(home / "ledgers" / "default", open_keyring(loaded), clock, SMALL)) as ledger:
        for number in range(NOTES):
            now = clock.now_ns()
            event = Event(
                id=uuid7(now, os.urandom(10)), time=str(now), tenant="default", action="order.packed",
                source=source, attrs={"order": number},
            )  # fmt: skip
            ledger.append(encode(event))
            if number % 100 == 0:
                ledger.checkpoint(fresh=True)


def main(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder), RESOURCE, init=("--origin", "audit.example.com/old"))
        os.environ["ORDERS_PASSWORD"] = "nothing listens there"
        server.start()
        people(server)
        access(server)
        assert server.stop() == 0
        notes(server.home)
        # As `init` wrote it, but without the path of this machine that its first comment names.
        server.config.write_text(commented_config("default", "DIR/glasshatch.toml") + RESOURCE)
        for remade in ("cache", "run", "derived"):
            shutil.rmtree(server.home / remade)
        for side in server.home.glob("control.db-*"):
            side.unlink()
        with tarfile.open(archive, "w:gz", compresslevel=9) as out:
            out.add(server.home, "home", filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]))
