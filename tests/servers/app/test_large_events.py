"""Events too large for an entry, in an opened house: kept whole, shown to those who may, held, backed up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.api.vault_values import EraseForm, RevealForm
from glasshatch.app.backup import make_backup, restore_home
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import local_operator, open_local, open_plaintext
from glasshatch.app.opening import config_of
from glasshatch.app.retention import Retention
from glasshatch.cli.connection import Bound
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Denied, VerificationError
from glasshatch.events import Event, StatementText, decode
from glasshatch.identity import Identity
from glasshatch.ledger import Pack
from glasshatch.ledger.log import blob_of
from glasshatch.ledger.log.layout import PACK_MAGIC, ZSTD, FileHeader

CONFIG = """
[[seal]]
source = "json/shop"
fields = ["attrs.customer.email", "attrs.story"]
subject = "attrs.customer.id"
subject_type = "CUSTOMER"

[ledgers.payments]
sources = ["json/pay"]
"""
PEOPLE = {"ann": ["auditor"], "eng": ["engineer"], "pri": ["privacy"], "app": ["approver", "auditor"]}
FILLING = [f"line {number} of an order that is long" for number in range(5_000)]

SPAN = Pack(Path(), FileHeader(PACK_MAGIC, ZSTD, "", bytes(16), 0, 0, 1, 1))


class World(msgspec.Struct):
    directory: Path
    house: House
    desk: FrontDesk
    people: dict[str, Identity]

    def take(self, name: str, ledger: str = "default", **members: Any) -> tuple[int, Event]:
        """Deliver one event that is large; its index and its entry."""
        log = self.house.ledgers.get(ledger)
        first = log.size
        body = json.dumps({"action": "order.placed", "id": f"{name}-{first}", "lines": FILLING, **members})
        taken = self.house.intake.take("json", name, body.encode())
        assert (taken.accepted, taken.quarantined) == (1, 0), taken
        index, entry = next(log.scan(first))
        assert len(entry) <= 65_535 < len(log.whole(index))
        return index, decode(entry)

    def whole(self, event: str, person: str = "ann") -> bytes:
        return bytes(self.desk.show_whole(self.people[person], event).event)

    def approved(self, what: str, person: str, form: Any) -> Any:
        """Ask, have it approved, ask again."""
        ask = getattr(self.desk, what)
        with pytest.raises(Denied, match="approval"):
            ask(self.people[person], form)
        for request in self.house.control.requests.list("pending"):
            self.desk.approve(self.people["app"], request.id, "")
        return ask(self.people[person], form)

    def blobs(self, ledger: str = "default") -> list[Path]:
        return sorted((self.directory / "ledgers" / ledger / "blobs").glob("*/*"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("large") / "home"
    create_home(directory)
    config = config_of(directory)
    text = config.read_text()
    with contextlib.closing(House(load_config(config), SystemClock(), brief=True)) as house:
        house.create_ledger("payments")
    config.write_text(text + CONFIG)
    house = House(load_config(config), SystemClock())
    people = {
        name: house.control.actors.create(name, roles=roles, now_ns=house.clock.now_ns() + at * 10**6)
        for at, (name, roles) in enumerate(PEOPLE.items())
    }
    made = World(directory, house, FrontDesk(house), people)
    yield made
    made.house.close()


def test_an_auditor_reads_the_whole_and_that_is_recorded_before(world: World) -> None:
    index, event = world.take("web", note="call anna.canary@example.com")
    size = world.house.ledger.size
    whole = world.whole(event.id)
    assert hashlib.sha256(whole).hexdigest() == blob_of(world.house.ledger.read(index))
    told = json.loads(whole)
    assert told["attrs"]["lines"] == FILLING
    assert told["attrs"]["note"].startswith("call <EMAIL:")
    assert (told["id"], told["redaction"]["counts"]) == (event.id, {"EMAIL": 1})
    (read,) = [decode(data) for _, data in world.house.ledger.scan(size)]
    assert (read.action, read.attrs["what"]) == ("record.read", "whole")
    assert world.whole(str(index)) == whole


def test_of_an_event_that_is_no_larger_the_whole_is_the_entry(world: World) -> None:
    assert world.whole("0") == world.house.ledger.read(0)


def test_who_may_not_see_an_event_sees_no_more_of_it(world: World) -> None:
    _, event = world.take("web")
    for person in ("eng", "pri"):
        with pytest.raises(ConfigError, match="no event"):
            world.whole(event.id, person)


def test_another_ledger_keeps_its_own(world: World) -> None:
    index, _ = world.take("pay", "payments")
    assert json.loads(world.whole(f"payments/{index}"))["attrs"]["lines"] == FILLING
    assert len(world.blobs("payments")) == 1


def test_a_claim_of_a_feed_is_no_blob(world: World) -> None:
    first = world.house.ledger.size
    body = json.dumps({"action": "a.b", "links": [{"rel": "blob", "id": "f" * 64}]})
    assert world.house.intake.take("json", "web", body.encode()).accepted == 1
    _, entry = next(world.house.ledger.scan(first))
    assert b"f" * 64 in entry
    assert world.whole(str(first)) == entry


def test_a_damaged_one_is_not_shown(world: World) -> None:
    index, event = world.take("web")
    (path,) = [one for one in world.blobs() if one.name == blob_of(world.house.ledger.read(index))]
    sound, size = path.read_bytes(), world.house.ledger.size
    for broken in (sound[:100] + bytes([sound[100] ^ 1]) + sound[101:], sound[:-9], b""):
        path.write_bytes(broken)
        with pytest.raises(VerificationError) as error:
            world.whole(event.id)
        assert "line" not in str(error.value)
    path.unlink()
    with pytest.raises(VerificationError, match=f"whole event of entry {index} is missing"):
        world.whole(event.id)
    assert world.house.ledger.size == size
    path.write_bytes(sound)
    assert world.whole(event.id)


def test_a_statement_of_a_session_is_kept_whole(world: World) -> None:
    event = world.house.maker.make("statement.run", statement=StatementText(text="SELECT " + "a," * 50_000))
    receipt = world.house.recorder.record(event)
    short = decode(world.house.ledger.read(receipt.index))
    assert short.statement is not None
    assert short.statement.text.startswith("SELECT a,a,")
    whole = decode(world.whole(event.id))
    assert whole.statement == event.statement


def test_a_value_that_was_sealed_or_tokenised_is_in_no_blob_before_or_after_its_erasure(world: World) -> None:
    canary, story = "quintilia.canary@example.com", "the parrot sings at the harbour wall " * 40
    _, event = world.take(
        "shop", customer={"id": 7, "email": canary}, story=story, talk=[f"I am {canary}, " * 3] * 2_000
    )
    whole = world.whole(event.id)
    assert {one["field"] for one in json.loads(whole)["redaction"]["sealed"]} == {
        "attrs.customer.email", "attrs.story",
    }  # fmt: skip
    needles = (canary.encode(), b"harbour wall")
    assert not any(needle in whole for needle in needles)
    reveal = RevealForm(event=event.id, field="attrs.customer.email", reason="subpoena 17 of the court")
    assert world.approved("reveal", "ann", reveal).value == canary
    world.approved("erase", "pri", EraseForm(subject="CUSTOMER:7", reason="request of 3 May"))
    assert world.whole(event.id) == whole, "the commitments stay, and so does the proof"
    world.house.close()
    clear = dict(open_plaintext(world.directory))
    assert sum(data.count(FILLING[-1].encode()) for data in clear.values()) > 3, "blobs are looked into"
    assert not [name for name, data in clear.items() for needle in needles if needle in data]
    world.house = House(load_config(config_of(world.directory)), SystemClock())
    world.desk = FrontDesk(world.house)


def test_all_of_it_verifies_with_and_without_the_key_and_on_a_read_only_copy(
    world: World, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world.directory, copy, ignore=shutil.ignore_patterns("run"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    for place in (world.directory, copy):
        for key in ("", f"file:{world.directory / 'keys' / 'master.key'}"):
            assert not verify_home(place, [], key).problems
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700)
    gone = sorted((copy / "ledgers" / "default" / "blobs").glob("*/*"))[1]
    gone.unlink()
    problems = verify_home(copy, [], f"file:{world.directory / 'keys' / 'master.key'}").problems
    assert gone.name in " ".join(problem.file for problem in problems)


def test_a_hold_on_somebody_who_is_named_in_a_blob_only_is_seen(world: World) -> None:
    retention = Retention(world.house)
    mark = "<EMAIL:1a2b3c4d5e6f7a8b>"
    index, event = world.take("web", deep=[*(["filling"] * 3_000), mark])
    assert mark.encode() not in world.house.ledger.read(index)
    assert mark.encode() in world.whole(event.id)
    pack = msgspec.structs.replace(SPAN, header=msgspec.structs.replace(SPAN.header, first=index, extent=1))
    assert any(mark.encode() in one for one in retention._wholes(world.house.ledger, pack))


def test_backups_share_them_and_what_is_restored_has_them(world: World, tmp_path: Path) -> None:
    place, again = tmp_path / "backups", tmp_path / "again"
    desk = Bound(world.desk, local_operator(world.house.tenant))
    _, event = world.take("web", round=1)
    first = make_backup(world.directory, place, desk, master_key=True)
    _, later = world.take("web", round=2)
    second = make_backup(world.directory, place, desk, master_key=True)
    assert second.copied < first.copied
    old, new = (sorted(Path(one.moment).glob("ledgers/default/blobs/*/*")) for one in (first, second))
    assert len(new) == len(old) + 1 == len(world.blobs())
    assert [one.stat().st_ino for one in old] == [
        one.stat().st_ino for one in new if one.name in {two.name for two in old}
    ]
    restore_home(Path(second.moment), again)
    master = f"file:{again / 'keys' / 'master.key'}"
    assert not verify_home(again, [], master).problems
    with open_local(again) as (desk, caller):
        for wanted in (event, later):
            assert bytes(desk.show_whole(caller, wanted.id).event) == world.whole(wanted.id)
    restore_home(Path(first.moment), tmp_path / "older", accept_older=True, reason="to look at it")
    assert len(sorted((tmp_path / "older").glob("ledgers/default/blobs/*/*"))) == len(old)
    assert not verify_home(tmp_path / "older", [], master).problems
