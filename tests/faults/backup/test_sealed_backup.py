"""Backups and the vault: nothing sealed is missing in one, and what was erased comes back from none."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.api.vault_values import EraseForm
from glasshatch.app.backup import MadeBackup, make_backup, restore_home
from glasshatch.app.backup.moments import moments, read_moment
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.local import local_operator
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.errors import Conflict, Denied
from glasshatch.events import Event, decode

SEAL = """
[[seal]]
source = "json"
fields = ["attrs.mail"]
subject = "attrs.customer"
subject_type = "CUSTOMER"
"""


class World:
    """An open house whose desk makes backups, and whose people erase."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.place = folder / "backups"
        create_home(self.home)
        config = config_of(self.home)
        config.write_text(f"{config.read_text()}\n{SEAL}")
        self.house = House(load_config(config), SystemClock())
        self.desk = FrontDesk(self.house)
        self.meanwhile: list[Any] = []
        for name, role in (("pri", "privacy"), ("app", "approver")):
            self.house.control.actors.create(name, roles=[role], now_ns=self.house.clock.now_ns())

    def take(self, number: int) -> None:
        body = {"action": "order.placed", "id": f"o-{number}", "mail": f"m{number}@example.com", "to": number}
        self.house.intake.take("json", "shop", json.dumps(body | {"customer": number % 2}).encode())

    def erase(self, customer: int) -> None:
        people = {actor.name: actor for actor in self.house.control.actors.list()}
        form = EraseForm(subject=f"CUSTOMER:{customer}", reason="request of 3 May")
        with pytest.raises(Denied):
            self.desk.erase(people["pri"], form)
        for request in self.house.control.requests.list("pending"):
            self.desk.approve(people["app"], request.id, "")
        self.desk.erase(people["pri"], form)

    def begin_backup(self) -> Any:
        """Whatever happens between the copy of the control store and that of the ledger happens here."""
        for step in self.meanwhile:
            step()
        return self.desk.begin_backup(local_operator("default"))

    def backup_made(self, form: Any) -> None:
        self.desk.backup_made(local_operator("default"), form)

    def back_up(self) -> MadeBackup:
        return make_backup(self.home, self.place, self, master_key=False)

    def restore(self, moment: Path, name: str, **more: Any) -> House:
        target = self.folder / name
        restore_home(moment, target, master=f"file:{self.home}/keys/master.key", **more)
        return House(load_config(config_of(target)), SystemClock())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.house.close()


def values(house: House) -> dict[str, str | None]:
    """What each order's mail is in the vault, by the order's token."""
    found: dict[str, str | None] = {}
    events: list[Event] = [decode(data) for _, data in house.ledger.scan() if b'"order.placed"' in data]
    for event in events:
        assert event.redaction
        for one in event.redaction.sealed:
            opened = house.vault.open(event.id, one.field, one.commitment)
            found[f"{event.attrs['to']}"] = None if opened is None else str(opened.value)
    return found


def test_what_is_sealed_while_a_backup_runs_is_in_it(world: World) -> None:
    world.take(1)
    world.meanwhile = [lambda: world.take(2), lambda: world.take(3)]
    made = world.back_up()
    with contextlib.closing(world.restore(Path(made.moment), "restored")) as house:
        assert values(house) == {str(number): f"m{number}@example.com" for number in (1, 2, 3)}


def test_what_is_erased_while_a_backup_runs_is_not_in_it(world: World) -> None:
    world.take(1)
    world.take(2)
    before = keys_now(world)
    world.meanwhile = [lambda: world.erase(1)]
    made = world.back_up()
    gone = before - keys_now(world)
    assert len(gone) == 1
    assert gone.pop().encode() not in (Path(made.moment) / "control.db").read_bytes()
    with contextlib.closing(world.restore(Path(made.moment), "restored")) as house:
        assert values(house) == {"1": None, "2": "m2@example.com"}


def keys_now(world: World) -> set[str]:
    with contextlib.closing(sqlite3.connect(world.home / "control.db")) as store:
        return {row[0] for row in store.execute("SELECT wrapped FROM subject_keys") if row[0]}


def test_the_next_backup_takes_destroyed_keys_out_of_the_moments_before(world: World) -> None:
    for number in range(1, 9):
        world.take(number)
    before = keys_now(world)
    world.back_up()
    world.take(11)
    world.back_up()
    world.erase(1)
    gone = (before - keys_now(world)).pop().encode()
    olds = moments(world.place)
    assert all(gone in (old / "control.db").read_bytes() for old in olds)
    made = world.back_up()
    assert made.forgotten == 2
    for path in world.place.rglob("*"):
        assert not path.is_file() or gone not in path.read_bytes(), path
    assert not list(world.place.rglob(".control.db*"))
    assert read_moment(olds[0]).by_path()["control.db"].sha256 == ""
    again = world.restore(olds[0], "restored", accept_older=True, reason="a test")
    with contextlib.closing(again) as house:
        assert values(house) == {
            str(number): None if number % 2 else f"m{number}@example.com" for number in range(1, 9)
        }
        assert len(house.control.erasures.list()) == 1
    assert world.back_up().forgotten == 0


def test_an_older_backup_elsewhere_is_erased_again_when_newer_state_is_at_hand(world: World) -> None:
    world.take(1)
    made = world.back_up()
    world.erase(1)
    with pytest.raises(Conflict, match="are known"):
        restore_home(
            Path(made.moment), world.folder / "refused", master=f"file:{world.home}/keys/master.key",
            newer_than=[world.home],
        )  # fmt: skip
    again = world.restore(
        Path(made.moment), "restored", newer_than=[world.home], accept_older=True, reason="a test"
    )
    with contextlib.closing(again) as house:
        assert values(house) == {"1": None}
        subject = house.redactor.tokens.token("CUSTOMER", "1")
        (erasure,) = house.control.erasures.of_subject(subject)
        assert erasure.done_ns
        (told,) = [decode(data) for _, data in house.ledger.scan() if b"backup.restored" in data]
        assert told.attrs["erased_again"] == "1"
