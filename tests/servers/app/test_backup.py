"""A server is backed up while psql statements pass through it; the copy is served and searched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixtures.gate import address_of, server_before
from fixtures.glasshatch import RunningServer, run
from fixtures.servers import Database
from glasshatch.app.backup import find_moment
from glasshatch.app.config import load_config
from glasshatch.app.opening import open_keyring
from glasshatch.events import decode
from glasshatch.ledger import LedgerReader

pytestmark = pytest.mark.slow


class Asking:
    """A client that asks for one number after another through the gateway, and notes those that came back."""

    def __init__(self, server: RunningServer, token: str) -> None:
        self._address = address_of(server, "alice", token)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered: list[int] = []
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def await_answers(self, count: int) -> None:
        goal, deadline_s = len(self.answered) + count, time.monotonic() + 60
        while len(self.answered) < goal:
            assert time.monotonic() < deadline_s, "the gateway answers no more"
            time.sleep(0.02)

    def _run(self) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            number = 700_000
            while not self._stop.is_set():
                number += 1
                assert connection.execute(f"SELECT {number}").fetchone() == (number,)
                self.answered.append(number)
                time.sleep(0.005)


@pytest.fixture
def server(tmp_path: Path, fresh_database: Database) -> Iterator[RunningServer]:
    server = server_before(fresh_database, tmp_path).start()
    yield server
    server.stop()


def ask_much(server: RunningServer, token: str) -> str:
    """Ask something that fills no entry, and see it in the record; the event's id."""
    wanted = ", ".join(str(number) for number in range(100_000, 112_000))
    with psycopg.connect(address_of(server, "alice", token), autocommit=True) as connection:
        assert connection.execute(f"SELECT 1 WHERE 7 IN ({wanted})").fetchone() is None
    (found,) = server.jsonl("search", "action:statement.run", person="carol")
    assert len(found["event"]["statement"]["text"]) < 5_000
    assert wanted in whole_text(server, found["event"]["id"])
    return found["event"]["id"]  # type: ignore[no-any-return]


def whole_text(server: RunningServer, event: str) -> str:
    shown = server.command("show", event, "--whole", "--format", "json", person="carol")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)["event"]["statement"]["text"]  # type: ignore[no-any-return]


def numbers_in(server: RunningServer, home: Path) -> set[int]:
    keyring = open_keyring(load_config(server.config))
    with LedgerReader(home / "ledgers" / "default", keyring) as reader:
        texts = [
            event.statement.text
            for event in (decode(data) for _, data in reader.scan())
            if event.statement is not None and event.action == "statement.run"
        ]
    return {int(found[0]) for text in texts if (found := re.findall(r"SELECT (\d+)", text))}


def test_backed_up_under_load_restored_served_and_searched(server: RunningServer, tmp_path: Path) -> None:
    token = server.invite("alice", "engineer")
    server.invite("carol", "auditor")
    place, restored = tmp_path / "backups", tmp_path / "again" / "home"
    large = ask_much(server, token)
    refused = server.command("show", large, "--whole", person="admin")
    assert (refused.returncode, "no event" in refused.stderr) == (2, True), refused
    asking = Asking(server, token)
    try:
        asking.await_answers(50)
        sizes: list[int] = []
        for _ in range(2):
            before = list(asking.answered)
            (made,) = server.jsonl("backup", str(place))
            during = len(asking.answered)
            sizes.append(made["bytes"])
            assert made["entries_compared"] is True
            asking.await_answers(10)
            assert during > len(before), "no statement was acknowledged while it was backed up"
            shutil.rmtree(restored, ignore_errors=True)
            master = f"file:{server.home / 'keys' / 'master.key'}"
            done = run("restore", str(place), str(restored), "--master-key", master)
            assert done.returncode == 0, done.stderr
            found = numbers_in(server, restored)
            assert not set(before) - found
        # What the first one copied was not copied again; the control store, lists and notes are small.
        control = (find_moment(place) / "control.db").stat().st_size
        assert made["copied"] <= made["bytes"] - sizes[0] + control + 20_000
    finally:
        asking.stop()
    recorded = server.jsonl("search", "action:backup.made", person="carol")
    assert [line["event"]["actor"]["name"] for line in recorded] == ["admin", "admin"]
    key = (server.home / "ledgers" / "default" / "key.vkey").read_text().strip()
    assert run("verify", str(restored), "--key", key).returncode == 0
    assert server.stop() == 0

    # The restored directory is a whole server: the same people and tokens, and the index is made anew.
    for name in ("admin", "carol", "alice"):
        shutil.copy2(tmp_path / f"{name}.token", restored.parent / f"{name}.token")
    resource = "[resources.shop]" + server.config.read_text().split("[resources.shop]")[1]
    again = RunningServer(restored.parent, resource).start()
    try:
        again.await_index("carol")
        deadline_s = time.monotonic() + 60
        number = before[-1]
        while again.command("search", f'"SELECT {number}"', "--count", person="carol").stdout.strip() in (
            "",
            "0",
        ):
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        assert "100000, 100001" in whole_text(again, large)
        (event,) = again.jsonl("search", "action:backup.restored", person="carol")
        assert event["event"]["attrs"]["size"] == str(made["size"])
    finally:
        assert again.stop() == 0


def test_only_administrators_back_up_a_running_server(server: RunningServer, tmp_path: Path) -> None:
    server.invite("bob", "engineer", "auditor")
    done: subprocess.CompletedProcess[str] = server.command("backup", str(tmp_path / "b"), person="bob")
    assert done.returncode == 3
    with pytest.raises(Exception, match="no whole backup"):
        find_moment(tmp_path / "b")
