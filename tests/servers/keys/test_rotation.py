"""Every key of a running server changes: nothing restarts, nothing is lost, and everybody outside follows."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer, run
from fixtures.page import Visitor
from glasshatch.api.client import Client
from glasshatch.api.incident_values import IncidentForm, PinForm
from glasshatch.api.key_values import KeyView, RetireForm, RotateForm
from glasshatch.api.values import EvidenceForm, SearchForm
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import open_local
from glasshatch.errors import ConfigError, Conflict, Denied, VerificationError
from glasshatch.events import decode
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import LedgerReader, VerifierKey, verify_proof
from glasshatch.ledger.evidence import check_evidence, check_post_mortem, post_mortem_files
from glasshatch.ledger.log import decode_keys, parse_note
from glasshatch.ledger.monitor import Monitor, open_source, verify_served

pytestmark = pytest.mark.slow
PERSON = "erika.muster@example.com"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("rotation"), '[tlog]\naccess = "public"\n')
    server.first_key = (server.home / "ledgers/default/key.vkey").read_text().strip()  # type: ignore[attr-defined]
    server.start()
    server.invite("auditor", "auditor")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def feeder(server: RunningServer) -> Feeder:
    return Feeder(server, invite_feeder(server, "ingest"))


def record(feeder: Feeder, number: int) -> None:
    event = {"action": "order.shown", "time": str(time.time_ns()), "id": f"order-{number}"}
    answer = feeder.post(json.dumps(event | {"attrs": {"customer": PERSON}}) + "\n")
    assert answer.counts == (1, 0, 0)


@contextlib.contextmanager
def desk(server: RunningServer, person: str = "admin") -> Iterator[Client]:
    """The server's API, without the start of a command."""
    token = (server.home.parent / f"{person}.token").read_text().strip()
    with contextlib.closing(Client(f"unix:{server.home}/run/glasshatch.sock", token)) as client:
        yield client


def rotate(server: RunningServer, kind: Any, person: str = "admin") -> KeyView:
    with desk(server, person) as client:
        return client.rotate_key(RotateForm(kind=kind, reason=f"a new {kind} key"))


def listed(server: RunningServer) -> list[KeyView]:
    with desk(server) as client:
        return client.list_keys()


def keyring(server: RunningServer) -> Keyring:
    return Keyring.open(
        server.home / "keys/default.json", open_master_key(f"file:{server.home}/keys/master.key")
    )


def first_key(server: RunningServer) -> str:
    return str(server.first_key)  # type: ignore[attr-defined]


def test_a_person_is_found_under_the_tokens_of_both_keys(server: RunningServer, feeder: Feeder) -> None:
    record(feeder, 1)
    assert feeder.count(f'action:order.shown "{PERSON}"') == 1
    made = rotate(server, "token")
    assert (made.kind, made.epoch, made.state) == ("token", 2, "in use")
    record(feeder, 2)
    assert feeder.count(f'action:order.shown "{PERSON}"') == 2
    assert feeder.count(f'action:order.shown attrs.customer:"{PERSON}"') == 2
    assert feeder.count('action:order.shown NOT "somebody.else@example.com"') == 2
    assert feeder.count(f'action:order.shown NOT "{PERSON}"') == 0
    with desk(server, "auditor") as client:
        found = client.search(SearchForm(query=f'action:order.shown "{PERSON}"', limit=10))
    shown = [json.loads(bytes(one.event)) for one in found.events]
    assert len({one["attrs"]["customer"] for one in shown}) == 2
    assert PERSON not in json.dumps(shown)


def test_new_segments_are_sealed_under_the_new_data_key(server: RunningServer, feeder: Feeder) -> None:
    before = {key.id for key in listed(server) if key.kind == "data"}
    made = rotate(server, "data")
    segments = server.home / "ledgers/default/wal"
    deadline_s = time.monotonic() + 60
    while not any(made.id in path.read_bytes()[:64].hex() for path in segments.glob("*.seg")):
        assert time.monotonic() < deadline_s, "no spare segment under the new key"
        time.sleep(0.1)
    record(feeder, 3)
    states = {key.id: key.state for key in listed(server) if key.kind == "data"}
    assert states == dict.fromkeys(before, "kept") | {made.id: "in use"}


def test_people_sign_in_to_the_page_again_after_the_control_key_changed(server: RunningServer) -> None:
    visitor = Visitor(server.api_port)
    token = (server.home.parent / "auditor.token").read_text().strip()
    assert visitor.ask("POST", "/signin", {"token": token}).status == 303
    assert visitor.ask("GET", "/sessions").status == 200
    rotate(server, "control")
    assert visitor.ask("GET", "/sessions").location.startswith("/signin")
    again = Visitor(server.api_port)
    assert again.ask("POST", "/signin", {"token": token}).status == 303
    assert again.ask("GET", "/sessions").status == 200
    server.invite("late", "engineer")  # the store works, in both directions


def test_outsiders_follow_a_new_signing_key(server: RunningServer, feeder: Feeder, tmp_path: Path) -> None:
    first, log = VerifierKey.parse(first_key(server)), f"{server.url}/tlog/default"
    watch = Monitor(open_source(log), first, tmp_path / "seen")
    assert watch.look().finding == "first"
    before = prove(server)
    (made,) = server.jsonl("keys", "rotate", "signing", "--reason", "yearly")
    assert made["public"] == (server.home / "ledgers/default/key.vkey").read_text().strip() != str(first)
    looked = watch.look()
    assert (looked.finding, made["public"] in looked.says) == ("rekeyed", True)
    record(feeder, 4)
    during = prove(server)
    assert len(parse_note(during.partition(b"\n\n")[2]).signatures) == 2
    (old,) = [one for one in listed(server) if (one.kind, one.state) == ("signing", "kept")]
    (retired,) = server.jsonl("keys", "retire", old.id, "--reason", "everybody has the new one")
    assert retired["state"] == "retired"
    command = run("monitor", log, "--key", str(first), "--state", str(tmp_path / "seen"))
    assert (command.returncode, "THE LOG RETIRED THE KEY" in command.stdout) == (0, True)
    record(feeder, 5)
    served = verify_served(open_source(log), log, first, entries=False)
    assert (served.problems, len(served.keys), served.size > 0) == ((), 2, True)
    after = prove(server)
    for proof in (before, during):
        verify_proof(proof, first)
    file, keys = tmp_path / "after.tlog-proof", tmp_path / "succession"
    file.write_bytes(after)
    assert server.command("keys", "export", "-o", str(keys)).returncode == 0
    refused = run("verify", "--key", str(first), str(file))
    assert (refused.returncode, "glasshatch keys export" in refused.stderr) == (5, True)
    assert run("verify", "--key", str(first), str(file), "--succession", str(keys)).returncode == 0
    for proof in (before, during, after):
        verify_proof(proof, decode_keys(keys.read_bytes(), first))
    with desk(server, "auditor") as client:
        bundle = client.make_evidence(EvidenceForm(query="action:order.shown"))
        pins = (PinForm(event="0", why="from before the rotation"),)
        incident = client.create_incident(IncidentForm(title="Over a rotation", pins=pins))
        told = client.export_incident(str(incident.number))
    assert len(check_evidence(bundle, first).indices) == 5
    assert check_post_mortem(post_mortem_files(told), first).key_given
    with pytest.raises(VerificationError):
        check_evidence(bundle, VerifierKey(first.name, b"x" * 32))


def prove(server: RunningServer) -> bytes:
    with desk(server, "auditor") as client:
        found = client.search(SearchForm(query="action:order.shown", limit=1))
        return client.prove(str(found.events[0].index)).proof.encode()


def test_it_is_all_recorded_and_only_administrators_do_it(server: RunningServer) -> None:
    with pytest.raises(Denied):
        rotate(server, "data", person="auditor")
    with LedgerReader(server.home / "ledgers/default", keyring(server)) as reader:
        events = [decode(entry) for _, entry in reader.scan()]
    changes = [one for one in events if one.action in ("key.rotated", "key.retired")]
    kinds = [(one.action, one.attrs["kind"]) for one in changes]
    assert kinds == [
        ("key.rotated", "token"), ("key.rotated", "data"), ("key.rotated", "control"),
        ("key.rotated", "signing"), ("key.retired", "signing"),
    ]  # fmt: skip
    assert all(one.actor and one.actor.name == "admin" for one in changes)
    assert changes[0].outcome
    assert changes[0].outcome.reason == "a new token key"
    assert changes[3].links[0].rel == "succession"


def test_bad_asks_change_nothing(server: RunningServer) -> None:
    before = listed(server)
    with desk(server) as client:
        for form, says in (
            (RotateForm(kind="data", reason="why not", ledger="nowhere"), "no ledger"),
            (RotateForm(kind="data", reason="why not", now=True), "signing keys"),
            (RetireForm(key="0" * 16, reason="why not"), "no key"),
            (RetireForm(key=before[-1].id, reason="why not"), "cannot be retired"),
        ):
            with pytest.raises((ConfigError, Conflict), match=says):
                client.rotate_key(form) if isinstance(form, RotateForm) else client.retire_key(form)
    rewrap = server.command("keys", "rewrap", "--to", "env:NOWHERE", "--reason", "why not")
    assert (rewrap.returncode, "server is up" in rewrap.stderr) == (6, True)
    assert server.command("keys", "rotate", "data", "--reason", "").returncode == 2
    assert listed(server) == before


def test_backed_up_restored_and_started_again_everything_holds(server: RunningServer, tmp_path: Path) -> None:
    for _ in range(3):  # a place that has a moment of before takes one after a rotation, and after another
        done = server.command("backup", str(tmp_path / "backup"))
        assert done.returncode == 0, done.stderr
        rotate(server, "signing")
    restored = run(
        "restore", str(tmp_path / "backup"), str(tmp_path / "restored"),
        "--master-key", f"file:{server.home}/keys/master.key",
    )  # fmt: skip
    assert restored.returncode == 0, restored.stderr
    assert verify_home(tmp_path / "restored", [first_key(server)]).ok
    assert server.stop() == 0
    report = verify_home(server.home, [first_key(server)])
    assert (report.ok, report.entries_compared) == (True, True)


def test_an_older_keyring_with_newer_files_is_refused(server: RunningServer) -> None:
    """Restored alone, it would go on under keys that are out of use. The server has ended by now."""
    ring = server.home / "keys/default.json"
    for kind in ("data", "signing"):
        older = ring.read_bytes()
        with open_local(server.home) as (local, caller):
            local.rotate_key(caller, RotateForm(kind=kind, reason="a newer one"))  # type: ignore[arg-type]
        newer = ring.read_bytes()
        ring.write_bytes(older)
        with pytest.raises(VerificationError) as refused, open_local(server.home):
            pass
        assert "older copy" in refused.value.hint
        ring.write_bytes(newer)
    with open_local(server.home) as (local, caller):
        assert [key.state for key in local.list_keys(caller) if key.kind == "signing"] == [
            "retired", "kept", "kept", "kept", "kept", "in use",
        ]  # fmt: skip
