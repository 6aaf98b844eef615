"""One server with three ledgers: events go where they belong, and all of them are found and proven."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from fixtures.glasshatch import RunningServer, run
from fixtures.page import Visitor
from fixtures.servers import PostgresServer
from fixtures.witness import RunningWitness
from glasshatch.api.client import Client
from glasshatch.api.values import SearchForm
from glasshatch.app.config import load_config
from glasshatch.app.inspect import verify_home
from glasshatch.app.opening import open_keyring
from glasshatch.events import decode
from glasshatch.ledger import LedgerReader, VerifierKey
from glasshatch.ledger.log import split_notes
from glasshatch.ledger.monitor import Monitor, open_source
from glasshatch.ledger.verify import verify_proof
from glasshatch.ledger.witness import WitnessFolder

pytestmark = pytest.mark.slow

STREAMS = """
[ledgers.orders]
sources = ["json/orders", "json/orders-*"]
resources = ["postgres/shop"]
[ledgers.clusters]
sources = ["kubernetes/*"]
[tlog]
access = "public"
"""


RESOURCE = """
[resources.shop]
type = "postgres"
host = "{host}"
port = {port}
database = "postgres"
user = "{user}"
password = "file:{secret}"
tls = "disable"
"""
LEDGERS = ("default", "clusters", "orders")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("ledgers")
    secret = folder / "upstream.secret"
    secret.touch(mode=0o600)
    secret.write_text(postgres.password)
    shop = RESOURCE.format(host=postgres.host, port=postgres.port, user=postgres.user, secret=secret)
    witness = RunningWitness(folder / "witness")
    anchor = f'[[anchors]]\ntype = "file"\npath = "{folder}/anchor.notes"\nevery_seconds = 0\n'
    server = RunningServer(
        folder, STREAMS + shop + witness.setting + anchor, init=("--origin", "example.com/audit")
    )
    checked = run("config", "check", "--config", str(server.config), "--format", "jsonl")
    said = {one["key"]: one for one in map(json.loads, checked.stdout.splitlines())}
    assert "glasshatch ledger create orders" in said["ledgers"]["hint"]
    for name in ("orders", "clusters"):
        made = run("ledger", "create", name, "--data", str(server.home))
        assert made.returncode == 0, made.stderr
    for name in LEDGERS:
        WitnessFolder(witness.directory).trust(VerifierKey.parse(key_of(server, name)))
    witness.start()
    server.start()
    server.invite("ann", "auditor")
    yield server
    server.stop()
    witness.stop()


def key_of(server: RunningServer, ledger: str) -> str:
    return (server.home / "ledgers" / ledger / "key.vkey").read_text().strip()


def deliver(server: RunningServer, feed: str, *items: dict[str, object]) -> dict[str, int]:
    body = "\n".join(map(json.dumps, items)).encode()
    token = server.admin_token.read_text().strip()
    request = urllib.request.Request(
        f"{server.url}/v1/sources/{feed}", body, {"Authorization": f"Bearer {token}"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        taken: dict[str, int] = json.loads(answer.read())
        return taken


def events_of(server: RunningServer, ledger: str) -> list[str]:
    """The actions in a ledger, out of its own files."""
    keys = open_keyring(load_config(server.config)).ledger(ledger)
    with LedgerReader(server.home / "ledgers" / ledger, keys) as reader:
        return [decode(data).action for _, data in reader.scan()]


def test_feeds_go_where_they_belong(server: RunningServer) -> None:
    assert deliver(server, "json/orders", {"id": "1", "action": "order.paid"})["accepted"] == 1
    assert deliver(server, "json/orders-eu", {"id": "2", "action": "order.sent"})["accepted"] == 1
    assert deliver(server, "json/billing", {"id": "3", "action": "bill.sent"})["accepted"] == 1
    assert deliver(server, "json/orders", {"id": "1", "action": "order.paid"})["duplicates"] == 1
    assert events_of(server, "orders") == ["ledger.created", "order.paid", "order.sent"]
    assert events_of(server, "clusters") == ["ledger.created"]
    listed = {one["name"]: one for one in server.jsonl("ledger", "list")}
    assert list(listed) == ["default", "clusters", "orders"]
    assert listed["orders"]["streams"] == ["json/orders", "json/orders-*", "postgres/shop"]
    assert listed["orders"]["origin"] == "example.com/audit/orders"
    (started,) = server.jsonl("events", "--action", "server.started")
    assert "sources json/orders-* to orders" in started["event"]["attrs"]["streams"]


def test_each_ledger_is_shown_to_everybody_under_its_own_key(server: RunningServer, tmp_path: Path) -> None:
    for name, other in itertools.product(LEDGERS, LEDGERS):
        source = open_source(f"{server.url}/tlog/{name}")
        key = VerifierKey.parse(key_of(server, other))
        assert Monitor(source, key, tmp_path / f"{name}-{other}").look().alarm == (name != other)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/tlog/nosuch/checkpoint", timeout=120)


def test_a_proof_is_of_its_ledger(server: RunningServer, tmp_path: Path) -> None:
    proof, key = tmp_path / "p.tlog-proof", tmp_path / "key"
    made = server.command("prove", "orders/1", "-o", str(proof), "--key-out", str(key), person="ann")
    assert made.returncode == 0, made.stderr
    shown = json.loads(run("verify", str(proof), "--key", str(key), "--json").stdout)
    assert (shown["origin"], shown["event"]["action"]) == ("example.com/audit/orders", "order.paid")
    assert key.read_text().strip() == key_of(server, "orders")
    assert run("verify", str(proof), "--key", key_of(server, "default")).returncode == 5
    # The same by the event's id, wherever it is.
    found = server.command("prove", shown["event"]["id"], "-o", str(proof), person="ann")
    assert found.returncode == 0, found.stderr
    assert run("verify", str(proof), "--key", str(key)).returncode == 0


def test_each_is_shown_to_the_witness_and_anchored(server: RunningServer) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        found = server.jsonl("status")[0]
        if all(f"{name}: 1 of 1 at size" in found["witnessed"] for name in LEDGERS):
            break
        assert time.monotonic() < deadline_s, found
        time.sleep(0.2)
    for name in LEDGERS:
        cosigned = server.home / "witnessed" / name / "checkpoint"
        assert b"witness.example/w1" in cosigned.read_bytes()
    anchor = server.home.parent / "anchor.notes"
    while set(LEDGERS) - {
        note.split(b"\n")[0].decode().partition("/audit/")[2] or "default"
        for note in split_notes(anchor.read_bytes())[0]
    }:
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    assert run("verify", str(server.home), "--anchor", str(anchor)).returncode == 0


def test_all_of_them_are_verified_and_exported(server: RunningServer, tmp_path: Path) -> None:
    keys = [f"--key={key_of(server, name)}" for name in ("orders", "default", "clusters")]
    done = run("verify", str(server.home), *keys, "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert [one["key_given"] for one in report["ledgers"]] == [True] * 3
    assert run("verify", str(server.home), "--key", "example.com/other+1+AAAA").returncode == 2
    exported = run(
        "export", "tlog", str(tmp_path / "out"), "--ledger", "orders", "--entries", "--data", str(server.home)
    )
    assert exported.returncode == 0, exported.stderr
    watch = ("monitor", str(tmp_path / "out"), "--state", str(tmp_path / "seen"))
    assert run(*watch, "--key", key_of(server, "orders")).returncode == 0


def test_all_of_them_are_searched_together_and_by_name(server: RunningServer) -> None:
    found = server.jsonl("search", "action:order.* OR action:bill.*", person="ann")
    assert [(one.get("ledger", "default"), one["event"]["action"]) for one in found] == [
        ("orders", "order.paid"), ("orders", "order.sent"), ("default", "bill.sent"),
    ]  # fmt: skip
    assert "ledger" not in found[-1]
    assert len(server.jsonl("search", "ledger:orders", person="ann")) == 3
    assert len(server.jsonl("search", "action:ledger.created", person="ann")) == 5
    (row,) = server.jsonl("stats", "action:order.*", "--by", "ledger", person="ann")
    assert (row["values"], row["count"]) == (["orders"], 2)
    (shown,) = server.jsonl("show", "orders/2", person="ann")
    assert (shown["ledger"], shown["index"], shown["event"]["action"]) == ("orders", 2, "order.sent")
    assert server.jsonl("show", shown["event"]["id"], person="ann") == [shown]
    listed = server.command("events", "--action", "order.*", person="ann").stdout
    assert "orders/1" in listed
    assert "orders/2" in listed


def test_the_page_shows_and_verifies_what_is_in_another_ledger(server: RunningServer, tmp_path: Path) -> None:
    visitor = Visitor(server.api_port).sign_in((server.home.parent / "ann.token").read_text().strip())
    found = visitor.get("/search?q=action%3Aorder.sent&span=all").text
    assert '<td class="index">orders/2</td>' in found
    (address,) = set(re.findall(r'href="(/events/[^"]+)"', found))
    assert "These very bytes are in the log." in visitor.get(f"{address}?verify=1").text
    proof = tmp_path / "event.proof"
    proof.write_text(visitor.get(f"{address}/proof").text)
    assert verify_proof(proof.read_bytes(), key_of(server, "orders")).index == 2
    live = visitor.get("/tail?q=action%3Aorder.*").text
    (marks,) = re.findall(r'data-after="([^"]*)"', live)
    assert re.fullmatch(r"clusters/\d+,\d+,orders/\d+", marks)


def test_a_search_goes_on_where_it_came_to_in_each_ledger(server: RunningServer) -> None:
    client = Client(
        f"unix:{server.home}/run/glasshatch.sock", (server.home.parent / "ann.token").read_text().strip()
    )
    form = SearchForm(query="action:order.*", limit=1, after_in={"orders": 1})
    found = client.search(form)
    assert [event.place for event in found.events] == ["orders/2"]
    assert found.positions["orders"] == 3
    assert set(found.positions) == {"default", "orders", "clusters"}
    assert client.search(msgspec.structs.replace(form, after_in={"orders": 2})).events == []


def test_a_session_is_recorded_where_its_resource_leads(server: RunningServer) -> None:
    token = server.invite("alice", "engineer")
    before = len(events_of(server, "orders"))
    with psycopg.connect(
        f"host=127.0.0.1 port={server.gateway_port} user=alice password={token} dbname=shop sslmode=require",
        autocommit=True,
    ) as connection:
        assert connection.execute("SELECT 41 + 1").fetchone() == (42,)
    deadline_s = time.monotonic() + 120
    while "session.closed" not in (found := events_of(server, "orders")[before:]):
        assert time.monotonic() < deadline_s, found
        time.sleep(0.1)
    assert found == ["session.opened", "statement.run", "statement.finished", "session.closed"]
    (session,) = server.jsonl("sessions", person="ann")
    assert (session["actor"], session["statements"], session["state"]) == ("alice", 1, "closed")
    listed = server.jsonl("search", f"session:{session['id']}", person="ann")
    assert {one["ledger"] for one in listed} == {"orders"}
    assert {one["ledger"] for one in server.jsonl("timeline", f"session:{session['id']}", person="ann")} == {
        "orders"
    }


def test_a_ledger_made_while_the_server_runs_is_there_at_once(server: RunningServer) -> None:
    (made,) = server.jsonl("ledger", "create", "later")
    assert made["origin"] == "example.com/audit/later"
    assert server.command("ledger", "create", "later").returncode == 6
    assert server.command("ledger", "create", "mine", person="ann").returncode == 3
    assert run("monitor", f"{server.url}/tlog/later", "--key", made["verifier_key"],
               "--state", str(server.home.parent / "later.seen")).returncode == 0  # fmt: skip
    (shown,) = server.jsonl("search", "ledger:later", person="ann")
    assert shown["event"]["action"] == "ledger.created"
    assert server.jsonl("status")[0]["ledgers"] == ["clusters: 1", "later: 1", "orders: 7"]


def test_a_bundle_is_of_one_ledger_and_verifies_under_its_key(server: RunningServer, tmp_path: Path) -> None:
    both, mine = tmp_path / "both.zip", tmp_path / "mine.zip"
    query = "action:order.* OR action:bill.*"
    refused = server.command("bundle", query, "-o", str(both), person="ann")
    assert refused.returncode == 2
    assert "several ledgers match: default, orders" in refused.stderr
    (made,) = server.jsonl("bundle", query, "-o", str(mine), "--ledger", "orders", person="ann")
    assert (made["origin"], made["indices"]) == ("example.com/audit/orders", [1, 2])
    assert run("verify", str(mine), "--key", key_of(server, "orders")).returncode == 0
    assert run("verify", str(mine), "--key", key_of(server, "default")).returncode == 5
    assert events_of(server, "orders")[-1] == "bundle.made"
    # Where all that matches is in one ledger, none has to be named.
    (made,) = server.jsonl("bundle", "action:bill.*", "-o", str(both), person="ann")
    assert made["origin"] == "example.com/audit"


def test_a_running_server_is_backed_up_with_all_of_them(server: RunningServer, tmp_path: Path) -> None:
    (made,) = server.jsonl("backup", str(tmp_path / "backup"))
    assert set(made["ledgers"]) == {"clusters", "orders", "later"}
    restored = run(
        "restore", str(tmp_path / "backup"), str(tmp_path / "restored"), "--format", "jsonl",
        "--master-key", f"file:{server.home}/keys/master.key",
    )  # fmt: skip
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["ledgers"] == made["ledgers"]
    keys = [key_of(server, name) for name in (*LEDGERS, "later")]
    report = verify_home(tmp_path / "restored", keys)
    report.require()
    sizes = {Path(one.directory).name: one.size for one in report.ledgers}
    assert sizes == made["ledgers"] | {"default": made["size"] + 1}
