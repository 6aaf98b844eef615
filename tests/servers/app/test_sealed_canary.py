"""Values that occur once go in by every feed, are sealed, shown, erased: then no byte on the disk has one."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import shutil
import sqlite3
import stat
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from fixtures.counts import tell
from fixtures.feeding import Feeder
from fixtures.glasshatch import RunningServer, run
from fixtures.page import Visitor
from glasshatch.api.client import Client
from glasshatch.api.values import ActorForm, EventFilter, SearchForm, TokenForm
from glasshatch.api.vault_values import EraseForm
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import open_plaintext
from glasshatch.errors import Denied
from glasshatch.ledger.verify import verify_disclosure, verify_proof
from glasshatch.sdk import Recorder

SEAL = """
[[seal]]
source = "json/*"
fields = ["attrs.customer.email", "attrs.note", "client.ip", "actor.name", "native.card"]
subject = "attrs.customer.id"
subject_type = "CUSTOMER"
"""
CANARIES = {
    "attrs.customer.email": "zanzibar.canary.{}@mail.example.com",
    "attrs.note": "the parrot {} sings at the harbour wall",
    "client.ip": "203.0.113.{}",
    "actor.name": "Quintilia Überschlag-{}",
    "native.card": "4111 1111 1111 {:04d}",
}
WAYS = ("http", "file", "sdk")


def value(field: str, way: str) -> str:
    return CANARIES[field].format(231 + WAYS.index(way))


def order(way: str) -> dict[str, Any]:
    return {
        "action": "order.placed", "id": f"canary-{way}",
        "actor": {"id": f"u-{way}", "name": value("actor.name", way)},
        "customer": {"id": f"c-{way}", "email": value("attrs.customer.email", way)},
        "note": value("attrs.note", way), "client": {"ip": value("client.ip", way)},
        "native": {"card": value("native.card", way)},
    }  # fmt: skip


def forms(text: str) -> Iterator[bytes]:
    """A text in every encoding in which somebody might have left it somewhere."""
    for plain in {text, text.lower(), text.upper(), text.replace(" ", "")}:
        data = plain.encode()
        yield data
        yield data.hex().encode()
        yield data.hex().upper().encode()
        yield quote(plain, safe="").encode()
        yield plain.encode("utf-16-le")
        yield plain.encode("utf-16-be")
        yield json.dumps(plain)[1:-1].encode()
        for shift in range(3):
            # At each place of a base64 text, without the letters that its neighbours share in.
            encoded = base64.b64encode(b"x" * shift + data)
            yield encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]


NEEDLES = {form for way in WAYS for field in CANARIES for form in forms(value(field, way)) if len(form) >= 8}


def found_in(data: bytes) -> set[bytes]:
    return {needle for needle in NEEDLES if needle in data}


def inside(data: bytes) -> Iterator[bytes]:
    """The bytes without long runs of zeroes, and what is packed in them."""
    yield data.replace(bytes(256), b"")
    for unpack in (gzip.decompress, zlib.decompress):
        with contextlib.suppress(Exception):
            yield unpack(data)


def scan(directory: Path) -> tuple[int, set[str]]:
    """Every file below a directory, and where something was found.

    The index names its files anew when they are whole: what went between the look and the reading is
    looked for again, until a look finds nothing new."""
    seen: set[Path] = set()
    bad = set()
    while files := {path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()} - seen:
        for path in files:
            with contextlib.suppress(FileNotFoundError):
                if any(found_in(data) for data in inside(path.read_bytes())):
                    bad.add(str(path))
        seen |= files
    return len(seen), bad


PEOPLE = {"ann": ["auditor"], "pri": ["privacy", "auditor"], "app": ["approver"]}


def invite(server: RunningServer, name: str, *roles: str, scope: str = "*") -> str:
    """An actor with a token, in a file of their name; its text."""
    admin = server.admin_token.read_text().strip()
    with contextlib.closing(Client(f"unix:{server.home}/run/glasshatch.sock", admin)) as desk:
        desk.create_actor(ActorForm(name=name, roles=tuple(roles)))
        token = desk.issue_token(TokenForm(actor=name, scopes=(scope,))).text
    file = server.home.parent / f"{name}.token"
    file.touch(mode=0o600)
    file.write_text(token)
    return token


class World:
    """A server with a seal, people, and one order by each way in."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.events = recorded(self)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("canary")
    server = RunningServer(folder, SEAL).start()
    try:
        for name, roles in PEOPLE.items():
            invite(server, name, *roles)
        deliver(server, invite(server, "feeder", scope="ingest:json/*"), folder)
        yield World(server)
    finally:
        server.stop()


def deliver(server: RunningServer, token: str, folder: Path) -> None:
    answer = Feeder(server, token).post(json.dumps(order("http")).encode())
    assert answer.counts == (1, 0, 0)
    file = folder / "orders.jsonl"
    file.write_text(json.dumps(order("file")) + "\n")
    ingested = run(
        "ingest", "json", str(file), "--name", "files", "--server", f"unix:{server.home}/run/glasshatch.sock",
        "--token-file", str(folder / "feeder.token"),
    )  # fmt: skip
    assert ingested.returncode == 0, ingested.stderr
    members = order("sdk")
    with contextlib.closing(
        Recorder("checkout", server=server.url, token=lambda: token, spool=folder / "spool")
    ) as sdk:
        sdk.record(
            members["action"], actor="u-sdk", customer=members["customer"], note=members["note"],
            client=members["client"],
        )  # fmt: skip
        assert sdk.flush()
    file.unlink()
    shutil.rmtree(folder / "spool")


def recorded(world: World) -> dict[str, dict[str, Any]]:
    deadline_s = time.monotonic() + 60
    with client(world, "ann") as desk:
        while (found := desk.search(SearchForm(query="action:order.placed"))).count != len(WAYS):
            assert time.monotonic() < deadline_s, "the index did not come so far"
            time.sleep(0.1)
    events = [json.loads(bytes(one.event)) for one in found.events]
    ways = {"shop": "http", "files": "file", "checkout": "sdk"}
    return {ways[event["source"]["name"]]: event for event in events}


def reveal(world: World, way: str, field: str, *more: str) -> Any:
    return world.server.command(
        "reveal", world.events[way]["id"], field, "--reason", "subpoena 17/26", *more, person="ann"
    )


@contextlib.contextmanager
def client(world: World, person: str) -> Iterator[Client]:
    token = (world.server.home.parent / f"{person}.token").read_text().strip()
    with contextlib.closing(Client(f"unix:{world.server.home}/run/glasshatch.sock", token)) as made:
        yield made


def approve(world: World) -> None:
    with client(world, "app") as desk:
        (request,) = desk.list_requests("pending")
        desk.approve(request.id)


def test_every_way_in_seals_and_no_byte_of_the_running_server_has_a_value(world: World) -> None:
    assert set(world.events) == set(WAYS)
    for way in ("http", "file"):
        assert {one["field"] for one in world.events[way]["redaction"]["sealed"]} == set(CANARIES)
    assert {one["field"] for one in world.events["sdk"]["redaction"]["sealed"]} >= {
        "attrs.customer.email", "attrs.note",
    }  # fmt: skip
    files, bad = scan(world.server.home)
    assert files > 20
    assert not bad


def test_the_page_shows_which_fields_are_sealed_and_no_value(world: World) -> None:
    with client(world, "ann") as desk:
        index = desk.show_event(world.events["http"]["id"]).index
    token = (world.server.home.parent / "ann.token").read_text().strip()
    page = Visitor(world.server.api_port).sign_in(token).get(f"/events/{index}").text
    facts = page.partition("<dt>Sealed</dt>")[2].partition("<dt>")[0]
    assert all(f"<code>{field}</code>" in facts for field in CANARIES)
    assert not found_in(page.encode())


@pytest.fixture(scope="module")
def shown(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A value, shown on the screen once approved, and handed out in a file."""
    first = reveal(world, "http", "attrs.customer.email")
    assert (first.returncode, first.stdout) == (3, ""), first.stderr
    assert "glasshatch approve" in first.stderr
    approve(world)
    second = reveal(world, "http", "attrs.customer.email")
    assert (second.returncode, second.stdout.strip()) == (0, value("attrs.customer.email", "http"))
    file = tmp_path_factory.mktemp("shown") / "disclosure.json"
    third = reveal(world, "http", "attrs.customer.email", "-o", str(file))
    assert (third.returncode, third.stdout) == (0, ""), third.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    fourth = reveal(world, "http", "attrs.customer.email", "--format", "json")
    told = [json.loads(text) for text in (fourth.stdout, file.read_text())]
    assert [one.pop("proof")[:20] for one in told] == ["c2sp.org/tlog-proof@"] * 2
    assert told[0] == told[1]
    return file


def key_of(world: World, folder: Path) -> str:
    """The public key, and a proof of the first entry in `first.proof`."""
    with client(world, "pri") as desk:
        made = desk.prove("0")
    (folder / "first.proof").write_text(made.proof)
    return made.verifier_key


def test_a_value_is_shown_and_handed_out_and_anybody_can_check_it(
    world: World, shown: Path, tmp_path: Path
) -> None:
    key = key_of(world, tmp_path)
    checked = run("verify", str(shown), "--key", key)
    assert checked.returncode == 0, checked.stderr
    assert value("attrs.customer.email", "http") in checked.stdout
    changed = tmp_path / "changed.json"
    changed.write_text(shown.read_text().replace("zanzibar", "zanzibaz"))
    refused = run("verify", str(changed), "--key", key)
    assert (refused.returncode, "not the one that was sealed" in refused.stderr) == (5, True)
    with client(world, "pri") as desk:
        told = desk.list_events(EventFilter(action="value.revealed"))
    assert len(told) == 3
    assert not any(found_in(bytes(one.event)) for one in told)
    assert not scan(world.server.home)[1]


def test_what_is_erased_is_in_no_byte_and_everything_verifies(
    world: World, shown: Path, tmp_path: Path
) -> None:
    server, key = world.server, key_of(world, tmp_path)
    needles = wrapped_keys(server.home)
    receipts = [erase_by_hand(world, "http", tmp_path / "http.receipt")]
    receipts += [erase_through_the_api(world, way) for way in ("file", "sdk")]
    gone = reveal(world, "http", "attrs.customer.email")
    assert gone.returncode == 6
    assert "was erased at" in gone.stderr
    assert server.stop() == 0
    assert not found_in(server.log.read_bytes())

    files, bad = scan(server.home)
    sealed = len(CANARIES) * len(WAYS)
    tell(f"erased: {len(NEEDLES)} forms of {sealed} values in {files} files: {len(bad)} hits")
    assert not bad
    every_byte = b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file())
    assert not any(needle in every_byte for needle in needles)
    for name, data in open_plaintext(server.home):
        assert not found_in(data), name
    with contextlib.closing(sqlite3.connect(server.home / "control.db")) as connection:
        assert not found_in("".join(connection.iterdump()).encode())

    for proof in (*receipts, (tmp_path / "first.proof").read_bytes()):
        verify_proof(proof, key)
    assert verify_disclosure(shown.read_bytes(), key).disclosure.field == "attrs.customer.email"
    whole = verify_home(server.home, [key])
    assert (whole.ok, whole.entries_compared) == (True, True)
    shutil.rmtree(server.home / "keys")
    without = verify_home(server.home, [key])
    assert (without.ok, without.entries_compared) == (True, False)


def wrapped_keys(home: Path) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(home / "control.db")) as connection:
        found = [row[0].encode() for row in connection.execute("SELECT wrapped FROM subject_keys")]
    assert len(found) == len(WAYS)
    return found


def erase_through_the_api(world: World, way: str) -> bytes:
    form = EraseForm(subject=f"CUSTOMER:c-{way}", reason="request of 3 May")
    with client(world, "pri") as desk:
        with pytest.raises(Denied, match="approval"):
            desk.erase(form)
        approve(world)
        return desk.erase(form).proof.encode()


def erase_by_hand(world: World, way: str, receipt: Path) -> bytes:
    """As a person does, with the value on standard input; the receipt."""
    command = ("erase", "-", "--reason", "request of 3 May", "-o", str(receipt))
    token = world.server.home.parent / "pri.token"
    where = {"GLASSHATCH_DATA": str(world.server.home), "GLASSHATCH_TOKEN_FILE": str(token)}
    dry = run(*command, "--dry-run", "--format", "jsonl", typed=f"CUSTOMER:c-{way}\n", **where)
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["sealed"] == len(world.events[way]["redaction"]["sealed"])
    first = run(*command, typed=f"CUSTOMER:c-{way}\n", **where)
    assert first.returncode == 3, first.stderr
    approve(world)
    second = run(*command, typed=f"CUSTOMER:c-{way}\n", **where)
    assert second.returncode == 0, second.stderr
    assert "copies of control.db" in second.stderr
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    return receipt.read_bytes()
