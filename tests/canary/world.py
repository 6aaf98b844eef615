"""A server with all its stores, what is done to it, and where something of that is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer
from fixtures.servers import PostgresServer
from glasshatch.api.client import Client
from glasshatch.app.local import open_plaintext
from glasshatch.masking import shipped_packs

from . import ways_desk, ways_feeds, ways_gateway, ways_otlp
from .birds import Aviary, Canary
from .looking import Looker
from .wire import Wire

SHOP = "CREATE TABLE birds (n int DEFAULT 1, email text UNIQUE, note text)"
_CONFIG = """
[policy]
set = "{policy}"
[masking]
packs = {packs}
[resources.shop]
type = "postgres"
host = "{host}"
port = {port}
database = "{database}"
user = "{user}"
password = "file:{password}"
tls = "disable"
"""
_POLICY = '@id("all")\n@reason("anything")\npermit(principal, action, resource);\n'
PLANTED = {
    "ledger": "planted-canary-in-a-cluster-8c1f5f0e2b",
    "large event": "planted-canary-in-a-large-event-2e7a4d",
    "control.db": "planted.canary.in.control.77d01",
    "log": "planted-canary-in-the-log-5ad3e9",
    "temporary": "planted-canary-in-a-temporary-file-91bb0",
}
"""Words that are kept in clear on purpose: whoever looks must find them, each where it lies."""


class Visited:
    """The server after all visits: what was sent, and where a canary was found."""

    def __init__(self, folder: Path, database: PostgresServer, name: str) -> None:
        self.folder = folder
        self.aviary = Aviary()
        self.aviary.canaries += [
            Canary("planted", where, "raw", word, word) for where, word in PLANTED.items()
        ]
        (folder / "password").touch(0o600)
        (folder / "password").write_text(database.password)
        (folder / "everything.cedar").write_text(_POLICY)
        config = _CONFIG.format(
            policy=folder / "everything.cedar", packs=json.dumps(shipped_packs()), host=database.host,
            port=database.port, database=name, user=database.user, password=folder / "password",
        )  # fmt: skip
        self.server = RunningServer(folder, config)
        # What the server puts into the place for temporary files is looked at too.
        self.temporary = folder / "tmp"
        self.temporary.mkdir()

    def open(self) -> None:
        """Start the server and let everybody in."""
        self._start(1)
        self.token = self.server.invite("alice", "engineer")
        self.server.invite("bob", "approver", "engineer")
        self.server.invite("auditor", "auditor")
        scopes = ("json/shop", "kubernetes/prod", "pgaudit/orders", "cloudtrail/main", "otlp/shop")
        feeder = invite_feeder(self.server, *(f"ingest:{scope}" for scope in scopes), name="crows")
        self.feeder = Feeder(self.server, feeder)

    def _start(self, times: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(self.temporary))
            self.server.start(ready=False)
        self.server.wait_for("ready:", times)

    def enter(self, **more: int) -> Wire:
        """A connection to the gateway."""
        return Wire(self.server, **more)

    def inside(self, **more: int) -> Wire:
        """A connection of somebody who was let in."""
        wire = self.enter(**more)
        assert wire.log_in(self.token)
        return wire

    def visit(self) -> None:
        """Every way in, one after the other."""
        for way in self._ways():
            way()

    def _ways(self) -> Iterator[Callable[[], None]]:
        birds, feeder = self.aviary, self.feeder
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        for inside in ways_gateway.INSIDE:
            yield lambda inside=inside: inside(birds, self.inside())
        yield lambda: ways_gateway.split(birds, self.inside(chunk=5))
        yield lambda: ways_gateway.doors(birds, self.enter, self.token)
        yield lambda: ways_gateway.broken(birds, self.inside)
        yield lambda: ways_feeds.json_events(birds, feeder)
        yield lambda: ways_feeds.odd_bodies(birds, feeder)
        yield lambda: ways_feeds.kubernetes(birds, feeder)
        yield lambda: ways_feeds.pgaudit(birds, feeder)
        yield lambda: ways_feeds.cloudtrail(birds, feeder)
        yield lambda: ways_otlp.otlp(birds, feeder)
        yield lambda: ways_feeds.files(birds, feeder, elsewhere, next(self.folder.glob("crows-*.token")))
        yield lambda: ways_feeds.sdk(birds, feeder, elsewhere)
        # The application's spool and its files are its own.
        shutil.rmtree(elsewhere)
        for desk in ways_desk.DESK:
            yield lambda desk=desk: desk(birds, self.server)

    def plant(self) -> None:
        """Put into each store what it keeps in clear on purpose, by the store's own door."""
        self.feeder.post(ways_feeds.named(PLANTED["ledger"]), ways_feeds.KUBERNETES)
        large = {"action": "order.placed", "message": "word " * 30_000 + PLANTED["large event"]}
        self.feeder.post(json.dumps(large))
        added = self.server.command("actors", "add", PLANTED["control.db"])
        assert added.returncode == 0, added.stderr
        with self.server.log.open("a") as log:
            log.write(f"{PLANTED['log']}\n")
        (self.temporary / "left").write_text(PLANTED["temporary"])

    def crash(self) -> None:
        """SIGKILL to all of it while statements and deliveries come in."""
        stop = threading.Event()
        sent: list[str] = []

        def statements() -> None:
            wire = self.inside()
            while not stop.is_set() and len(sent) < 5_000:
                sent.append(self.aviary.one("crash statement", "email").value)
                wire.ask(f"SELECT '{sent[-1]}'")

        def deliveries() -> None:
            while not stop.is_set():
                message = self.aviary.text("crash delivery", ways_gateway.SHORT, ("raw",))
                with contextlib.suppress(Exception):
                    self.feeder.post(json.dumps({"action": "order.placed", "message": message}))

        threads = [threading.Thread(target=work, daemon=True) for work in (statements, deliveries)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(sent) < 50:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert self.server.process is not None
        os.killpg(self.server.process.pid, signal.SIGKILL)
        assert self.server.process.wait(120) == -signal.SIGKILL
        stop.set()
        for thread in threads:
            thread.join(60)

    def look(self) -> None:
        """Look at everything: as the crash left it, after a new start, and decrypted."""
        self.looker = Looker(self.aviary.canaries)
        home = self.server.home
        parts = [self.looker.in_directory(home)[1]]
        self._start(2)
        self._wait_for_index()
        self.files, running = self.looker.in_directory(home)
        assert self.server.stop() == 0
        self.decrypted = self.looker.in_parts(open_plaintext(home))
        log = self.looker.in_parts([("server log", self.server.log.read_bytes())])
        temporary = self.looker.in_directory(self.temporary)[1]
        parts += [running, self.looker.in_directory(home)[1], self.decrypted, log, temporary]
        self.found: dict[str, set[str]] = {}
        for part in parts:
            for name, places in part.items():
                self.found.setdefault(name, set()).update(places)

    def _wait_for_index(self) -> None:
        deadline = time.monotonic() + 60
        token = (self.folder / "auditor.token").read_text().strip()
        with contextlib.closing(Client(f"unix:{self.server.home}/run/glasshatch.sock", token)) as desk:
            while (state := desk.index_state()).indexed < state.ledger_size:
                assert time.monotonic() < deadline, "the index did not come so far"
                time.sleep(0.1)
