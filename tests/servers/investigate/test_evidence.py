"""Evidence bundles out of a running server and out of a directory that none holds, checked offline."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.glasshatch import RunningServer, run
from glasshatch.api.client import Client
from glasshatch.api.values import EvidenceForm, SealForm, SearchForm
from glasshatch.errors import GlasshatchError, TooLarge
from glasshatch.ledger.evidence import read_archive, write_archive

ASSET = Path(__file__).parents[2] / "assets" / "kubernetes-audit.jsonl.gz"
GETS = 'source.kind:kubernetes AND verb:"get"'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("evidence"))
    fed = run("ingest", "kubernetes", str(ASSET), "--data", str(server.home))
    assert fed.returncode == 0, fed.stderr
    server.start()
    server.invite("auditor", "auditor")
    server.invite("bob", "engineer")
    yield server
    server.stop()


def key_of(server: RunningServer) -> str:
    return (server.home / "ledgers" / "default" / "key.vkey").read_text().strip()


def test_a_bundle_holds_what_a_search_finds_and_verifies_anywhere(
    server: RunningServer, tmp_path: Path
) -> None:
    searched = server.jsonl("search", GETS, "--limit", "1000", person="auditor")
    file = tmp_path / "gets.zip"
    (made,) = server.jsonl("bundle", GETS, "-o", str(file), person="auditor")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    checked = run("verify", str(file), "--key", key_of(server), "--json")
    assert checked.returncode == 0, checked.stderr
    shown = json.loads(checked.stdout)
    assert shown["indices"] == [line["index"] for line in searched]
    assert shown["key_given"] is True
    assert shown["facts"]["made_by"]["name"] == "auditor"
    assert (made["made_index"], made["size"]) == (shown["made_index"], shown["size"])
    stored = [json.loads(line) for line in read_archive(file.read_bytes())["events.jsonl"].splitlines()]
    assert stored == [line["event"] for line in searched]
    # One proof alone is a proof like any other.
    single = tmp_path / "one.tlog-proof"
    single.write_bytes(read_archive(file.read_bytes())[f"proofs/{shown['indices'][0]:012d}.tlog-proof"])
    assert run("verify", str(single), "--key", key_of(server)).returncode == 0


def test_the_making_is_in_the_record(server: RunningServer, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    (made,) = server.jsonl("bundle", GETS, "-o", str(file), person="auditor")
    recorded = server.jsonl("search", "action:bundle.made", person="auditor")
    (event,) = [line["event"] for line in recorded if line["index"] == made["made_index"]]
    assert event["actor"]["name"] == "auditor"
    assert event["attrs"]["filter"]["query"] == made["facts"]["query"]
    assert event["data"]["rows"] == made["facts"]["events"] == len(made["indices"])


def test_a_bundle_with_a_short_form_says_so_and_where_the_whole_is(
    server: RunningServer, tmp_path: Path
) -> None:
    lines = [f"line {number} of an order that is long" for number in range(3_000)]
    order = tmp_path / "order.jsonl"
    order.write_text(json.dumps({"action": "order.long", "id": "long-1", "lines": lines}) + "\n")
    (fed,) = server.jsonl("ingest", "json", str(order), person="bob")
    assert fed["result"]["accepted"] == 1
    file = tmp_path / "long.zip"
    (made,) = server.jsonl("bundle", "action:order.long", "-o", str(file), person="auditor")
    assert run("verify", str(file), "--key", key_of(server)).returncode == 0
    members = read_archive(file.read_bytes())
    (event,) = map(json.loads, members["events.jsonl"].splitlines())
    assert len(event["attrs"]["lines"]) < 100
    for name in ("manifest.json", "index.html"):
        assert b"glasshatch show EVENT --whole" in members[name]
    (digest,) = (link["id"] for link in event["links"] if link["rel"] == "blob")
    client = Client(server.url, (server.home.parent / "auditor.token").read_text().strip())
    whole = bytes(client.show_whole(str(made["indices"][0])).event)
    assert hashlib.sha256(whole).hexdigest() == digest
    assert json.loads(whole)["attrs"]["lines"] == lines
    other = tmp_path / "gets.zip"
    server.jsonl("bundle", GETS, "-o", str(other), person="auditor")
    assert b"--whole" not in read_archive(other.read_bytes())["manifest.json"]


def test_one_changed_character_fails_and_says_where(server: RunningServer, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    server.jsonl("bundle", GETS, "-o", str(file), person="auditor")
    members = read_archive(file.read_bytes())
    for name in ("events.jsonl", "index.html", "manifest.json", "checkpoint"):
        changed = tmp_path / "changed.zip"
        content = members[name]
        at = content.index(b"e", 40)
        changed.write_bytes(write_archive(members | {name: content[:at] + b"f" + content[at + 1 :]}))
        done = run("verify", str(changed), "--key", key_of(server))
        assert done.returncode == 5
        assert f"{name}:" in done.stderr


def test_only_auditors_make_bundles_and_nobody_else_leaves_a_trace(
    server: RunningServer, tmp_path: Path
) -> None:
    before = server.command("search", "action:bundle.made", "--count", person="auditor").stdout
    for person in ("bob", "admin"):
        done = server.command("bundle", GETS, "-o", str(tmp_path / "b.zip"), person=person)
        assert done.returncode == 3, done.stderr
    assert not (tmp_path / "b.zip").exists()
    assert server.command("search", "action:bundle.made", "--count", person="auditor").stdout == before


def test_the_public_api_seals_nothing(server: RunningServer) -> None:
    token = (server.home.parent / "auditor.token").read_text().strip()
    with pytest.raises(GlasshatchError, match="nothing here"):
        Client(server.url, token).seal_evidence(SealForm(manifest="0" * 64, events=1))


def test_a_query_that_matches_nothing_and_a_file_that_exists(server: RunningServer, tmp_path: Path) -> None:
    file = tmp_path / "none.zip"
    (made,) = server.jsonl("bundle", "actor:nobody-of-that-name", "-o", str(file), person="auditor")
    assert made["indices"] == []
    again = server.command("bundle", GETS, "-o", str(file), person="auditor")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


def test_a_bundle_out_of_a_directory_without_a_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run("init", str(home), "--token-out", str(tmp_path / "token")).returncode == 0
    done = run("bundle", "", "-o", str(tmp_path / "all.zip"), "--data", str(home))
    assert done.returncode == 0, done.stderr
    key = home / "ledgers" / "default" / "key.vkey"
    checked = run("verify", str(tmp_path / "all.zip"), "--key", str(key))
    assert checked.returncode == 0, checked.stderr
    assert "proven" in checked.stdout
    assert "the bundle's own" in run("verify", str(tmp_path / "all.zip")).stdout


def test_more_than_a_bundle_holds_is_refused_and_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glasshatch.app.desk import evidence
    from glasshatch.app.local import create_unless_there, open_local

    create_unless_there(tmp_path / "home")
    monkeypatch.setattr(evidence, "MAX_EVENTS", 2)
    with open_local(tmp_path / "home") as (desk, caller):
        with pytest.raises(TooLarge, match="3 events match, and a bundle holds at most 2"):
            desk.make_evidence(caller, EvidenceForm())
        assert desk.search(caller, SearchForm(query="action:bundle.made")).count == 0
