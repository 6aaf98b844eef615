"""All ledgers of a directory are backed up and put back, none older than is known and none left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glasshatch.app.backup import MadeBackup, find_moment, make_backup, restore_home
from glasshatch.app.backup.moments import read_moment
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import open_local
from glasshatch.cli.connection import Bound
from glasshatch.clock import SystemClock
from glasshatch.errors import Conflict, VerificationError
from glasshatch.events import decode


class World:
    """A data directory with a second ledger, and a place for its backups."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.place = folder, folder / "home", folder / "backups"
        create_home(self.home, origin="example.com/audit")
        self.master = f"file:{self.home}/keys/master.key"

    @contextmanager
    def open(self, home: Path | None = None) -> Iterator[House]:
        house = House(load_config((home or self.home) / "glasshatch.toml"), SystemClock(), brief=True)
        try:
            yield house
        finally:
            house.close()

    def record(self, ledger: str, count: int) -> None:
        with self.open() as house:
            for _ in range(count):
                house.recorder.record(house.maker.make("server.started"), ledger=ledger)

    def back_up(self) -> MadeBackup:
        with open_local(self.home) as (desk, caller):
            return make_backup(self.home, self.place, Bound(desk, caller))

    def restore(self, name: str, **more: object) -> Path:
        target = self.folder / name
        restore_home(self.place, target, **{"master": self.master, **more})  # type: ignore[arg-type]
        return target

    def actions(self, home: Path, ledger: str) -> list[str]:
        with self.open(home) as house:
            return [decode(data).action for _, data in house.ledgers.get(ledger).scan()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    assert world.back_up().ledgers == {}
    assert read_moment(find_moment(world.place)).version == 1
    with world.open() as house:
        house.create_ledger("shop")
    world.record("shop", 5)
    return world


def test_all_of_them_come_back_as_they_were(world: World) -> None:
    made = world.back_up()
    assert made.ledgers == {"shop": 6}
    assert read_moment(find_moment(world.place)).version == 2
    with world.open() as house:
        (told,) = [
            event.attrs for _, data in house.ledger.scan()
            if (event := decode(data)).action == "backup.made" and "ledgers" in event.attrs
        ]  # fmt: skip
    assert told["ledgers"] == "shop: 6"
    home = world.restore("restored")
    assert verify_home(home).ok
    assert [Path(one.directory).name for one in verify_home(home).ledgers] == ["default", "shop"]
    assert world.actions(home, "shop") == ["ledger.created", *["server.started"] * 5]
    assert world.actions(home, "default")[-1] == "backup.restored"


def test_one_that_is_older_than_is_known_is_refused_unless_told_and_then_says_so(world: World) -> None:
    world.back_up()
    older = world.folder / "older"
    shutil.copytree(world.place, older)
    world.record("shop", 3)
    # The old directory knows more of that one ledger.
    with pytest.raises(Conflict, match="known to have been recorded: 5 of 6 in default, 6 of 9 in shop"):
        restore_home(older, world.folder / "one", master=world.master, newer_than=[world.home])
    done = restore_home(
        older, world.folder / "one", master=world.master, newer_than=[world.home], accept_older=True,
        reason="the disk is gone",
    )  # fmt: skip
    assert done.missing > 3
    with world.open(world.folder / "one") as house:
        last = decode(house.ledgers.get("shop").read(6))
    assert (last.action, last.attrs["missing"], last.attrs["size"]) == ("backup.restored", "3", "6")


def test_a_ledger_that_is_gone_is_not_left_out_quietly(world: World) -> None:
    world.back_up()
    kept = (world.home / "keys/default.json").read_bytes()
    shutil.move(world.home / "ledgers/shop", world.folder / "away")
    with pytest.raises(VerificationError, match="its directory is missing"):
        world.back_up()
    # Neither with a keyring that knows nothing of it.
    shutil.copy(world.place / sorted(p.name for p in world.place.iterdir() if p.is_dir())[0]
                / "keys/default.json", world.home / "keys/default.json")  # fmt: skip
    with pytest.raises(VerificationError, match="is in the moment before, and is missing"):
        world.back_up()
    (world.home / "keys/default.json").write_bytes(kept)
    shutil.move(world.folder / "away", world.home / "ledgers/shop")
    assert world.back_up().ledgers == {"shop": 6}


def test_damage_in_any_of_them_is_found_before_anything_is_put_back(world: World) -> None:
    world.back_up()
    file = find_moment(world.place) / "ledgers/shop/hashes/level-0"
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    with pytest.raises(VerificationError):
        world.restore("damaged")
    assert not (world.folder / "damaged").exists()
