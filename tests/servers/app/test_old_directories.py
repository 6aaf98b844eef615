"""Every data directory that an older version wrote is verified, migrated, read and written on."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import RunningServer, run

ARCHIVES = sorted((Path(__file__).resolve().parents[2] / "assets").glob("data-v*.tar.gz"))
KNOWN = {
    "ledger.created": 1, "actor.created": 4, "token.issued": 3, "request.created": 2, "request.approved": 1,
    "grant.issued": 1, "grant.revoked": 1, "request.denied": 1, "order.packed": 240,
}  # fmt: skip


@pytest.fixture(params=ARCHIVES, ids=lambda archive: archive.name)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="tar")
    return tmp_path / "home"


def contents(home: Path) -> dict[str, str]:
    files = (path for path in sorted(home.rglob("*")) if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lines(*arguments: str) -> list[Any]:
    done = run(*arguments, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_there_is_one_of_every_version() -> None:
    assert [archive.name for archive in ARCHIVES] == ["data-v1.tar.gz"]


def test_an_old_directory_is_verified_without_a_change(home: Path) -> None:
    before = contents(home)
    done = run("verify", str(home), "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["entries_compared"]
    assert report["ledgers"][0]["entries_opened"] == report["ledgers"][0]["size"] > 256
    assert contents(home) == before


def test_an_old_directory_is_migrated_read_and_written_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = json.loads(run("verify", str(home), "--json").stdout)["ledgers"][0]["size"]
    assert {piece["what"] for piece in lines("migrate", str(home))} >= {"ledger", "keyring", "control store"}

    old = lines("events", "--data", str(home), "--limit", "1000")
    counted = Counter(line["event"]["action"] for line in old)
    assert {action: counted[action] for action in KNOWN} == KNOWN
    orders = [line["event"]["attrs"]["order"] for line in old if line["event"]["action"] == "order.packed"]
    assert orders == list(range(240))
    assert {actor["name"] for actor in lines("actors", "ls", "--data", str(home))} == {
        "admin", "dora", "emil", "robot",
    }  # fmt: skip
    (grant,) = lines("grants", "--state", "all", "--data", str(home))
    assert (grant["state"], grant["actor"], grant["approvers"]) == ("revoked", "dora", ["emil"])

    issued = run("tokens", "issue", "admin", "--out", str(tmp_path / "admin.token"), "--data", str(home))
    assert issued.returncode == 0, issued.stderr
    monkeypatch.setenv("ORDERS_PASSWORD", "nothing listens there")
    more = '[resources.orders]\ntype = "postgres"\nhost = "127.0.0.1"\ndatabase = "orders"\nuser = "u"\n'
    server = RunningServer(tmp_path, more + 'password = "env:ORDERS_PASSWORD"\ntls = "disable"\n').start()
    try:
        server.invite("frida", "engineer")
        proof, key = tmp_path / "event.proof", tmp_path / "ledger.pub"
        first = server.command("prove", old[0]["event"]["id"], "-o", str(proof), "--key-out", str(key))
        assert first.returncode == 0, first.stderr
        order = tmp_path / "order.jsonl"
        order.write_text(json.dumps({"action": "order.long", "lines": ["one line of it"] * 8_000}))
        assert server.jsonl("ingest", "json", str(order), person="frida")[0]["result"]["accepted"] == 1
    finally:
        assert server.stop() == 0
    assert run("verify", str(proof), "--key", str(key)).returncode == 0
    verified = json.loads(run("verify", str(home), "--key", str(key), "--json").stdout)
    assert verified["ok"], verified["problems"]
    assert verified["ledgers"][0]["size"] > size
    # What is newer than the directory is made in it as it is needed.
    assert verified["ledgers"][0]["blobs"] == 1
    (long,) = lines("events", "--data", str(home), "--action", "order.long")
    (whole,) = lines("show", long["event"]["id"], "--whole", "--data", str(home))
    assert len(whole["event"]["attrs"]["lines"]) == 8_000
