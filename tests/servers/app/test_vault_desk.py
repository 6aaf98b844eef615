"""Sealed values in an opened house: taken in, shown under two names, held, erased."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.api.vault_values import EraseForm, HoldForm, RevealForm
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import local_operator
from glasshatch.app.opening import config_of
from glasshatch.cli.revealing import _disclosure
from glasshatch.clock import ManualClock, SystemClock
from glasshatch.errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable, VerificationError
from glasshatch.events import Event, commitment, decode
from glasshatch.identity import Identity
from glasshatch.ledger.verify import verify_disclosure, verify_proof

SEAL = """
[[seal]]
source = "json/shop"
fields = [
  "attrs.customer.email", "attrs.lines[*].note", "attrs.vip", "attrs.visits", "client.ip", "attrs.password",
]
subject = "attrs.customer.id"
subject_type = "CUSTOMER"
"""
REASON = "subpoena 17 of the court"


class World(msgspec.Struct):
    """A house on a directory, its desk, and people."""

    directory: Path
    house: House
    desk: FrontDesk
    people: dict[str, Identity]

    def take(self, customer: int, number: int = 1, **members: Any) -> Event:
        """Deliver one order, and read what was recorded."""
        order = {
            "action": "order.placed", "actor": "web", "id": f"order-{customer}-{number}",
            "customer": {"id": customer, "email": f"anna{customer}.canary@example.com"},
            "lines": [{"note": f"ring twice, {customer}"}, {"note": "leave it at the door"}],
            "vip": True, "visits": 17 + number, "client": {"ip": f"10.9.8.{customer % 250}"},
            "password": "correct-horse-7",
        }  # fmt: skip
        first = self.house.ledger.size
        taken = self.house.intake.take("json", "shop", json.dumps(order | members).encode())
        assert (taken.accepted, taken.quarantined) == (1, 0), taken
        return decode(next(data for _, data in self.house.ledger.scan(first)))

    def reveal(self, event: Event, field: str = "attrs.customer.email", person: str = "ann") -> Any:
        return self.desk.reveal(self.people[person], RevealForm(event=event.id, field=field, reason=REASON))

    def erase(self, customer: int, person: str = "pri", **how: Any) -> Any:
        return self.desk.erase(
            self.people[person],
            EraseForm(subject=f"CUSTOMER:{customer}", reason="request of 3 May", **how),
        )

    def approve_all(self, person: str = "app") -> None:
        for request in self.house.control.requests.list("pending"):
            if request.actor_id != self.people[person].id:
                self.desk.approve(self.people[person], request.id, "")

    def erased(self, customer: int) -> Any:
        """Both steps of an erasure."""
        with pytest.raises(Denied, match="approval"):
            self.erase(customer)
        self.approve_all()
        return self.erase(customer)

    def actions(self, action: str) -> list[Event]:
        found = (decode(data) for _, data in self.house.ledger.scan())
        return [event for event in found if event.action == action]

    def reopen(self) -> None:
        self.house.close()
        self.house = House(load_config(config_of(self.directory)), SystemClock())
        self.desk = FrontDesk(self.house)


PEOPLE = {"ann": ["auditor"], "pri": ["privacy"], "app": ["approver", "auditor"], "eng": ["engineer"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("vault") / "home"
    create_home(directory)
    config = config_of(directory)
    config.write_text(config.read_text() + SEAL)
    house = House(load_config(config), SystemClock())
    people = {
        name: house.control.actors.create(name, roles=roles, now_ns=house.clock.now_ns() + at * 10**6)
        for at, (name, roles) in enumerate(PEOPLE.items())
    }
    made = World(directory, house, FrontDesk(house), people)
    yield made
    with contextlib.suppress(GlasshatchError):
        made.house.close()


def test_a_sealed_field_holds_a_token_and_the_event_commits_to_its_value(world: World) -> None:
    event = world.take(1)
    assert event.attrs["customer"]["email"].startswith("<EMAIL:")
    assert event.attrs["lines"][0]["note"].startswith("<TEXT:")
    assert (event.attrs["vip"], event.attrs["visits"][:6]) == ("<BOOLEAN>", "<TEXT:")
    assert event.client.ip.startswith("<IP:")
    assert event.attrs["password"] == "<SECRET>"
    fields = {one.field: one for one in event.redaction.sealed}
    assert set(fields) == {
        "attrs.customer.email", "attrs.lines[0].note", "attrs.lines[1].note", "attrs.vip", "attrs.visits",
        "client.ip",
    }  # fmt: skip
    assert {one.subject for one in fields.values()} == {world.house.redactor.tokens.token("CUSTOMER", "1")}


def test_what_is_not_configured_is_not_sealed(world: World) -> None:
    first = world.house.ledger.size
    world.house.intake.take("json", "other", b'{"action": "a.b", "customer": {"email": "z@example.com"}}')
    event = decode(next(data for _, data in world.house.ledger.scan(first)))
    assert event.redaction.sealed == ()
    assert b"sealed" not in world.house.ledger.read(first)


def test_revealing_takes_another_persons_word_and_is_recorded_before(world: World) -> None:
    event = world.take(2)
    with pytest.raises(Denied, match="approval: request") as waits:
        world.reveal(event)
    with pytest.raises(Denied) as again:
        world.reveal(event)
    assert again.value.message == waits.value.message, "the same request waits, no second one"
    (request,) = [one for one in world.house.control.requests.list("pending") if one.kind == "reveal"]
    assert (request.resource, request.verbs) == (f"sealed/{event.id}/attrs.customer.email", ("reveal",))
    with pytest.raises(Denied, match="approver"):
        world.desk.approve(world.people["ann"], request.id, "")
    world.approve_all()
    shown = world.reveal(event)
    assert shown.value == "anna2.canary@example.com"
    assert world.reveal(event).value == shown.value
    for field, value in (("attrs.lines[0].note", "ring twice, 2"), ("client.ip", "10.9.8.2")):
        with pytest.raises(Denied):
            world.reveal(event, field)
        world.approve_all()
        assert world.reveal(event, field).value == value
    seen = [one for one in world.actions("value.revealed") if one.links[0].id == event.id]
    assert len(seen) == 4
    assert (seen[0].actor.name, seen[0].access.approvers, seen[0].resource.name) == (
        "ann", ("app",), "attrs.customer.email",
    )  # fmt: skip
    assert seen[0].access.grant_id == shown.grant_id
    assert seen[0].data.subjects == (event.redaction.sealed[0].subject,)


def test_types_of_values_come_back_as_they_were(world: World) -> None:
    event = world.take(3)
    for field, value in (("attrs.vip", True), ("attrs.visits", 18)):
        with pytest.raises(Denied):
            world.reveal(event, field)
        world.approve_all()
        shown = world.reveal(event, field)
        assert (shown.value, type(shown.value)) == (value, type(value))
        assert commitment(bytes.fromhex(shown.salt), field, value) == shown.commitment


def test_a_grant_is_for_one_person_one_field_and_a_time(world: World) -> None:
    event = world.take(4)
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()
    world.reveal(event)
    with pytest.raises(Denied):
        world.reveal(event, person="app")
    with pytest.raises(Denied):
        world.reveal(event, "client.ip")
    real = world.house.clock
    world.house.clock = ManualClock(real.now_ns() + 901 * 10**9)
    try:
        with pytest.raises(Denied):
            world.reveal(event)
    finally:
        world.house.clock = real


def test_only_who_may_see_the_event_may_ask(world: World) -> None:
    event = world.take(5)
    waiting = len(world.house.control.requests.list("pending"))
    with pytest.raises(ConfigError, match="no event"):
        world.reveal(event, person="eng")
    with pytest.raises(ConfigError, match="no sealed field") as none:
        world.reveal(event, "attrs.password")
    assert "attrs.customer.email" in none.value.hint
    with pytest.raises(ConfigError, match="no path"):
        world.reveal(event, "attrs..x")
    assert len(world.house.control.requests.list("pending")) == waiting


def test_nothing_is_shown_that_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = world.take(6)
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()

    def halted(*_: object, **__: object) -> None:
        raise Unavailable("the ledger has halted")

    monkeypatch.setattr(world.house, "note", halted)
    with pytest.raises(Unavailable, match="halted"):
        world.reveal(event)


def test_a_disclosure_is_checked_with_the_public_key_and_one_changed_character_is_found(world: World) -> None:
    event = world.take(7)
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()
    shown = world.reveal(event)
    data, key = _disclosure(shown).encode(), shown.verifier_key
    assert verify_disclosure(data, key).disclosure.value == "anna7.canary@example.com"
    for at in range(len(data)):
        other = b"A" if data[at : at + 1] != b"A" else b"B"
        with pytest.raises(VerificationError):
            verify_disclosure(data[:at] + other + data[at + 1 :], key)
    later = world.take(7, number=2)
    with pytest.raises(Denied):
        world.reveal(later)
    world.approve_all()
    other_event = _disclosure(world.reveal(later))
    mixed = msgspec.structs.replace(other_event, proof=_disclosure(shown).proof)
    with pytest.raises(VerificationError, match="another event"):
        verify_disclosure(mixed.encode(), key)


def test_a_hold_blocks_erasing_and_names_itself_not_the_person(world: World) -> None:
    world.take(8)
    hold = world.desk.place_hold(
        world.people["pri"], HoldForm(subject="CUSTOMER:8", reason="proceedings, mail to bob@example.com")
    )
    assert "bob@" not in hold.reason
    assert world.erase(8, dry_run=True).holds == (hold.id,)
    with pytest.raises(Conflict, match=hold.id):
        world.erase(8)
    world.desk.release_hold(world.people["pri"], hold.id[:13], "settled")
    assert [one.state for one in world.house.control.requests.list() if one.kind == "erase"] == []
    assert world.erased(8).sealed == 6
    placed, released = world.actions("hold.placed")[-1], world.actions("hold.released")[-1]
    assert placed.data.subjects == released.data.subjects == hold.subjects
    assert released.outcome.reason == "settled"


def test_a_hold_placed_after_the_approval_still_blocks(world: World) -> None:
    event = world.take(9)
    with pytest.raises(Denied):
        world.erase(9)
    world.approve_all()
    hold = world.desk.place_hold(world.people["pri"], HoldForm(subject="CUSTOMER:9", reason="court"))
    with pytest.raises(Conflict, match=hold.id):
        world.erase(9)
    assert world.house.vault.open(event.id, "client.ip", _committed(event, "client.ip")) is not None


def test_erasing_takes_the_role_and_another_person(world: World) -> None:
    world.take(10)
    with pytest.raises(Denied, match="may not"):
        world.erase(10, person="ann")
    with pytest.raises(Denied, match="approval"):
        world.erase(10)
    with pytest.raises(ConfigError, match="nothing is sealed"):
        world.erase(999)
    for subject in ("anna@example.com", "<EMAIL>", "SECRET:x", "EMAIL:", "<SECRET:aaaaaaaaaaaa>"):
        with pytest.raises(ConfigError, match="neither a token") as refused:
            world.desk.erase(world.people["pri"], EraseForm(subject=subject, reason="request of 3 May"))
        assert "anna" not in str(refused.value)


def test_what_is_erased_cannot_be_shown_and_everything_still_verifies(world: World) -> None:
    event, other = world.take(11), world.take(12)
    older = world.house.ledger.prove(0).encode()
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()
    before = _disclosure(world.reveal(event)).encode()
    erased = world.erased(11)
    assert erased.subjects == (world.house.redactor.tokens.token("CUSTOMER", "11"),)
    with pytest.raises(Conflict, match="erased at") as gone:
        world.reveal(event)
    assert erased.event in gone.value.message
    receipt = verify_proof(erased.proof.encode(), erased.verifier_key)
    told = decode(receipt.entry)
    assert (told.id, told.action, told.data.subjects) == (erased.event, "subject.erased", erased.subjects)
    assert verify_proof(older, erased.verifier_key).index == 0
    assert verify_disclosure(before, erased.verifier_key).disclosure.event == event.id
    with pytest.raises(Denied):
        world.reveal(other)
    world.approve_all()
    assert world.reveal(other).value == "anna12.canary@example.com"
    again = world.take(11, number=2)
    with pytest.raises(Denied):
        world.reveal(again)
    world.approve_all()
    assert world.reveal(again).value == "anna11.canary@example.com"
    with pytest.raises(Conflict):
        world.reveal(event)
    world.reopen()
    with pytest.raises(Conflict, match="erased at"):
        world.reveal(event)
    assert verify_home(world.directory).ok


def test_a_subject_is_known_by_its_token_as_well(world: World) -> None:
    event = world.take(13)
    token = event.redaction.sealed[0].subject
    plan = world.desk.erase(
        world.people["pri"], EraseForm(subject=token, reason="what is there", dry_run=True)
    )
    assert (plan.subjects, plan.sealed) == ((token,), 6)


def test_a_value_that_somebody_took_out_of_the_vault_is_missed(world: World) -> None:
    event = world.take(14)
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()
    world.house.control.vault.drop([event.id])
    with pytest.raises(VerificationError, match="no erasure says so"):
        world.reveal(event)


def test_an_event_whose_value_cannot_be_kept_is_refused_and_the_others_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    size = world.house.ledger.size
    monkeypatch.setattr(world.house.control.vault, "keep", full)
    sealed = {"action": "order.placed", "id": "full-1", "customer": {"id": 15, "email": "x@example.com"}}
    plain = {"action": "order.placed", "id": "full-2", "note": "nothing to seal"}
    body = "\n".join(map(json.dumps, (sealed, plain))).encode()
    with pytest.raises(Unavailable, match="disk is full"):
        world.house.intake.take("json", "shop", body)
    assert world.house.ledger.size == size + 1
    monkeypatch.undo()
    again = world.house.intake.take("json", "shop", body)
    assert (again.accepted, again.duplicates) == (1, 1)
    assert world.house.vault.gate.empty


def test_keys_that_change_leave_values_readable_and_subjects_whole(world: World) -> None:
    before = world.take(20)
    for kind in ("data", "token", "control"):
        world.house.rotation.rotate(kind, "default", "a test", world.people["pri"].as_actor())
    after = world.take(20, number=2)
    old, new = (event.redaction.sealed[0].subject for event in (before, after))
    assert old != new, "another epoch"
    for event in (before, after):
        with pytest.raises(Denied):
            world.reveal(event)
        world.approve_all()
        assert world.reveal(event).value == "anna20.canary@example.com"
    for subject in ("CUSTOMER:20", old, new):
        plan = world.desk.erase(
            world.people["pri"], EraseForm(subject=subject, reason="what is there", dry_run=True)
        )
        assert (set(plan.subjects), plan.keys, plan.sealed) == ({old, new}, 1, 12), subject
    hold = world.desk.place_hold(world.people["pri"], HoldForm(subject=new, reason="court"))
    assert set(hold.subjects) == {old, new}
    assert world.erase(20, dry_run=True).holds == (hold.id,)
    world.desk.release_hold(world.people["pri"], hold.id, "settled")
    world.reopen()
    assert set(world.erased(20).subjects) == {old, new}
    for event in (before, after):
        with pytest.raises(Conflict, match="erased at"):
            world.reveal(event)


def test_a_feed_of_another_ledger_is_sealed_and_erased_as_well(world: World) -> None:
    world.house.create_ledger("eu")
    config = config_of(world.directory)
    config.write_text(
        config.read_text() + '[ledgers.eu]\nsources = ["json/eu"]\n'
        '[[seal]]\nsource = "json/eu"\nfields = ["attrs.mail"]\n'
    )
    world.reopen()
    body = b'{"action": "order.placed", "mail": "eu.canary@example.com"}'
    assert world.house.intake.take("json", "eu", body).accepted == 1
    ledger = world.house.ledgers.get("eu")
    event = decode(ledger.read(ledger.size - 1))
    with pytest.raises(Denied):
        world.reveal(event, "attrs.mail")
    world.approve_all()
    shown = world.reveal(event, "attrs.mail")
    assert (shown.value, shown.place) == ("eu.canary@example.com", f"eu/{ledger.size - 1}")
    assert verify_disclosure(_disclosure(shown).encode(), shown.verifier_key)
    form = EraseForm(subject="EMAIL:EU.Canary@example.com", reason="request of 3 May")
    with pytest.raises(Denied):
        world.desk.erase(world.people["pri"], form)
    world.approve_all()
    assert world.desk.erase(world.people["pri"], form).sealed == 1
    world.reopen()
    with pytest.raises(Conflict, match="erased at"):
        world.reveal(event, "attrs.mail")


def test_marks_move_while_a_server_runs_and_when_it_stops(world: World) -> None:
    world.take(30)
    real = world.house.clock
    world.house.clock = ManualClock(real.now_ns() + 11 * 10**9)
    try:
        world.desk.sweep()
    finally:
        world.house.clock = real
    assert world.house.control.vault.marks() == world.house.ledgers.sizes()
    assert world.house.control.vault.unmarked() == set()
    event = world.take(30, number=2)
    assert world.house.control.vault.unmarked() == {event.id}
    world.reopen()
    assert world.house.control.vault.unmarked() == set()
    assert world.house.vault.open(event.id, "client.ip", _committed(event, "client.ip")) is not None


def test_an_erasure_that_cannot_be_finished_now_is_finished_soon(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while a backup reads the store, so that its log cannot be emptied."""
    event = world.take(40)
    with pytest.raises(Denied):
        world.erase(40)
    world.approve_all()

    def busy(*_: object, **__: object) -> None:
        raise Unavailable("the log is in use")

    monkeypatch.setattr(world.house.control._database, "scrub", busy)
    with pytest.raises(Unavailable, match="in use"):
        world.erase(40)
    assert world.actions("subject.erased")[-1].data.subjects
    with pytest.raises(Conflict, match="erased at"):
        world.reveal(event)
    world.desk.sweep()
    assert len(world.house.control.erasures.pending()) == 1
    monkeypatch.undo()
    world.desk.sweep()
    assert world.house.control.erasures.pending() == []
    assert world.house.control.erasures.list()[-1].done_ns
    assert world.take(40, number=2).redaction.sealed


def test_an_erasure_that_could_not_be_recorded_erases_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = world.take(42)
    with pytest.raises(Denied):
        world.erase(42)
    with pytest.raises(Denied):
        world.reveal(event)
    world.approve_all()

    def halted(*_: object, **__: object) -> None:
        raise Unavailable("the ledger does not answer")

    monkeypatch.setattr(world.house.recorder, "record", halted)
    with pytest.raises(Unavailable, match="does not answer"):
        world.erase(42)
    monkeypatch.undo()
    assert len(world.house.control.erasures.pending()) == 1
    assert world.reveal(event).value == "anna42.canary@example.com"
    world.reopen()
    assert world.house.control.erasures.pending() == []
    assert world.reveal(event).value == "anna42.canary@example.com"
    assert world.erase(42).sealed == 6


def test_holds_are_placed_on_a_stopped_directory_too(world: World) -> None:
    operator = local_operator("default")
    hold = world.desk.place_hold(operator, HoldForm(subject="CUSTOMER:41", reason="court"))
    assert hold.placed_by == operator.id
    assert [one.id for one in world.desk.list_holds(operator)][-1] == hold.id
    world.take(41)
    with pytest.raises(Conflict, match=hold.id):
        world.erase(41)
    assert world.desk.release_hold(operator, hold.id, "settled").released_by == operator.id
    with pytest.raises(Denied, match="takes two people"):
        world.desk.erase(operator, EraseForm(subject="CUSTOMER:41", reason="request of 3 May"))


def test_no_value_stands_in_any_file_in_clear(world: World) -> None:
    world.take(16)
    with pytest.raises(Denied):
        world.erase(16)
    files = [path for path in world.directory.rglob("*") if path.is_file()]
    needles = [b"canary@example", b"ring twice", b"leave it at the door", b"10.9.8."]
    assert len(files) > 10
    for path in files:
        data = path.read_bytes()
        assert not any(needle in data for needle in needles), path
    entries = b"".join(data for _, data in world.house.ledger.scan())
    assert not any(needle in entries for needle in needles)


def _committed(event: Event, field: str) -> str:
    return next(one.commitment for one in event.redaction.sealed if one.field == field)
